"""What a strategy earned on many paths, path by path, and what a backtest says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import pandas as pd

from simcal.errors import NumericalError
from simcal.trading.bands import Measure
from simcal.trading.orders.engine import Played
from simcal.trading.records import TrackRecord, path_measures, record_measures, record_of_pnl
from simcal.trading.records.drawdowns import drawdowns

TIMES, PRICE_TIMES, FAN_PATHS = 101, 501, 10_000  # of the figures over time
MONEY = "price × traders"
_IN_MONEY = ["pnl", "max_drawdown", "costs", "traders_traded"]
_DRAWN = ("pnl", "position", "drawdown", "prices", "numbers")


def record_of(played: Played, strategy: int, periods_per_year: float) -> TrackRecord:
    """The track record of one of the strategies, in money.

    Capital is what its unit costs when it begins: the first price times the size.
    """
    scale = float(played.terms.scales[strategy])
    return record_of_pnl(
        scale * played.pnl[strategy],
        capital=scale * played.prices[:, 0],
        periods_per_year=periods_per_year,
        traded=scale * np.abs(played.orders[strategy]) * played.executed,
    )


def measured(played: Played, strategy: int, periods_per_year: float, risk_level: float) -> pd.DataFrame:
    """A row per path: ``path``, its number, ``pnl``, the other columns of `records.path_measures`, and of trading.

    ``costs`` (money), ``trades`` (steps with an order), ``traders_traded`` (traders bought and sold), ``mean_position``
    and ``mean_abs_position`` (units over the steps), ``last_position``.
    """
    record = record_of(played, strategy, periods_per_year)
    table = path_measures(record, risk_level).rename(columns={"total_pnl": "pnl"})
    table.insert(0, "path", played.numbers)
    scale, orders, held = played.terms.scales[strategy], played.orders[strategy], played.positions[strategy]
    return table.assign(
        costs=scale * played.costs[strategy].sum(axis=1),
        trades=(orders != 0).sum(axis=1).astype(float),
        traders_traded=scale * np.abs(orders).sum(axis=1),
        mean_position=held.mean(axis=1),
        mean_abs_position=np.abs(held).mean(axis=1),
        last_position=held[:, -1],
    )


def measures(risk_level: float) -> tuple[Measure, ...]:
    """What a backtest reports, from the columns of `measured`."""
    of_record = record_measures(risk_level, money=MONEY, turnover=True)
    renamed = {"total_pnl": "pnl"}
    return (
        *(
            Measure(renamed.get(m.name, m.name), m.label, m.unit, renamed.get(m.column, m.column), m.per, m.statistic)
            for m in of_record
        ),
        Measure("costs", "costs", MONEY, "costs"),
        Measure("trades", "steps with an order", "", "trades"),
        Measure("traders_traded", "bought and sold", "traders", "traders_traded"),
        Measure("mean_abs_position", "mean absolute position", "units", "mean_abs_position"),
    )


@dataclass(frozen=True, eq=False)
class Outcome:
    """One play of strategies, measured: what is left of a `Played` when its paths are many.

    Parameters
    ----------
    tables
        A frame of `measured` per strategy, with the paths that are usable.
    steps
        (n_times,) steps at which the first strategy and the price are known for figures; the price after as many
        steps.
    pnl, position, drawdown
        (n, n_times) of the first paths: money earned so far, units held, money below the highest so far.
    price_steps, prices
        (n_price_times,) steps, from 0, and the prices there of the first paths, (n, n_price_times).
    numbers
        (n,) numbers of these paths.
    n_failed
        Paths left out.
    """

    tables: list[pd.DataFrame]
    steps: np.ndarray
    pnl: np.ndarray
    position: np.ndarray
    drawdown: np.ndarray
    price_steps: np.ndarray
    prices: np.ndarray
    numbers: np.ndarray
    n_failed: int

    def only(self, paths: np.ndarray) -> Outcome:
        """The same with these paths alone (numbers)."""
        if len(paths) == len(self.tables[0]):
            return self
        shown = np.isin(self.numbers, paths)
        drawn = {name: getattr(self, name)[shown] for name in _DRAWN}
        return replace(self, tables=[t[np.isin(t["path"], paths)].reset_index(drop=True) for t in self.tables], **drawn)

    def scaled(self, factor: float) -> Outcome:
        """The tables with money, and traders traded, multiplied by a number."""
        return replace(self, tables=[t.assign(**{name: factor * t[name] for name in _IN_MONEY}) for t in self.tables])


def paired(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes on the paths that are usable in all of them, so that they may be subtracted."""
    paths = [outcome.tables[0]["path"].to_numpy() for outcome in outcomes]
    common = reduce(np.intersect1d, paths)
    return [outcome.only(common) for outcome in outcomes]


def outcome_of(parts: Iterable[Played], n_steps: int, periods_per_year: float, risk_level: float) -> Outcome:
    """Measure the parts of a play one after the other.

    Raises
    ------
    NumericalError
        No path is usable.
    """
    times = np.unique(np.linspace(0, n_steps - 1, min(TIMES, n_steps)).round().astype(int))
    price_times = np.unique(np.linspace(0, n_steps, min(PRICE_TIMES, n_steps + 1)).round().astype(int))
    tables: list[list[pd.DataFrame]] = []
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in _DRAWN}
    n_failed, left = 0, FAN_PATHS
    for part in parts:
        good = part.usable()
        n_failed += len(part.numbers) - len(good.numbers)
        if not len(good.numbers):
            continue
        tables.append([measured(good, k, periods_per_year, risk_level) for k in range(len(good.orders))])
        wealth = good.terms.scales[0] * good.equity[0, :left]
        start = np.zeros((len(wealth), 1))
        drawn["pnl"].append(wealth[:, times])
        drawn["position"].append(good.positions[0, :left][:, times])
        drawn["drawdown"].append(drawdowns(np.concatenate([start, wealth], axis=1))[:, times + 1])
        drawn["prices"].append(good.prices[:left, price_times])
        drawn["numbers"].append(good.numbers[:left])
        left -= len(wealth)
    if not tables:
        raise NumericalError(
            "No path of the market has a usable price to its end; give other parameters of the market, or fewer steps."
        )
    joined = [pd.concat(frames, ignore_index=True) for frames in zip(*tables, strict=True)]
    # In one order in memory, in which sums are taken, however many parts there were.
    arrays = {name: np.ascontiguousarray(np.concatenate(parts)) for name, parts in drawn.items()}
    return Outcome(joined, times + 1, price_steps=price_times, n_failed=n_failed, **arrays)
