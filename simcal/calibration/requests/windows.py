"""Windows of requests for the game: what is seen of them, and what the market takes as given."""

from __future__ import annotations

import numpy as np

from simcal.calibration.gan import GameData
from simcal.calibration.requests.sample import Event, Sample, View
from simcal.data.requests.channels import GIVEN, SEEN
from simcal.errors import DataError

FEWEST = 50
"""Windows that a game needs at least: their covariance weighs the statistics."""


def request_windows(sample: Sample, *, view: View, window: int, warm_up: int) -> GameData:
    """Windows of consecutive requests, one after the other, each after `warm_up` requests that belong to it.

    Returns
    -------
    ``train`` (n, len(SEEN), window + 1), whose first entry is the request before the window (zeros where there is
    none), and ``given`` (n, len(GIVEN), warm_up + window + 1), whose first entry is not used.

    Raises
    ------
    DataError
        The sample is too short, or does not tell whether clients traded at all.
    """
    if (sample.event == Event.LOST).any():
        raise DataError(
            "Some requests have the status LOST, which does not say whether the client traded with another dealer; the "
            "adversarial method needs to know that. Use the methods likelihood and moments, or fill in the statuses."
        )
    count = (sample.n - warm_up) // window
    if count < FEWEST:
        raise DataError(
            f"The table holds {sample.n} requests, which make {max(count, 0)} windows of {window}, but the adversarial "
            f"method needs at least {FEWEST}; give a longer table or a smaller game.window."
        )
    # The last requests, so that the whole table is used but for a rest at its beginning.
    ends = sample.n - np.arange(count)[::-1] * window
    seen = np.concatenate([np.zeros((len(SEEN), 1)), _seen(sample, view)], axis=1)
    given = np.concatenate([np.zeros((len(GIVEN), 1)), _given(sample)], axis=1)
    train = seen[:, ends[:, None] + np.arange(-window, 1)]
    before = given[:, ends[:, None] + np.arange(-window - warm_up, 1)]
    return GameData(train.transpose(1, 0, 2), given=before.transpose(1, 0, 2))


def _given(sample: Sample) -> np.ndarray:
    columns = {"side": sample.side, "size": sample.size, "n_dealers": sample.rivals + 1, "own": sample.margin}
    return np.stack([columns[name] for name in GIVEN])


def _seen(sample: Sample, view: View) -> np.ndarray:
    done = sample.done.astype(float)
    absent = np.full(sample.n, np.nan)
    columns = {
        "side": sample.side, "size": sample.size, "n_dealers": sample.rivals + 1, "own": sample.margin,
        "rival": absent, "best": absent, "cover": np.where(sample.event == Event.DONE_COVER, sample.other, np.nan),
        "done": done, "traded": done + sample.away,
    }  # fmt: skip
    if view == "platform":
        assert sample.quotes is not None
        ordered = np.sort(np.concatenate([sample.margin[:, None], sample.quotes], axis=1), axis=1)  # NaN last
        columns |= {"rival": np.fmin.reduce(sample.quotes, axis=1), "best": ordered[:, 0], "cover": ordered[:, 1]}
    return np.stack([columns[name] for name in SEEN])
