"""The backtest in a market with a price: with the strategy, without its impact, and a baseline, on the same noise."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import NumericalWarning
from simcal.trading.bands import summarise
from simcal.trading.noise import Noise
from simcal.trading.orders.capacity import capacity_of, check_sizes, plays_replays
from simcal.trading.orders.engine import play_chunks
from simcal.trading.orders.forms import Strategy
from simcal.trading.orders.impact import PATHS, impact_law, impact_over_time
from simcal.trading.orders.measures import Outcome, measures, outcome_of, paired
from simcal.trading.orders.terms import Terms
from simcal.trading.result import Backtest, over_time

Progress = Callable[[int, int], None]


class Bench:
    """Plays strategies on one noise, measures them, and says how far it is.

    Parameters
    ----------
    market, noise
        Where, and on which noise.
    periods_per_year, level, risk_level
        Of the measures and their bands.
    total
        Paths that will be played in all.
    progress
        Called with (paths done, paths to do).
    """

    def __init__(
        self, market: Any, noise: Noise, *, periods_per_year: float, level: float, risk_level: float,
        total: int = 0, progress: Progress | None = None,
    ) -> None:  # fmt: skip
        self.market, self.noise, self.level, self.risk_level = market, noise, level, risk_level
        self.periods_per_year, self.counted = periods_per_year, measures(risk_level)
        self._progress, self._total, self._done = progress, total, 0

    def outcome(self, strategies: Sequence[Strategy], terms: Terms, *, frozen: bool = False) -> Outcome:
        """Play, and measure; chunk by chunk."""

        def told() -> Any:
            for part in play_chunks(strategies, self.market, self.noise, terms, frozen=frozen):
                yield part
                self.told(len(part.numbers))

        return outcome_of(told(), self.noise.n_steps, self.periods_per_year, self.risk_level)

    def told(self, n_paths: int) -> None:
        """So many more paths are done."""
        self._done += n_paths
        if self._progress is not None:
            self._progress(self._done, self._total)

    def summary(self, mine: pd.DataFrame, baseline: pd.DataFrame | None, replayed: pd.DataFrame) -> pd.DataFrame:
        """Measures beside the baseline and beside the replay, which has columns ``replayed`` and ``impact``, ..."""
        table = summarise(self.counted, mine, baseline, self.level)
        beside = summarise(self.counted, mine, replayed, self.level)
        for name in ("baseline", *(c for c in beside if c.startswith("difference"))):
            table[name.replace("baseline", "replayed").replace("difference", "impact")] = beside[name]
        return table


def backtest_orders(
    strategies: Sequence[Strategy],
    market: Any,
    baseline: Strategy | None,
    noise: Noise,
    terms: Terms,
    *,
    sizes: Sequence[float],
    periods_per_year: float,
    level: float,
    risk_level: float,
    progress: Progress | None,
) -> Backtest:
    """See `simcal.backtest`."""
    grid = check_sizes(sizes)
    plays = 2 + (baseline is not None) + (1 + plays_replays(terms)) * len(grid)
    of_law = min(noise.n_paths, PATHS) * (1 + len(grid)) if grid else 0
    bench = Bench(
        market, noise, periods_per_year=periods_per_year, level=level, risk_level=risk_level,
        total=noise.n_paths * plays + of_law, progress=progress,
    )  # fmt: skip
    played = [bench.outcome(strategies, terms), bench.outcome(strategies, terms, frozen=True)]
    if baseline is not None:
        played.append(bench.outcome([baseline], terms.for_one()))
    mine, replayed, *others = paired(played)
    theirs = others[0] if others else None
    n_failed = noise.n_paths - len(mine.tables[0])
    if n_failed:
        warnings.warn(_failed(n_failed, noise.n_paths), NumericalWarning, stacklevel=3)
    their_paths = None if theirs is None else theirs.tables[0]
    each = None
    if len(strategies) > 1:
        tables = {
            s.name: bench.summary(mine.tables[k], None, replayed.tables[k]).rename_axis("name")
            for k, s in enumerate(strategies)
        }
        each = pd.concat(tables, names=["strategy"])
    capacity = law = None
    if grid:
        capacity = capacity_of(bench, strategies, terms, grid, played[1])
        law = impact_law(market, grid, noise=noise, level=level, told=bench.told)
    return Backtest(
        strategy=strategies[0].name,
        baseline=None if baseline is None else baseline.name,
        summary=bench.summary(mine.tables[0], their_paths, replayed.tables[0]),
        paths=mine.tables[0],
        baseline_paths=their_paths,
        replayed_paths=replayed.tables[0],
        series=_series(mine, replayed, theirs),
        shifts=None,
        impact=impact_over_time(mine, replayed, level),
        capacity=capacity,
        impact_law=law,
        together=each,
        market=market.to_dict(),
        settings={
            "n_paths": noise.n_paths, "n_steps": noise.n_steps, "seed": noise.seed, "first_path": noise.first_path,
            "burn_in": noise.burn_in, "level": level, "risk_level": risk_level, "periods_per_year": periods_per_year,
            **{k: v for k, v in asdict(terms).items() if k != "sizes"},
            "size": terms.sizes[0] if len(set(terms.sizes)) == 1 else list(terms.sizes),
        },
        notes=tuple(_notes(strategies, market, terms, n_failed, noise.n_paths)),
    )  # fmt: skip


def _series(mine: Outcome, replayed: Outcome, theirs: Outcome | None) -> dict[str, pd.DataFrame]:
    series = {
        "pnl": over_time(mine.steps, mine.pnl),
        "replayed_pnl": over_time(mine.steps, replayed.pnl),
        "impact_pnl": over_time(mine.steps, mine.pnl - replayed.pnl),
        "drawdown": over_time(mine.steps, mine.drawdown),
        "replayed_drawdown": over_time(mine.steps, replayed.drawdown),
        "position": over_time(mine.steps, mine.position),
    }
    if theirs is not None:
        series |= {
            "baseline_pnl": over_time(mine.steps, theirs.pnl),
            "baseline_position": over_time(mine.steps, theirs.position),
            "difference": over_time(mine.steps, mine.pnl - theirs.pnl),
        }
    return series


def _notes(strategies: Sequence[Strategy], market: Any, terms: Terms, n_failed: int, n_paths: int) -> list[str]:
    notes = []
    if n_failed:
        notes.append(_failed(n_failed, n_paths))
    total = float(np.sum(terms.sizes))
    traders = getattr(market, "n_traders", None)
    if traders and total > 0:
        words = "One unit counts as" if len(strategies) == 1 else "One unit of each strategy together counts as"
        shares = getattr(market, "outside_volume", None)  # of an order book, where traders order shares
        what = (
            f"{total:g} of the market's traders, of whom there are {traders} beside it."
            if shares is None
            else f"{total * shares:g} of the shares in the market's order book; money counts {shares} of them as one."
        )
        notes.append(f"{words} {what}")
    return notes


def _failed(n_failed: int, n_paths: int) -> str:
    return (
        f"{n_failed} of {n_paths} paths are left out because their price left the range of usable numbers, in the "
        "market itself or with the strategy; give other parameters of the market, or fewer steps."
    )
