r"""Had I quoted tighter? Would a request have been done at another margin, given how it ended?

In reduced units (half spreads from the mid, on the dealer's side) a request has the client's value V with density f
and survival function S_f, and m = N - 1 rivals with densities g_j and survival functions S_j, all independent. The best
rival is B, S_B = prod S_j. The dealer quoted y and asks what y' = y + shift had done; the client takes the lowest quote
if it lies below V, so a margin x is DONE where x < min(B, V). Rivals and client do not see the dealer's quote, so that
their law given the outcome at y is their law restricted to it. With

.. math::
    h(x) &= S_f(x) S_B(x)                                  && \text{DONE at } x \\
    K(x) &= \int_{-\infty}^x f(v) S_B(v) dv                && V < x, V < B \\
    A(x) &= \int_{-\infty}^x g_B(b) S_f(b) db              && B < x, B < V \\
    A_j(x) &= \int_{-\infty}^x g_j(b) S_f(b) db

the probabilities of DONE at y' given what was seen at y are, for a higher quote (y' >= y), 0 unless DONE at y, and

* DONE, cover c known: B = c, V > y. 1{y' < c} S_f(max(y, y')) / S_f(y)
* DONE: h(max(y, y')) / h(y)
* NOT_TRADED: V < min(y, B). (K(y) - K(y')) / K(y) for y' < y: V in (y', y) and below B
* TRADED_AWAY at a known price b: B = b < V. 1{y' < b}
* TRADED_AWAY, of all that went elsewhere: (A(y) - A(y')) / A(y) for y' < y: B in (y', y) and below V
* COVER: one rival j below y and V, the others above y.
  sum_j (A_j(y) - A_j(y')) prod_{k != j} S_k(y), over the same with A_j(y') = 0. TIED_COVER likewise.
* TRADED_AWAY where COVER is told apart: numerator and denominator of the last but one less those of COVER
* TIED: B = y. 1 for y' < y
* lost, the reason unknown: (h(y') - h(y)) / (1 - h(y)) for y' < y

Where the rivals differ and fewer than all are asked, S_B, A, K and the sums are averages over who may have been asked.
Averaged over the outcomes at y these give h(y'): the law of total probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import DataError, ParameterError
from simcal.models import load
from simcal.rfq.closed_forms import PanelLaws, sum_over_first
from simcal.rfq.market import RfqMarket
from simcal.rfq.quadrature import Cells, Law
from simcal.rfq.table import AWAY, Requests, Status, load_requests
from simcal.trading.bands import check_level, check_shifts, half_width

Integral = Callable[[Any], np.ndarray]
"""Up to x, of any shape."""

_IMPOSSIBLE = 1e-11  # an outcome of less probability tells nothing; the integrals are not known better either


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

    def sections(self) -> list[Any]:
        """What a report shows of it."""
        from simcal.rfq.backtest_report import history_section

        return [history_section(self)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values; the table as a list of rows."""
        return vars(self) | {"table": self.table.to_dict("records"), "observed": dict(self.observed)}


def shift_history(
    requests: Requests | Any, market: RfqMarket | str | Path | Sequence[RfqMarket], shifts: Sequence[float], *,
    level: float = 0.95,
) -> HistoryShift:  # fmt: skip
    """Expected hit ratio and spread P&L of past requests, had every margin been shifted.

    The rivals and the client of each request are drawn from the market given how the request ended; the derivation is
    in `simcal.rfq.history`. Nothing is simulated: the probabilities are integrals.

    Parameters
    ----------
    requests
        A dealer's own table, or what `load_requests` takes.
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

    Examples
    --------
    >>> from simcal.rfq import shift_history
    >>> shift_history("rfq-example", "rfq-example", [-0.1, 0.0, 0.1]).table["hit_ratio"].round(3).tolist()
    [0.23, 0.188, 0.146]
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
    seen = _quoted_to_their_end(table)
    most = int(table.n_dealers[table.quoted].max())
    small = next((one.n_dealers for one in markets if one.n_dealers < most), None)
    if small is not None:
        raise DataError(
            f"A request asked {most} dealers, but the market has {small}; calibrate it to this table, or give a market "
            "with n_dealers of at least that."
        )
    panels = [int(n) for n in seen["n_dealers"].unique()]
    tables = [{n: panel_tables(one, n) for n in panels} for one in markets]
    margin, size, gains = (seen[name].to_numpy() for name in ("margin", "size", "gain"))
    rows, unexplained = [], 0
    for shift in map(float, moved):
        chances, unknown = zip(*(_chances(seen, one, shift) for one in tables), strict=True)
        unexplained, p = max(unexplained, *unknown), np.stack(chances, axis=1)  # (requests, markets)
        row = {"shift": shift, **_expected("hit_ratio", p, np.array(1 / len(p)), level)}
        row["volume_hit_ratio"] = float((p.mean(1) * size).sum() / size.sum())
        rows.append(row | _expected("spread_pnl", p, (gains * (margin + shift))[:, None], level))
    done = (seen["status"] == Status.DONE).to_numpy()
    observed = {"hit_ratio": float(done.mean()), "spread_pnl": float((gains * margin)[done].sum())}
    return HistoryShift(pd.DataFrame(rows), len(seen), unexplained, observed)


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


def _quoted_to_their_end(table: Requests) -> pd.DataFrame:
    """The requests that count, a row each: reduced margin and best known rival, and what a half spread earns."""
    keep = table.quoted & np.isfinite(table.margin)
    if not keep.any():
        raise DataError(
            f"No request of {table.name} was quoted to its end, so that there is nothing to shift; give a table with "
            "quotes and with statuses such as DONE, TRADED_AWAY and NOT_TRADED."
        )
    away = np.isin(table.status, AWAY)
    best = table.reduced(np.where(table.done, table.cover_price, np.where(away, table.traded_price, np.nan)))
    if table.quotes is not None:
        lowest = np.fmin.reduce([table.reduced(quote) for quote in table.quotes.T[1:]], axis=0)
        best = np.where(table.status != Status.LOST, lowest, np.nan)
    columns = {"margin": table.margin, "best_rival": best, "gain": table.half_spread * table.size, "size": table.size,
               "status": table.status, "n_dealers": table.n_dealers}  # fmt: skip
    return pd.DataFrame({name: column[keep] for name, column in columns.items()})


def _chances(seen: pd.DataFrame, tables: dict[int, PanelTables], shift: float) -> tuple[np.ndarray, int]:
    """Probability of DONE of each request, and how many outcomes the market does not explain."""
    told = bool(np.isin(seen["status"], (Status.COVER, Status.TIED_COVER)).any())
    result, unexplained = np.empty(len(seen)), 0
    for n, of in seen.groupby("n_dealers"):
        margin, status, best = (of[name].to_numpy() for name in ("margin", "status", "best_rival"))
        chance = done_probability(tables[int(n)], margin, shift, status, best, cover_told=told)  # type: ignore[arg-type]
        unknown = np.isnan(chance)
        unexplained += int(unknown.sum())
        result[of.index] = np.where(unknown, tables[int(n)].laws.hit_curve(margin + shift), chance)  # type: ignore[arg-type]
    return result, unexplained


def _expected(name: str, p: np.ndarray, worth: np.ndarray, level: float) -> dict[str, float]:
    """The sum of independent outcomes of some worth: its mean and band, over the outcomes and over the markets."""
    sums = (p * worth).sum(0)
    within = (p * (1 - p) * np.square(worth)).sum(0).mean()
    value, deviation = float(sums.mean()), float(np.sqrt(within + (sums.var(ddof=1) if sums.size > 1 else 0.0)))
    half = half_width(deviation, level)
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


# -- one request ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PanelTables:
    """The integrals above for one panel size, as functions of reduced margins (arrays in, arrays out)."""

    laws: PanelLaws
    not_traded: Integral  # K
    away: Integral  # A
    beaten: dict[Law, Integral]  # A_j by the law of j

    def cover(self, y: Any, x: Any) -> np.ndarray:
        """Probability that the best rival lies below y and V but above x, and all others above y (x <= y)."""
        above = self.laws.dealer_sf(y)
        between = self.laws.by_dealer(lambda law: self.beaten[law](y) - self.beaten[law](x))
        return self.laws.average(lambda panel: sum_over_first(between, above, panel[1:]))


def panel_tables(market: RfqMarket, n_dealers: int) -> PanelTables:
    """Tables for requests that ask `n_dealers` dealers; the tick and dealer 0's own law and inventory do not count."""
    always = np.eye(market.n_dealers)[n_dealers - 1].tolist()
    laws = PanelLaws(market.replace(panel_weights=always, inventory_skew=0.0, tick=0.0))
    cells = Cells.exact([laws.client, *laws.dealers])
    x, client = cells.x, laws.client_sf(cells.x)
    densities = dict(zip(laws.dealers, laws.dealer_pdf(x), strict=True))
    return PanelTables(
        laws,
        not_traded=partial(cells.up_to, laws.client_pdf(x) * laws.best_rival_sf(x)),
        away=partial(cells.up_to, laws.best_rival_pdf(x) * client),
        beaten={law: partial(cells.up_to, density * client) for law, density in densities.items()},
    )


def done_probability(
    tables: PanelTables, margin: np.ndarray, shift: float, status: np.ndarray, best_rival: np.ndarray, *,
    cover_told: bool,
) -> np.ndarray:  # fmt: skip
    """Probability of DONE at ``margin + shift`` given how each request ended at `margin`, (n,).

    NaN where the outcome has no probability in this market. `best_rival` is the reduced quote of the best rival where
    it is known (a cover, the price of a trade with another), else NaN; `cover_told` says that the dealer is told when
    its quote was second best, so that TRADED_AWAY means third or worse.
    """
    y, x, b, laws = margin, margin + shift, best_rival, tables.laws
    known, result = np.isfinite(b), np.zeros(margin.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        done = status == Status.DONE
        if shift > 0:
            given_cover = np.where(x < b, laws.client_sf(x) / laws.client_sf(y), 0)
            kept = np.where(known, given_cover, _ratio(laws.hit_curve(x), laws.hit_curve(y)))
            result = np.where(done, kept, 0.0)
        elif shift == 0:
            result = done.astype(float)
        else:
            edge = np.minimum(y, np.where(known, b, np.inf))
            above, hit = laws.client_sf(edge), laws.hit_curve(y)
            seen_rival = np.where(x < edge, _ratio(laws.client_sf(x) - above, 1 - above), 0)
            unseen_rival = _ratio(tables.not_traded(y) - tables.not_traded(x), tables.not_traded(y))
            cover, cover_all = tables.cover(y, x), tables.cover(y, np.full(y.shape, -np.inf))
            away, away_all = tables.away(y) - tables.away(x), tables.away(y)
            elsewhere = _ratio(away - cover, away_all - cover_all) if cover_told else _ratio(away, away_all)
            beaten = {
                Status.TRADED_AWAY: elsewhere,
                Status.COVER: _ratio(cover, cover_all),
                Status.TIED_COVER: _ratio(cover, cover_all),
                Status.TIED: np.ones(y.shape),
                Status.LOST: _ratio(laws.hit_curve(x) - hit, 1 - hit),
            }
            result = np.where(done, 1.0, np.nan)
            result = np.where(status == Status.NOT_TRADED, np.where(known, seen_rival, unseen_rival), result)
            for code, chance in beaten.items():
                result = np.where(status == code, np.where(known, x < b, chance), result)
    return np.where(np.isnan(result), np.nan, np.clip(result, 0, 1))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > _IMPOSSIBLE, part / whole, np.nan)
