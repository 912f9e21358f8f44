"""How good forecasts from the last day were: walking forward through a part of a series, beside other forecasters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal import models
from simcal.data import PriceSeries, load_series
from simcal.definition.likelihood import Passage
from simcal.errors import DataError
from simcal.facts.forecasters import Forecaster
from simcal.inference.filtering import following
from simcal.inference.forecast import HORIZONS
from simcal.inference.scores import christoffersen, crps, fissler_ziegel, kupiec, share_band, tail
from simcal.models import Market
from simcal.noise import check_integer
from simcal.simulation import simulate

LEVELS = (0.01, 0.05)
MARKET = "this market"
_YEAR = 250
_SHORTEST = 100  # days to judge by

#: name -> the fitted model, and whether its innovations are its own residuals; None: the last 250 returns, shuffled
PEERS: dict[str, tuple[str, bool] | None] = {
    "GJR-GARCH, filtered historical": ("GJR-t", True),
    "EGARCH-t": ("EGARCH-t", False),
    "last 250 days": None,
}


@dataclass(frozen=True, eq=False)
class Judgement:
    """Forecasts of a market and of others, judged by what came.

    Attributes
    ----------
    scores
        A row per forecaster and horizon: mean CRPS of the log return, mean Fissler-Ziegel score of value at risk and
        expected shortfall at 5 %, both smaller where better, and the share of returns below the quantiles of 1 and 5 %.
        For one step `p, Kupiec` and `p, Christoffersen` at each level; for more the share has a 95 % band, by blocks.
    pit
        The market's probability of a smaller return than came the next day, for every day.
    days
        Positions of the returns after which forecasts were made.
    """

    scores: pd.DataFrame
    pit: np.ndarray = field(repr=False)
    days: np.ndarray = field(repr=False)

    def summary(self) -> pd.DataFrame:
        """The scores."""
        return self.scores

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"days": len(self.days), "scores": self.scores.to_dict("records"), "pit": self.pit.tolist()}


def judge_forecasts(
    market: Market | str | Path,
    data: Any,
    *,
    train_share: float = 0.7,
    horizons: Sequence[int] = HORIZONS,
    every: int = 5,
    n_paths: int = 1000,
    seed: int = 0,
    listen: Callable[[int, int], None] | None = None,
) -> Judgement:
    """Forecast from every day of the last part of a series, and compare with what came.

    One-step forecasts are made every day, longer ones every few days. The market's parameters are as they are, those of
    its peers are fitted to the first part.

    Parameters
    ----------
    market, data
        As of `simcal.filter`; the market should know nothing of the last part.
    train_share
        Of the returns that are not judged by.
    horizons
        Steps ahead.
    every, n_paths, seed
        Days between forecasts of more than one step, paths of each, seed of the noise.
    listen
        Called with how many forecasters are done, and of how many.

    Returns
    -------
    Judgement

    Raises
    ------
    ParameterError
        The market has no exact likelihood.
    DataError
        The part is shorter than 100 days.

    Examples
    --------
    >>> import simcal
    >>> prices = simcal.simulate(simcal.load("herding-today"), 1, 1000, seed=2).prices[0]
    >>> found = judge_forecasts("herding-today", prices, horizons=(1, 5), every=25, n_paths=100)
    >>> len(found.scores), len(found.pit)
    (8, 300)
    """
    every, n_paths = check_integer("every", every, 1, 10**6), check_integer("n_paths", n_paths, 100, 10**6)
    series = data if isinstance(data, PriceSeries) else load_series(data)
    passage, returns = following(models.load(market), series), series.log_returns
    cut, longest = round(train_share * len(returns)), max(horizons)
    if len(returns) - cut - longest < _SHORTEST:
        raise DataError(
            f"After the first {train_share:.0%} there are {len(returns) - cut} returns to judge forecasts of {longest} "
            f"steps by, but it takes {_SHORTEST + longest}; give a longer series or a smaller train_share."
        )
    after = np.arange(cut - 1, len(returns) - longest)
    rows, forecasters = [], [MARKET, *PEERS]
    for k, name in enumerate(forecasters):
        peer = PEERS.get(name)
        model = None if peer is None else Forecaster(peer[0], returns, cut)

        def ahead(days: np.ndarray, steps: int, name: str = name, peer: Any = peer, model: Any = model) -> np.ndarray:
            if name == MARKET:
                return _of_market(passage, days, steps, n_paths, seed)
            if model is None:
                return _shuffled(returns, days, steps, n_paths, seed)
            return model.paths(days, steps, n_paths, seed=seed, historical=peer[1])

        rows += _judged(name, ahead, returns, after, horizons, every, seed)
        if listen is not None:
            listen(k + 1, len(forecasters))
    pit = passage.probabilities[cut:]
    scores = pd.DataFrame(rows).sort_values("steps", kind="stable", ignore_index=True)
    return Judgement(scores, pit, after)


def _judged(
    name: str, ahead: Callable[[np.ndarray, int], np.ndarray], returns: np.ndarray, after: np.ndarray,
    horizons: Sequence[int], every: int, seed: int,
) -> list[dict[str, Any]]:  # fmt: skip
    rows, longer = [], [h for h in horizons if h > 1]
    rng = np.random.default_rng(seed)
    if 1 in horizons:
        rows.append({"forecaster": name, "steps": 1} | _scores(ahead(after, 1)[:, :, 0], returns[after + 1], 1, rng))
    if longer:
        days = after[::every]
        totals = np.cumsum(ahead(days, max(longer)), axis=2)
        sums = np.concatenate([[0.0], np.cumsum(returns)])
        for steps in longer:
            came = sums[days + 1 + steps] - sums[days + 1]
            # Forecasts that overlap share returns; twice as many in a block also carry what volatility they share.
            block = max(2 * -(-steps // every), 2)
            rows.append({"forecaster": name, "steps": steps} | _scores(totals[:, :, steps - 1], came, block, rng))
    return rows


def _scores(samples: np.ndarray, came: np.ndarray, block: int, rng: np.random.Generator) -> dict[str, float]:
    row: dict[str, float] = {"forecasts": len(came), "CRPS": float(crps(samples, came).mean())}
    for level in LEVELS:
        quantile, shortfall = tail(samples, level)
        hits, words = came <= quantile, f"{100 * level:g} %"
        if level == LEVELS[-1]:
            row["Fissler-Ziegel"] = float(fissler_ziegel(quantile, shortfall, came, level).mean())
        row[f"below {words}"] = float(hits.mean())
        if block == 1:
            row[f"p, Kupiec {words}"] = kupiec(hits, level)
            row[f"p, Christoffersen {words}"] = christoffersen(hits, level)
        else:
            row[f"{words} from"], row[f"{words} to"] = share_band(hits, block, rng)
    return row


def _of_market(passage: Passage, days: np.ndarray, steps: int, n_paths: int, seed: int) -> np.ndarray:
    parts = []
    for k, day in enumerate(days.tolist()):
        begun: Any = passage.begun(day + 1)
        prices = simulate(begun, n_paths, steps, seed=seed, first_path=k * n_paths).prices
        parts.append(np.diff(np.log(prices), axis=1))
    return np.stack(parts)


def _shuffled(returns: np.ndarray, days: np.ndarray, steps: int, n_paths: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, _YEAR, (len(days), n_paths, steps))
    return returns[np.maximum(days[:, None, None] - drawn, 0)]
