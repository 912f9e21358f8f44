"""What a request table must satisfy. The first violation is refused, with the row where it stands and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from simcal.data.requests.status import AWAY, QUOTED, Status
from simcal.data.table import Place
from simcal.errors import DataError

if TYPE_CHECKING:
    from simcal.data.requests.table import Requests

FURTHEST = 1000.0
"""Half spreads from the mid beyond which a price must be in another unit, or mistyped."""

_FAR = 50.0  # half spreads, from which on a price that is not even within a factor of two of the mid is refused too
_LATER = 10.0  # factor by which a later mid is no longer one in the same unit: a bond in default falls by less
_SLACK = 1e-6  # half spreads by which prices that should be equal may differ in rounding

_WHO_TRADED = "Give the status of the trade, or leave the price empty."


def check_requests(requests: Requests, place: Place) -> None:
    """Refuse the first row that cannot be.

    Raises
    ------
    DataError
        One or two sentences: the row, what is wrong with it, what to do.
    """
    _check_market(requests, place)
    _check_panel(requests, place)
    _check_quote(requests, place)
    _check_cover(requests, place)
    _check_trade(requests, place)
    if requests.quotes is not None:
        _check_platform(requests, requests.quotes, place)
    if requests.timestamp is not None:
        _check_order(requests.timestamp, place)
    if requests.rfq_id is not None:
        _check_names(requests.rfq_id, place)
    if requests.inventory_before is not None:
        bad = _first(~np.isfinite(requests.inventory_before))
        if bad is not None:
            raise DataError(
                f"{place(bad)} has no finite number as inventory. Fill it, or leave the column inventory_before out."
            )
    for horizon, mid in requests.mids.items():
        bad = _first(np.isinf(mid))
        if bad is not None:
            raise DataError(f"{place(bad)} has an infinite mid_{horizon}. Leave it empty where it is not known.")
        bad = _first(_foreign(requests, mid, _LATER))
        if bad is not None:
            raise DataError(
                f"{place(bad)} has the mid_{horizon} {mid[bad]:.10g} where bid and ask are {requests.bid[bad]:.10g} "
                f"and {requests.ask[bad]:.10g}. All prices of a row must be in one unit: convert or correct it, or "
                "leave it empty where it is not known."
            )


def _check_market(requests: Requests, place: Place) -> None:
    bid, ask, size = requests.bid, requests.ask, requests.size
    for name, price in (("bid", bid), ("ask", ask)):
        bad = _first(~np.isfinite(price))
        if bad is not None:
            raise DataError(
                f"{place(bad)} has no finite {name}. Every request needs the composite bid and ask at its time: fill "
                "it or remove the row."
            )
    bad = _first(ask <= bid)
    if bad is not None:
        relation = "equal to" if ask[bad] == bid[bad] else "below"
        raise DataError(
            f"{place(bad)} has the ask {ask[bad]:.10g} {relation} the bid {bid[bad]:.10g}. The ask must be above the "
            "bid: correct or remove the row, or exchange the two columns if all rows are so (in yield, the bid is the "
            "higher number: give prices)."
        )
    bad = _first(~np.isin(requests.side, (1, -1)))
    if bad is not None:
        raise DataError(
            f"{place(bad)} has the side {requests.side[bad]}. It must be +1 where the client buys and -1 where the "
            "client sells."
        )
    bad = _first(~(np.isfinite(size) & (size > 0.0)))
    if bad is not None:
        raise DataError(
            f"{place(bad)} has the notional {size[bad]:g}. It must be a number above zero, with the direction in the "
            "column side: correct or remove the row."
        )


def _check_panel(requests: Requests, place: Place) -> None:
    n, status = requests.n_dealers, requests.status
    bad = _first(n < 1)
    if bad is not None:
        raise DataError(
            f"{place(bad)} has {n[bad]} dealers. At least one was asked, this one: count it, or remove the row."
        )
    bad = _first(~np.isin(status, [int(code) for code in Status]))
    if bad is not None:
        raise DataError(
            f"{place(bad)} has the status {status[bad]}. Give one of the codes of simcal.data.requests.Status: "
            f"{', '.join(f'{code.value} {code.name}' for code in Status)}."
        )
    needed = np.select([status == Status.TIED_COVER, np.isin(status, AWAY)], [3, 2], 1)
    bad = _first(n < needed)
    if bad is not None:
        raise DataError(
            f"{place(bad)} has the status {Status(status[bad]).name} with n_dealers {n[bad]}, but that status needs at "
            f"least {needed[bad]} dealers. Count this dealer among those asked, or correct the status."
        )


def _check_quote(requests: Requests, place: Place) -> None:
    quote, status = requests.quote, requests.status
    bad = _first(np.isinf(quote))
    if bad is not None:
        raise DataError(f"{place(bad)} has an infinite quote. Leave it empty where the dealer did not quote.")
    bad = _first(np.isnan(quote) & np.isin(status, QUOTED))
    if bad is not None:
        raise DataError(
            f"{place(bad)} has no quote but the status {Status(status[bad]).name}, which only a quoted request can "
            "have. Fill the quote, or give the status PASS where the dealer did not quote."
        )
    _check_distance(requests, quote, "quote", place)


def _check_cover(requests: Requests, place: Place) -> None:
    cover, status = requests.cover_price, requests.status
    told = ~np.isnan(cover)
    bad = _first(told & (status != Status.DONE))
    if bad is not None:
        raise DataError(
            f"{place(bad)} has a cover price but the status {Status(status[bad]).name}. A cover price belongs to a "
            "request that this dealer traded: leave it empty, or correct the status."
        )
    bad = _first(told & (requests.n_dealers == 1))
    if bad is not None:
        raise DataError(
            f"{place(bad)} has a cover price but n_dealers 1. The cover is another dealer's quote: leave it empty, or "
            "count all dealers asked."
        )
    _check_distance(requests, cover, "cover price", place)
    bad = _first(requests.reduced(cover) < requests.margin - _SLACK)
    if bad is not None:
        buys = requests.side[bad] > 0
        raise DataError(
            f"{place(bad)} has the cover price {cover[bad]:.10g}, which is better for the client than the quote "
            f"{requests.quote[bad]:.10g} that traded: the client {'buys' if buys else 'sells'}, so the cover cannot be "
            f"{'lower' if buys else 'higher'}. Correct the price, or the side (it is the client's view)."
        )


def _check_trade(requests: Requests, place: Place) -> None:
    traded, status = requests.traded_price, requests.status
    told = ~np.isnan(traded)
    bad = _first(told & (status == Status.NOT_TRADED))
    if bad is not None:
        raise DataError(
            f"{place(bad)} has a traded price but the status NOT_TRADED, which says that nobody traded. {_WHO_TRADED}"
        )
    bad = _first(told & (status == Status.LOST))
    if bad is not None:
        raise DataError(
            f"{place(bad)} has a traded price but the status LOST, which says that nothing is known of a trade. Give "
            "the status TRADED_AWAY, or leave the price empty."
        )
    _check_distance(requests, traded, "traded price", place)
    apart = np.abs(requests.reduced(traded) - requests.margin)
    bad = _first((status == Status.DONE) & (apart > _SLACK))
    if bad is not None:
        raise DataError(
            f"{place(bad)} was done at the price {traded[bad]:.10g} but has the quote {requests.quote[bad]:.10g}. A "
            "request that this dealer traded was traded at its quote: put the price dealt in both, or leave the traded "
            "price empty."
        )


def _check_platform(requests: Requests, quotes: np.ndarray, place: Place) -> None:
    own, quote = quotes[:, 0], requests.quote
    bad = _first(~((own == quote) | (np.isnan(own) & np.isnan(quote))))
    if bad is not None:
        raise DataError(
            f"{place(bad)} has {own[bad]:.10g} as first of all quotes but {quote[bad]:.10g} as this dealer's quote. "
            "Column 0 of the quotes is this dealer's: make them equal."
        )
    answered = np.sum(~np.isnan(quotes[:, 1:]), axis=1)
    bad = _first(answered > requests.n_dealers - 1)
    if bad is not None:
        raise DataError(
            f"{place(bad)} has quotes of {answered[bad]} other dealers but n_dealers {requests.n_dealers[bad]}, this "
            "one among them. Count all dealers asked, or leave the quotes of those not asked empty."
        )
    for rival in range(1, quotes.shape[1]):
        _check_distance(requests, quotes[:, rival], f"quote_{rival}", place)


def _check_distance(requests: Requests, price: np.ndarray, name: str, place: Place) -> None:
    """Refuse a price that must be in another unit than bid and ask, or mistyped. NaN passes."""
    distance = np.abs(requests.reduced(price))
    with np.errstate(invalid="ignore"):
        bad = _first((distance > FURTHEST) | _foreign(requests, price, 2.0))
    if bad is not None:
        raise DataError(
            f"{place(bad)} has the {name} {price[bad]:.10g}, which is {distance[bad]:.4g} half spreads from the mid of "
            f"{requests.bid[bad]:.10g} and {requests.ask[bad]:.10g}. All prices of a row must be in one unit (price, "
            "not yield or spread): convert or correct it."
        )


def _foreign(requests: Requests, price: np.ndarray, factor: float) -> np.ndarray:
    """Where a price is far from the mid and not even within a factor of it. NaN is not."""
    ends = np.sort([requests.mid / factor, requests.mid * factor], axis=0)
    with np.errstate(invalid="ignore"):
        return (np.abs(requests.reduced(price)) > _FAR) & ~((price > ends[0]) & (price < ends[1]))


def _check_order(timestamp: pd.DatetimeIndex, place: Place) -> None:
    bad = _first(np.asarray(timestamp.isna()))
    if bad is not None:
        raise DataError(f"{place(bad)} has no timestamp. Fill it or remove the row.")
    bad = _first(np.diff(timestamp.asi8) < 0)
    if bad is not None:
        raise DataError(
            f"{place(bad + 1)} has the timestamp {timestamp[bad + 1]}, which is earlier than {timestamp[bad]} in the "
            "row before. Sort the rows by time, oldest first."
        )


def _check_names(rfq_id: np.ndarray, place: Place) -> None:
    seen: dict[str, int] = {}
    for i, name in enumerate(rfq_id):
        if name == "":
            raise DataError(f"{place(i)} has no rfq_id. Fill it, or leave the column out.")
        if name in seen:
            raise DataError(
                f"{place(i)} repeats the rfq_id '{name}' of an earlier row ({place(seen[name])}). A request stands in "
                "one row: remove one of the two, or give other dealers' quotes in columns quote_1, quote_2, ..."
            )
        seen[name] = i


def _first(wrong: np.ndarray) -> int | None:
    return int(np.argmax(wrong)) if wrong.any() else None
