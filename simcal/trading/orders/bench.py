"""The backtest in a market with a price: with the strategy, without its impact, and a baseline, on the same noise."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import NumericalError, NumericalWarning
from simcal.trading.bands import Measure, Noise, check_numbers, summarise
from simcal.trading.orders.engine import Trades, play_chunks
from simcal.trading.orders.forms import Strategy
from simcal.trading.orders.impact import PATHS, ImpactLaw, banded_over_time, impact_law
from simcal.trading.orders.terms import Terms
from simcal.trading.records import TrackRecord, drawdowns, path_measures, record_measures, record_of_pnl
from simcal.trading.result import Backtest, over_time

MOST_SIZES = 40
TIMES, PRICE_TIMES, FAN_PATHS = 101, 501, 10_000  # of the figures over time
MONEY = "price × traders"
_IN_MONEY = ["pnl", "max_drawdown", "costs", "traders_traded"]
_DRAWN = ("pnl", "position", "drawdown", "prices", "numbers")


def record_of(trades: Trades, strategy: int, periods_per_year: float) -> TrackRecord:
    """The track record of one of the strategies, in money.

    Capital is what its unit costs when it begins: the first price times the size.
    """
    scale = float(trades.terms.scales[strategy])
    return record_of_pnl(
        scale * trades.pnl[strategy],
        capital=scale * trades.prices[:, 0],
        periods_per_year=periods_per_year,
        traded=scale * np.abs(trades.orders[strategy]) * trades.executed,
    )


def measured(trades: Trades, strategy: int, periods_per_year: float, risk_level: float) -> pd.DataFrame:
    """A row per path: ``path``, its number, ``pnl``, the other columns of `records.path_measures`, and of trading.

    ``costs`` (money), ``trades`` (steps with an order), ``traders_traded`` (traders bought and sold), ``mean_position``
    and ``mean_abs_position`` (units over the steps), ``last_position``.
    """
    record = record_of(trades, strategy, periods_per_year)
    table = path_measures(record, risk_level).rename(columns={"total_pnl": "pnl"})
    table.insert(0, "path", trades.numbers)
    scale, orders, held = trades.terms.scales[strategy], trades.orders[strategy], trades.positions[strategy]
    return table.assign(
        costs=scale * trades.costs[strategy].sum(axis=1),
        trades=(orders != 0).sum(axis=1).astype(float),
        traders_traded=scale * np.abs(orders).sum(axis=1),
        mean_position=held.mean(axis=1),
        mean_abs_position=np.abs(held).mean(axis=1),
        last_position=held[:, -1],
    )


def measures(risk_level: float) -> tuple[Measure, ...]:
    """What a backtest reports, from the columns of `measured`."""
    return (
        *record_measures(risk_level, money=MONEY, turnover=True, total="pnl"),
        Measure("costs", "costs", MONEY, "costs"),
        Measure("trades", "steps with an order", "", "trades"),
        Measure("traders_traded", "bought and sold", "traders", "traders_traded"),
        Measure("mean_abs_position", "mean absolute position", "units", "mean_abs_position"),
    )


@dataclass(frozen=True, eq=False)
class MeasuredTrades:
    """One play of strategies, measured: what is left of a `Trades` when its paths are many.

    For figures the first strategy and the price are known on the first n paths only, at some steps.
    """

    tables: list[pd.DataFrame]  # of `measured`, one per strategy, with the paths that are usable
    steps: np.ndarray  # (n_times,)
    pnl: np.ndarray  # (n, n_times) money earned so far
    position: np.ndarray  # (n, n_times) units held
    drawdown: np.ndarray  # (n, n_times) money below the highest so far
    price_steps: np.ndarray  # (n_price_times,) from 0: the price after so many steps
    prices: np.ndarray  # (n, n_price_times)
    numbers: np.ndarray  # (n,) of these paths

    def only(self, paths: np.ndarray) -> MeasuredTrades:
        """The same with these paths alone (numbers)."""
        if len(paths) == len(self.tables[0]):
            return self
        shown = np.isin(self.numbers, paths)
        drawn = {name: getattr(self, name)[shown] for name in _DRAWN}
        return replace(self, tables=[t[np.isin(t["path"], paths)].reset_index(drop=True) for t in self.tables], **drawn)

    def scaled(self, factor: float) -> MeasuredTrades:
        """The tables with money, and traders traded, multiplied by a number."""
        return replace(self, tables=[t.assign(**{name: factor * t[name] for name in _IN_MONEY}) for t in self.tables])


def paired(plays: Sequence[MeasuredTrades]) -> list[MeasuredTrades]:
    """The same on the paths that are usable in all of them, so that they may be subtracted."""
    common = reduce(np.intersect1d, [one.tables[0]["path"].to_numpy() for one in plays])
    return [one.only(common) for one in plays]


class Bench:
    """Plays strategies in a market on one noise, measures them, and says how far it is: (paths done, paths to do)."""

    def __init__(
        self, market: Any, noise: Noise, *, periods_per_year: float, level: float, risk_level: float,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:  # fmt: skip
        self.market, self.noise, self.level, self.risk_level = market, noise, level, risk_level
        self.periods_per_year, self._progress, self._total, self._done = periods_per_year, progress, 0, 0

    def backtest(
        self, strategies: Sequence[Strategy], baseline: Strategy | None, terms: Terms, sizes: Any = ()
    ) -> Backtest:  # fmt: skip
        """The strategies with and without impact, the baseline alone, and the first strategy at other sizes."""
        noise = self.noise
        given = check_numbers("sizes", sizes, "above 0: [0.1, 1, 10]", MOST_SIZES, positive=True)
        grid = [float(size) for size in np.unique(given)]
        plays = 2 + (baseline is not None) + (2 - terms.scale_free) * len(grid)
        self._total = noise.n_paths * plays + (min(noise.n_paths, PATHS) * (1 + len(grid)) if grid else 0)
        played = [self._play(strategies, terms), self._play(strategies, terms, frozen=True)]
        if baseline is not None:
            played.append(self._play([baseline], replace(terms, sizes=terms.sizes[:1])))
        mine, replayed, *others = paired(played)
        theirs = others[0] if others else None
        failed, n_failed = [], noise.n_paths - len(mine.tables[0])
        if n_failed:
            failed = [
                f"{n_failed} of {noise.n_paths} paths are left out because their price left the range of usable "
                "numbers, in the market itself or with the strategy; give other parameters of the market, or fewer "
                "steps."
            ]
            warnings.warn(failed[0], NumericalWarning, stacklevel=3)
        their_paths = None if theirs is None else theirs.tables[0]
        each = {s.name: self._summary(mine, None, replayed, k) for k, s in enumerate(strategies)}
        capacity: pd.DataFrame | None = None
        law: ImpactLaw | None = None
        if grid:
            at_sizes: dict[Any, pd.DataFrame] = {
                size: self._at_size(strategies, terms.resized(size), terms, played[1]) for size in grid
            }
            capacity = pd.concat(at_sizes, names=["size", "name"])
            law = impact_law(self.market, grid, noise=noise, level=self.level, told=self._told)
        return Backtest(
            strategy=strategies[0].name,
            baseline=None if baseline is None else baseline.name,
            summary=self._summary(mine, their_paths, replayed),
            paths=mine.tables[0],
            baseline_paths=their_paths,
            replayed_paths=replayed.tables[0],
            series=_series(mine, replayed, theirs),
            shifts=None,
            impact=banded_over_time(mine.price_steps, np.log(mine.prices) - np.log(replayed.prices), self.level),
            capacity=capacity,
            impact_law=law,
            together=pd.concat(each, names=["strategy"]) if len(strategies) > 1 else None,
            market=self.market.to_dict(),
            settings={
                "n_paths": noise.n_paths, "n_steps": noise.n_steps, "seed": noise.seed, "first_path": noise.first_path,
                "burn_in": noise.burn_in, "level": self.level, "risk_level": self.risk_level,
                "periods_per_year": self.periods_per_year, **{k: v for k, v in asdict(terms).items() if k != "sizes"},
                "size": terms.sizes[0] if len(set(terms.sizes)) == 1 else list(terms.sizes),
            },
            notes=(*failed, *_size_in_words(self.market, terms)),
        )  # fmt: skip

    def _play(self, strategies: Sequence[Strategy], terms: Terms, *, frozen: bool = False) -> MeasuredTrades:
        """Play, and measure, chunk by chunk; `NumericalError` where no path is usable."""
        n_steps = self.noise.n_steps
        times = np.unique(np.linspace(0, n_steps - 1, min(TIMES, n_steps)).round().astype(int))
        price_times = np.unique(np.linspace(0, n_steps, min(PRICE_TIMES, n_steps + 1)).round().astype(int))
        tables: list[list[pd.DataFrame]] = [[] for _ in strategies]
        drawn: dict[str, list[np.ndarray]] = {name: [] for name in _DRAWN}
        left = FAN_PATHS
        for part in play_chunks(strategies, self.market, self.noise, terms, frozen=frozen):
            good = part.usable()
            if len(good.numbers):
                for k, frames in enumerate(tables):
                    frames.append(measured(good, k, self.periods_per_year, self.risk_level))
                wealth = good.terms.scales[0] * good.equity[0, :left]
                start = np.zeros((len(wealth), 1))
                drawn["pnl"].append(wealth[:, times])
                drawn["position"].append(good.positions[0, :left][:, times])
                drawn["drawdown"].append(drawdowns(np.concatenate([start, wealth], axis=1))[:, times + 1])
                drawn["prices"].append(good.prices[:left, price_times])
                drawn["numbers"].append(good.numbers[:left])
                left -= len(wealth)
            self._told(len(part.numbers))
        if not tables[0]:
            raise NumericalError(
                "No path of the market has a usable price to its end; give other parameters of the market, or fewer "
                "steps."
            )
        joined = [pd.concat(frames, ignore_index=True) for frames in tables]
        # In one order in memory, in which sums are taken, however many parts there were.
        arrays = {name: np.ascontiguousarray(np.concatenate(parts)) for name, parts in drawn.items()}
        return MeasuredTrades(joined, times + 1, price_steps=price_times, **arrays)

    def _told(self, n_paths: int) -> None:
        """So many more paths are done."""
        self._done += n_paths
        if self._progress is not None:
            self._progress(self._done, self._total)

    def _summary(
        self, mine: MeasuredTrades, baseline: pd.DataFrame | None, replayed: MeasuredTrades, strategy: int = 0
    ) -> pd.DataFrame:
        """Measures beside the baseline and beside the replay, which has columns ``replayed`` and ``impact``, ..."""
        counted = measures(self.risk_level)
        table = summarise(counted, mine.tables[strategy], baseline, self.level)
        beside = summarise(counted, mine.tables[strategy], replayed.tables[strategy], self.level)
        for name in ("baseline", *(c for c in beside if c.startswith("difference"))):
            table[name.replace("baseline", "replayed").replace("difference", "impact")] = beside[name]
        return table

    def _at_size(
        self, strategies: Sequence[Strategy], resized: Terms, terms: Terms, replayed: MeasuredTrades
    ) -> pd.DataFrame:  # fmt: skip
        """The measures of the first strategy at another size, beside the replay at that size.

        Where all costs are in proportion to the size, so is the replay, and that of `terms`, `replayed`, tells it.
        """
        if terms.scale_free:
            frozen = replayed.scaled(float(resized.sizes[0]) / float(terms.scales[0]))
        else:
            frozen = self._play(strategies, resized, frozen=True)
        mine, theirs = paired([self._play(strategies, resized), frozen])
        return self._summary(mine, None, theirs)


def _series(
    mine: MeasuredTrades, replayed: MeasuredTrades, theirs: MeasuredTrades | None
) -> dict[str, pd.DataFrame]:  # fmt: skip
    series = {
        "pnl": mine.pnl,
        "replayed_pnl": replayed.pnl,
        "impact_pnl": mine.pnl - replayed.pnl,
        "drawdown": mine.drawdown,
        "replayed_drawdown": replayed.drawdown,
        "position": mine.position,
    }
    if theirs is not None:
        series |= {
            "baseline_pnl": theirs.pnl,
            "baseline_position": theirs.position,
            "difference": mine.pnl - theirs.pnl,
        }
    return {name: over_time(mine.steps, values) for name, values in series.items()}


def _size_in_words(market: Any, terms: Terms) -> list[str]:
    """What a unit is beside the market, where that is known."""
    total, traders = float(np.sum(terms.sizes)), getattr(market, "n_traders", None)
    if not traders or total == 0:
        return []
    words = "One unit counts as" if len(terms.sizes) == 1 else "One unit of each strategy together counts as"
    shares = getattr(market, "outside_volume", None)  # of an order book, where traders order shares
    if shares is None:
        return [f"{words} {total:g} of the market's traders, of whom there are {traders} beside it."]
    book = f"of the shares in the market's order book; money counts {shares} of them as one."
    return [f"{words} {total * shares:g} {book}"]
