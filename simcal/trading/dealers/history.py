"""Had I quoted tighter? A dealer's own requests, and what a calibrated market says of them at shifted margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simcal.data.requests import AWAY, Requests, Status, load_requests
from simcal.errors import DataError, ParameterError
from simcal.models import load
from simcal.trading.bands import check_level, check_shifts, half_width
from simcal.trading.dealers.conditional import PanelTables, panel_tables
from simcal.trading.dealers.outcomes import done_probability

if TYPE_CHECKING:
    from simcal.models.dealers.market import RfqMarket
    from simcal.report import Section


@dataclass(frozen=True, eq=False)
class HistoryShift:
    """What a dealer's own requests would have brought at shifted margins.

    Parameters
    ----------
    table
        A row per shift: ``shift`` (half spreads), ``hit_ratio``, ``volume_hit_ratio``, ``spread_pnl`` (price × units),
        each an expected value, and ``_low`` and ``_high`` of the first and last: the band of what would have come out.
    n_requests
        Requests that were quoted to their end; only these count.
    n_unexplained
        Requests whose outcome has no probability in the market; their chance is that of a new request.
    observed
        Hit ratio and spread P&L as they were: those of shift 0.
    """

    table: pd.DataFrame
    n_requests: int
    n_unexplained: int
    observed: Mapping[str, float]

    def sections(self) -> list[Section]:
        """What a report shows of it."""
        from simcal.trading.dealers.reporting import history_section

        return [history_section(self)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values; the table as a list of rows."""
        return {
            "table": self.table.to_dict("records"),
            "n_requests": self.n_requests,
            "n_unexplained": self.n_unexplained,
            "observed": dict(self.observed),
        }


def shift_history(
    requests: Requests | Any,
    market: RfqMarket | str | Path | Sequence[RfqMarket],
    shifts: Sequence[float],
    *,
    level: float = 0.95,
) -> HistoryShift:
    """Expected hit ratio and spread P&L of past requests, had every margin been shifted.

    The rivals and the client of each request are drawn from the market given how the request ended; the derivation is
    in `simcal.trading.dealers.conditional`. Nothing is simulated: the probabilities are integrals.

    Parameters
    ----------
    requests
        A dealer's own table, or what `simcal.data.requests.load_requests` takes.
    market
        A calibrated market (or what `simcal.load` takes) with the hard rule and rivals without inventory skew. Several,
        such as those of a bootstrap, put the uncertainty of the calibration into the band.
    shifts
        Added to each reduced margin, in half spreads: -0.1 is a tenth of the half spread tighter.
    level
        Of the bands.

    Raises
    ------
    ParameterError
        The market's rivals react, or its rule is smoothed: then there are no closed forms.
    DataError
        No request was quoted to its end, or more dealers were asked than the market has.
    """
    check_level("level", level)
    moved = check_shifts(shifts)
    if not moved.size:
        raise ParameterError("There are no shifts; give at least one, such as [-0.1, 0, 0.1].")
    table = requests if isinstance(requests, Requests) else load_requests(requests)
    markets: Sequence[Any] = market if isinstance(market, (list, tuple)) else [market]
    markets = [load(m) if isinstance(m, (str, Path)) else m for m in markets]
    if not markets:
        raise ParameterError("There is no market; give one, or a list with at least one.")
    for one in markets:
        check_independent(one)
    seen = _Seen.of(table)
    tables = [seen.tables(one) for one in markets]
    gains = (seen.half_spread * seen.size)[:, None]
    rows, unexplained = [], 0
    for shift in moved:
        chances = []
        for one in tables:
            chance, unknown = seen.chance(one, float(shift))
            chances.append(chance)
            unexplained = max(unexplained, unknown)
        p = np.stack(chances, axis=1)  # (requests, markets)
        worth = gains * (seen.margin + shift)[:, None]
        hits, pnl = _moments(p, 1 / len(p)), _moments(p, worth)
        rows.append({
            "shift": float(shift),
            "hit_ratio": hits[0], **_band("hit_ratio", *hits, level),
            "volume_hit_ratio": float((p.mean(1) * seen.size).sum() / seen.size.sum()),
            "spread_pnl": pnl[0], **_band("spread_pnl", *pnl, level),
        })  # fmt: skip
    done = seen.status == Status.DONE
    observed = {"hit_ratio": float(done.mean()), "spread_pnl": float((gains[:, 0] * seen.margin)[done].sum())}
    return HistoryShift(pd.DataFrame(rows), int(seen.margin.size), unexplained, observed)


def check_independent(market: Any) -> None:
    """Raise `ParameterError` unless client and rivals are independent draws under the hard rule."""
    if getattr(market, "kind", None) != "rfq":
        raise ParameterError(f"The market is {market!r}, but must be a dealer market, such as simcal.load('rfq').")
    if market.rule != "hard" or np.any(market.vector("inventory_skew")[1:] != 0):
        raise ParameterError(
            "What a past request would have done is known in closed form where the rule is 'hard' and the rivals do "
            "not look at their inventory; give a market with rule 'hard' and inventory_skew 0, or shift the strategy "
            "in the simulator with simcal.backtest(..., shifts=...)."
        )


@dataclass(frozen=True, eq=False)
class _Seen:
    """The requests that were quoted to their end, in reduced units."""

    margin: np.ndarray
    half_spread: np.ndarray
    size: np.ndarray
    status: np.ndarray
    n_dealers: np.ndarray
    best_rival: np.ndarray

    @classmethod
    def of(cls, table: Requests) -> _Seen:
        keep = table.quoted & np.isfinite(table.margin)
        if not keep.any():
            raise DataError(
                f"No request of {table.name} was quoted to its end, so that there is nothing to shift; give a table "
                "with quotes and with statuses such as DONE, TRADED_AWAY and NOT_TRADED."
            )
        away = np.isin(table.status, AWAY)
        rival = np.where(table.done, table.cover_price, np.where(away, table.traded_price, np.nan))
        best = table.reduced(rival)
        if table.quotes is not None and table.quotes.shape[1] > 1:
            all_rivals = np.stack([table.reduced(quote) for quote in table.quotes.T[1:]])
            lowest = np.where(np.isnan(all_rivals), np.inf, all_rivals).min(0)
            best = np.where(np.isfinite(lowest) & (table.status != Status.LOST), lowest, np.nan)
        return cls(*(
            np.asarray(a)[keep]
            for a in (table.margin, table.half_spread, table.size, table.status, table.n_dealers, best)
        ))  # fmt: skip

    def tables(self, market: RfqMarket) -> dict[int, PanelTables]:
        """The integrals for every panel size of the requests."""
        most = int(self.n_dealers.max())
        if most > market.n_dealers:
            raise DataError(
                f"A request asked {most} dealers, but the market has {market.n_dealers}; calibrate it to this table, "
                "or give a market with n_dealers of at least that."
            )
        return {int(n): panel_tables(market, int(n)) for n in np.unique(self.n_dealers)}

    def chance(self, tables: dict[int, PanelTables], shift: float) -> tuple[np.ndarray, int]:
        """Probability of DONE of each request, and how many outcomes the market does not explain."""
        told = bool(np.isin(self.status, (Status.COVER, Status.TIED_COVER)).any())
        result, unexplained = np.empty(self.margin.size), 0
        for n, integrals in tables.items():
            rows = self.n_dealers == n
            chance = done_probability(
                integrals, self.margin[rows], shift, self.status[rows], self.best_rival[rows], cover_told=told
            )
            unknown = np.isnan(chance)
            unexplained += int(unknown.sum())
            result[rows] = np.where(unknown, integrals.laws.hit_curve(self.margin[rows] + shift), chance)
        return result, unexplained


def _moments(p: np.ndarray, worth: Any) -> tuple[float, float]:
    """Mean and standard deviation of the sum of independent outcomes, over them and over the markets."""
    sums = (p * worth).sum(0)
    within = (p * (1 - p) * np.square(worth)).sum(0).mean()
    return float(sums.mean()), float(np.sqrt(within + (sums.var(ddof=1) if sums.size > 1 else 0.0)))


def _band(name: str, value: float, deviation: float, level: float) -> dict[str, float]:
    half = half_width(deviation, level)
    return {f"{name}_low": value - half, f"{name}_high": value + half}
