"""What a dealer is told about a request after quoting: FIX tag 694 (QuoteRespType) in words."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """How a request ended for the dealer whose table it stands in."""

    DONE = 0
    """The client traded with this dealer."""
    COVER = 1
    """Traded with another dealer, and this one had the second-best quote."""
    TRADED_AWAY = 2
    """Traded with another dealer."""
    NOT_TRADED = 3
    """The client traded with nobody."""
    TIED = 4
    """Traded with another dealer whose quote was the same, the best one."""
    TIED_COVER = 5
    """Traded with another dealer, and this one shared the second-best quote."""
    EXPIRED = 6
    """The request or the quote ran out of time."""
    PASS = 7
    """The dealer did not quote, or the client passed; nothing is learnt of the price."""
    LOST = 8
    """The client did not trade with this dealer; whether with another is not known (a column `won` says no more)."""


AWAY = (Status.COVER, Status.TRADED_AWAY, Status.TIED, Status.TIED_COVER)
"""The statuses that say that another dealer traded."""

QUOTED = (Status.DONE, *AWAY, Status.NOT_TRADED, Status.LOST)
"""The statuses of requests that were quoted to their end; only these count in a hit ratio."""
