"""A table of requests for quotes, as one dealer sees them, checked where it is built."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from simcal.data.cells import is_missing
from simcal.data.checks import Place
from simcal.data.requests.checks import check_requests
from simcal.data.requests.status import QUOTED, Status
from simcal.errors import DataError

_FILLED_IN: Any = None  # an array after the building, whatever was given


@dataclass(frozen=True, eq=False)
class Requests:
    """Requests for quotes in the order of time, each with one dealer's quote and how it ended.

    Immutable: the arrays are copies that cannot be written to.

    Main attributes
    ---------------
    name
        What to call the table in tables and figures.
    side
        +1 where the client buys (the dealer sells), -1 where the client sells; shape (n,), int8.
    bid, ask
        Composite prices at the request, (n,).
    quote
        This dealer's price, (n,); NaN where it did not quote.
    status
        `Status` codes, (n,), int8.
    n_dealers
        Dealers asked, this one among them, (n,), int64.

    Other attributes
    ----------------
    size
        Notional, (n,); ones where the source had none.
    cover_price
        Second-best price, (n,); NaN where the dealer was not told. Only where it traded.
    traded_price
        Price of the trade, (n,); NaN where there was none or the dealer was not told.
    timestamp
        When, or None.
    mids
        Mid price some time after the request by horizon, such as ``{"1m": ...}``, each (n,), NaN where missing.
    inventory_before
        This dealer's inventory before the request, in the unit of `size`, (n,), or None.
    quotes
        All dealers' prices where the whole platform is seen, (n, most dealers), NaN for those not asked; column 0 is
        this dealer's. None for a dealer's own table.
    groups
        Labels by name, such as client tier or instrument, each an array of text (n,).
    rfq_id
        The requests' own names, text (n,), each once; or None.

    Other arguments
    ---------------
    place
        Says where row i stands, for the messages of the checks; the position in the table by default.

    Raises
    ------
    DataError
        The first row that cannot be, in one sentence.
    """

    name: str
    side: np.ndarray = field(repr=False)
    bid: np.ndarray = field(repr=False)
    ask: np.ndarray = field(repr=False)
    quote: np.ndarray = field(repr=False)
    status: np.ndarray = field(repr=False)
    n_dealers: np.ndarray = field(repr=False)
    size: np.ndarray = field(default=_FILLED_IN, repr=False)
    cover_price: np.ndarray = field(default=_FILLED_IN, repr=False)
    traded_price: np.ndarray = field(default=_FILLED_IN, repr=False)
    timestamp: pd.DatetimeIndex | None = field(default=None, repr=False)
    mids: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    inventory_before: np.ndarray | None = field(default=None, repr=False)
    quotes: np.ndarray | None = field(default=None, repr=False)
    groups: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)

    rfq_id: np.ndarray | None = field(default=None, repr=False)
    place: InitVar[Place | None] = None

    def __post_init__(self, place: Place | None) -> None:
        n = np.size(self.side)
        if np.ndim(self.side) != 1 or n == 0:
            raise DataError(
                f"The request table '{self.name}' was given sides of shape {np.shape(self.side)}. Give at least one "
                "request, and every column as an array in one dimension."
            )
        for name in ("side", "status", "n_dealers"):
            _set(self, name, _whole_numbers(self.name, name, getattr(self, name), n))
        for name, missing in (("size", 1.0), ("cover_price", np.nan), ("traded_price", np.nan)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(n, missing))
        for name in ("bid", "ask", "quote", "size", "cover_price", "traded_price", "inventory_before"):
            if getattr(self, name) is not None:
                _set(self, name, _numbers(self.name, name, getattr(self, name), n))
        mids = {str(key): _frozen(_numbers(self.name, f"mid_{key}", mid, n)) for key, mid in self.mids.items()}
        object.__setattr__(self, "mids", MappingProxyType(mids))
        groups = {str(key): _frozen(_labels(self.name, str(key), labels, n)) for key, labels in self.groups.items()}
        object.__setattr__(self, "groups", MappingProxyType(groups))
        _check_column_names(mids, groups)
        if self.rfq_id is not None:
            _set(self, "rfq_id", _labels(self.name, "rfq_id", self.rfq_id, n))
        if self.quotes is not None:
            quotes = np.array(self.quotes, dtype=np.float64)
            if quotes.ndim != 2 or quotes.shape[0] != n or quotes.shape[1] < 1:
                raise DataError(
                    f"The quotes of all dealers of '{self.name}' have shape {quotes.shape}; give ({n}, most dealers)."
                )
            _set(self, "quotes", quotes)
        if self.timestamp is not None:
            times = pd.DatetimeIndex(self.timestamp).as_unit("us")
            if len(times) != n:
                raise DataError(f"'{self.name}' has {len(times)} timestamps for {n} requests; give one per request.")
            object.__setattr__(self, "timestamp", times)
        check_requests(self, place or (lambda i: f"Position {i} (counted from 0) of '{self.name}'"))

    def __len__(self) -> int:
        return self.n

    @property
    def n(self) -> int:
        """Number of requests."""
        return self.side.size

    @property
    def mid(self) -> np.ndarray:
        """Composite mid, (n,)."""
        return (self.bid + self.ask) / 2

    @property
    def half_spread(self) -> np.ndarray:
        """Half the composite spread, (n,)."""
        return (self.ask - self.bid) / 2

    def reduced(self, price: np.ndarray) -> np.ndarray:
        """Prices as distances from the mid on the dealer's side, in half spreads.

        side (price - mid) / half spread: positive where the dealer earns, whichever side the client is on.
        """
        return self.side * (price - self.mid) / self.half_spread

    @property
    def margin(self) -> np.ndarray:
        """This dealer's quote, reduced, (n,)."""
        return self.reduced(self.quote)

    @property
    def quoted(self) -> np.ndarray:
        """Which requests were quoted to their end, (n,)."""
        return np.isin(self.status, QUOTED)

    @property
    def done(self) -> np.ndarray:
        """Which requests this dealer traded, (n,)."""
        return self.status == Status.DONE


def _set(requests: Requests, name: str, values: np.ndarray) -> None:
    object.__setattr__(requests, name, _frozen(values))


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values


def _numbers(table: str, name: str, values: Any, n: int) -> np.ndarray:
    numbers = np.array(values, dtype=np.float64)
    if numbers.shape != (n,):
        raise DataError(f"'{name}' of '{table}' has shape {numbers.shape}; give one number per request, shape ({n},).")
    return numbers


def _whole_numbers(table: str, name: str, values: Any, n: int) -> np.ndarray:
    numbers = _numbers(table, name, values, n)
    wrong = ~(np.isfinite(numbers) & (numbers == np.round(numbers)) & (np.abs(numbers) < 2**31))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise DataError(f"Position {i} (counted from 0) of '{table}' has {numbers[i]:g} as {name}; give whole numbers.")
    whole = numbers.astype(np.int64)
    return whole if name == "n_dealers" else np.clip(whole, -128, 127).astype(np.int8)


def _labels(table: str, name: str, values: Any, n: int) -> np.ndarray:
    labels = np.array(["" if is_missing(value) else str(value).strip() for value in values], dtype=object)
    if labels.shape != (n,):
        raise DataError(f"'{name}' of '{table}' has {labels.size} labels for {n} requests; give one per request.")
    return labels


def _check_column_names(mids: Mapping[str, Any], groups: Mapping[str, Any]) -> None:
    """Names that can stand in the header of a file, and are found again there."""
    for what, names in (("horizon of a mid", mids), ("group", groups)):
        wrong = next((name for name in names if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name, re.ASCII)), None)
        if wrong is not None:
            raise DataError(
                f"'{wrong}' cannot be the name of a {what}. Use small letters, digits and single underscores, such as "
                "1m or client_tier."
            )
