"""What a request table must satisfy. The first violation is refused, with the row where it stands and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simcal.data.table import Place
from simcal.errors import DataError
from simcal.rfq.table.words import AWAY, QUOTED, Status

if TYPE_CHECKING:
    from simcal.rfq.table.requests import Requests

FURTHEST = 1000.0
"""Half spreads from the mid beyond which a price must be in another unit, or mistyped."""

_FAR = 50.0  # half spreads, from which on a price that is not even within a factor of two of the mid is refused too
_LATER = 10.0  # factor by which a later mid is no longer one in the same unit: a bond in default falls by less
_SLACK = 1e-6  # half spreads by which prices that should be equal may differ in rounding

Violation = tuple[np.ndarray, str, dict[str, Any]]
"""Which rows are wrong, (n,), what is said of one after the words where it stands, and columns that are named in it."""


def check_requests(requests: Requests, place: Place) -> None:
    """Refuse the first row that cannot be, check by check.

    Raises
    ------
    DataError
        One or two sentences: the row, what is wrong with it, what to do.
    """
    for checks in (_market, _panel, _prices, _platform, _rest):
        for wrong, says, columns in checks(requests):
            if wrong.any():
                i = int(np.argmax(wrong))
                raise DataError(f"{place(i)} {says.format(**{name: column[i] for name, column in columns.items()})}")
    if requests.rfq_id is not None and (repeated := pd.Series(requests.rfq_id).duplicated()).any():
        i = int(np.argmax(repeated))
        first = place(list(requests.rfq_id).index(requests.rfq_id[i]))
        raise DataError(
            f"{place(i)} repeats the rfq_id '{requests.rfq_id[i]}' of an earlier row ({first}). A request stands in "
            "one row: remove one of the two, or give other dealers' quotes in columns quote_1, quote_2, ..."
        )


# fmt: off
def _market(r: Requests) -> Iterator[Violation]:
    for name, price in (("bid", r.bid), ("ask", r.ask)):
        yield ~np.isfinite(price), (
            f"has no finite {name}. Every request needs the composite bid and ask at its time: fill it or remove the "
            "row."
        ), {}
    yield r.ask <= r.bid, (
        "has the ask {ask:.10g} {relation} the bid {bid:.10g}. The ask must be above the bid: correct or remove the "
        "row, or exchange the two columns if all rows are so (in yield, the bid is the higher number: give prices)."
    ), {"ask": r.ask, "bid": r.bid, "relation": np.where(r.ask == r.bid, "equal to", "below")}
    yield ~np.isin(r.side, (1, -1)), (
        "has the side {side}. It must be +1 where the client buys and -1 where the client sells."
    ), {"side": r.side}
    yield ~(np.isfinite(r.size) & (r.size > 0.0)), (
        "has the notional {size:g}. It must be a number above zero, with the direction in the column side: correct or "
        "remove the row."
    ), {"size": r.size}


def _panel(r: Requests) -> Iterator[Violation]:
    n, codes = r.n_dealers, ", ".join(f"{code.value} {code.name}" for code in Status)
    yield n < 1, (
        "has {n} dealers. At least one was asked, this one: count it, or remove the row."
    ), {"n": n}
    yield ~np.isin(r.status, list(Status)), (
        f"has the status {{status}}. Give one of the codes of simcal.rfq.Status: {codes}."
    ), {"status": r.status}
    needed = np.select([r.status == Status.TIED_COVER, np.isin(r.status, AWAY)], [3, 2], 1)
    yield n < needed, (
        "has the status {status} with n_dealers {n}, but that status needs at least {needed} dealers. Count this "
        "dealer among those asked, or correct the status."
    ), {"status": _names(r), "n": n, "needed": needed}


def _prices(r: Requests) -> Iterator[Violation]:
    """The quote, the cover and the price of the trade, each by itself and beside the others."""
    status, told, priced = r.status, ~np.isnan(r.cover_price), ~np.isnan(r.traded_price)
    columns = {"status": _names(r), "quote": r.quote, "cover": r.cover_price, "traded": r.traded_price}
    yield np.isinf(r.quote), "has an infinite quote. Leave it empty where the dealer did not quote.", {}
    yield np.isnan(r.quote) & np.isin(status, QUOTED), (
        "has no quote but the status {status}, which only a quoted request can have. Fill the quote, or give the "
        "status PASS where the dealer did not quote."
    ), columns
    yield _distance(r, r.quote, "quote")
    yield told & (status != Status.DONE), (
        "has a cover price but the status {status}. A cover price belongs to a request that this dealer traded: leave "
        "it empty, or correct the status."
    ), columns
    yield told & (r.n_dealers == 1), (
        "has a cover price but n_dealers 1. The cover is another dealer's quote: leave it empty, or count all dealers "
        "asked."
    ), {}
    yield _distance(r, r.cover_price, "cover price")
    buys = r.side > 0
    yield r.reduced(r.cover_price) < r.margin - _SLACK, (
        "has the cover price {cover:.10g}, which is better for the client than the quote {quote:.10g} that traded: the "
        "client {does}, so the cover cannot be {other}. Correct the price, or the side (it is the client's view)."
    ), columns | {"does": np.where(buys, "buys", "sells"), "other": np.where(buys, "lower", "higher")}
    yield priced & (status == Status.NOT_TRADED), (
        "has a traded price but the status NOT_TRADED, which says that nobody traded. Give the status of the trade, or "
        "leave the price empty."
    ), {}
    yield priced & (status == Status.LOST), (
        "has a traded price but the status LOST, which says that nothing is known of a trade. Give the status "
        "TRADED_AWAY, or leave the price empty."
    ), {}
    yield _distance(r, r.traded_price, "traded price")
    yield (status == Status.DONE) & (np.abs(r.reduced(r.traded_price) - r.margin) > _SLACK), (
        "was done at the price {traded:.10g} but has the quote {quote:.10g}. A request that this dealer traded was "
        "traded at its quote: put the price dealt in both, or leave the traded price empty."
    ), columns


def _platform(r: Requests) -> Iterator[Violation]:
    if r.quotes is None:
        return
    own, rivals = r.quotes[:, 0], r.quotes[:, 1:]
    yield ~((own == r.quote) | (np.isnan(own) & np.isnan(r.quote))), (
        "has {own:.10g} as first of all quotes but {quote:.10g} as this dealer's quote. Column 0 of the quotes is this "
        "dealer's: make them equal."
    ), {"own": own, "quote": r.quote}
    answered = np.sum(~np.isnan(rivals), axis=1)
    yield answered > r.n_dealers - 1, (
        "has quotes of {answered} other dealers but n_dealers {n}, this one among them. Count all dealers asked, or "
        "leave the quotes of those not asked empty."
    ), {"answered": answered, "n": r.n_dealers}
    for k in range(rivals.shape[1]):
        yield _distance(r, rivals[:, k], f"quote_{k + 1}")


def _rest(r: Requests) -> Iterator[Violation]:
    """Times, names, the inventory and later mids, where there are any."""
    if r.timestamp is not None:
        yield np.asarray(r.timestamp.isna()), "has no timestamp. Fill it or remove the row.", {}
        yield np.diff(r.timestamp.asi8, prepend=r.timestamp.asi8[0]) < 0, (
            "has the timestamp {time}, which is earlier than {before} in the row before. Sort the rows by time, oldest "
            "first."
        ), {"time": r.timestamp, "before": r.timestamp[:1].append(r.timestamp)}
    if r.rfq_id is not None:
        yield np.asarray(r.rfq_id == ""), "has no rfq_id. Fill it, or leave the column out.", {}
    if r.inventory_before is not None:
        yield ~np.isfinite(r.inventory_before), (
            "has no finite number as inventory. Fill it, or leave the column inventory_before out."
        ), {}
    for horizon, mid in r.mids.items():
        yield np.isinf(mid), f"has an infinite mid_{horizon}. Leave it empty where it is not known.", {}
        yield _foreign(r, mid, _LATER), (
            f"has the mid_{horizon} {{mid:.10g}} where bid and ask are {{bid:.10g}} and {{ask:.10g}}. All prices of a "
            "row must be in one unit: convert or correct it, or leave it empty where it is not known."
        ), {"mid": mid, "bid": r.bid, "ask": r.ask}


def _distance(r: Requests, price: np.ndarray, name: str) -> Violation:
    """A price that must be in another unit than bid and ask, or is mistyped. NaN passes."""
    distance = np.abs(r.reduced(price))
    with np.errstate(invalid="ignore"):
        wrong = (distance > FURTHEST) | _foreign(r, price, 2.0)
    return wrong, (
        f"has the {name} {{price:.10g}}, which is {{distance:.4g}} half spreads from the mid of {{bid:.10g}} and "
        "{ask:.10g}. All prices of a row must be in one unit (price, not yield or spread): convert or correct it."
    ), {"price": price, "distance": distance, "bid": r.bid, "ask": r.ask}
# fmt: on


def _names(r: Requests) -> np.ndarray:
    """The statuses' names, for messages; codes that are none were refused before."""
    return np.array([code.name for code in Status])[r.status]


def _foreign(r: Requests, price: np.ndarray, factor: float) -> np.ndarray:
    """Where a price is far from the mid and not even within a factor of it. NaN is not."""
    ends = np.sort([r.mid / factor, r.mid * factor], axis=0)
    with np.errstate(invalid="ignore"):
        return (np.abs(r.reduced(price)) > _FAR) & ~((price > ends[0]) & (price < ends[1]))
