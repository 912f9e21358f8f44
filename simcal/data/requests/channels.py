"""What a request is to a calibration that compares sequences of them: numbers in reduced units, see `Requests.reduced`.

Numbers that are not there (the rivals' best where nobody else was asked, the own quote where a law shall draw it) are
NaN.
"""

from __future__ import annotations

GIVEN = ("side", "size", "n_dealers", "own")
"""What a model of the requests may take as given: the client's side (+1, -1) and size, dealers asked, own margin."""

SEEN = ("side", "size", "n_dealers", "own", "rival", "best", "cover", "done", "traded")
"""What a request shows: the given, best margin of the rivals, best and second-best margin of all, share done by the own
dealer, share traded at all."""
