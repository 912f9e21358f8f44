"""A table of requests for quotes, as one dealer sees them, checked where it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.data.requests.arrays import (
    as_columns,
    as_labels,
    as_numbers,
    as_quotes,
    as_times,
    as_whole_numbers,
    check_names,
    in_order,
)
from simcal.data.requests.checks import check_requests
from simcal.data.requests.frame import frame_sha256, requests_to_frame
from simcal.data.requests.status import QUOTED, Status
from simcal.data.table import Place
from simcal.errors import DataError, ParameterError
from simcal.files import write_atomically

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
        for name, dtype in (("side", np.int8), ("status", np.int8), ("n_dealers", np.int64)):
            object.__setattr__(self, name, as_whole_numbers(self.name, name, getattr(self, name), n, dtype))
        for name, missing in (("size", 1.0), ("cover_price", np.nan), ("traded_price", np.nan)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(n, missing))
        for name in ("bid", "ask", "quote", "size", "cover_price", "traded_price", "inventory_before"):
            if name != "inventory_before" or self.inventory_before is not None:
                object.__setattr__(self, name, as_numbers(self.name, name, getattr(self, name), n))
        check_names(as_columns(self.name, "mids", self.mids), as_columns(self.name, "groups", self.groups))
        mids = {horizon: as_numbers(self.name, f"mid_{horizon}", mid, n) for horizon, mid in self.mids.items()}
        object.__setattr__(self, "mids", mids)
        groups = {name: as_labels(self.name, name, labels, n) for name, labels in self.groups.items()}
        object.__setattr__(self, "groups", in_order(groups))
        if self.rfq_id is not None:
            object.__setattr__(self, "rfq_id", as_labels(self.name, "rfq_id", self.rfq_id, n))
        if self.quotes is not None:
            object.__setattr__(self, "quotes", as_quotes(self.name, self.quotes, n))
        if self.timestamp is not None:
            object.__setattr__(self, "timestamp", as_times(self.name, self.timestamp, n))
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

    @property
    def sha256(self) -> str:
        """Hash of all columns (not of the name), the same on every platform."""
        return frame_sha256(self.to_pandas())

    def to_pandas(self) -> pd.DataFrame:
        """One row per request in the columns of a request file; what the table lacks is left out."""
        return requests_to_frame(self)

    def save(self, path: str | Path) -> Path:
        """Write the table as CSV or Parquet, by the ending of the path; `load_requests` gives back an equal one.

        Raises
        ------
        ParameterError
            The path ends otherwise.
        DataError
            The file cannot be written.
        """
        frame, ending = self.to_pandas(), Path(path).suffix.lower()
        if ending == ".csv":
            return write_atomically(path, frame.to_csv(index=False, lineterminator="\n"))
        if ending == ".parquet":
            return write_atomically(path, lambda file: frame.to_parquet(file, index=False))
        raise ParameterError(f"A request table cannot be saved as '{path}'. Give a path that ends in .csv or .parquet.")

    def part(self, start: int, stop: int) -> Requests:
        """The requests start, ..., stop - 1 as a table of their own."""
        rows = slice(start, stop)
        columns: dict[str, Any] = {
            f.name: None if (value := getattr(self, f.name)) is None else value[rows]
            for f in fields(self)
            if f.name not in ("name", "mids", "groups")
        }
        mids = {horizon: mid[rows] for horizon, mid in self.mids.items()}
        return Requests(self.name, **columns, mids=mids, groups={name: x[rows] for name, x in self.groups.items()})

    def split(self, train: float = 0.7) -> tuple[Requests, Requests]:
        """The first share `train` of the requests and the rest, in the order of time."""
        if not 0.0 < train < 1.0:
            raise ParameterError(
                f"The training share is {train}; it must lie strictly between 0 and 1, for example 0.7."
            )
        cut = round(train * self.n)
        if not 0 < cut < self.n:
            raise DataError(
                f"'{self.name}' has {self.n} requests, too few to put a share of {train} on one side and the rest on "
                "the other. Give a longer table or a share nearer to 0.5."
            )
        return self.part(0, cut), self.part(cut, self.n)

    def summary(self) -> dict[str, Any]:
        """What the table holds, as plain numbers and text."""
        counts = {code.name: int(np.sum(self.status == code)) for code in Status}
        return {
            "name": self.name,
            "n": self.n,
            "first": None if self.timestamp is None else str(self.timestamp[0]),
            "last": None if self.timestamp is None else str(self.timestamp[-1]),
            "statuses": {name: count for name, count in counts.items() if count},
            "buy_share": float(np.mean(self.side > 0)),
            "n_dealers": {"low": int(self.n_dealers.min()), "high": int(self.n_dealers.max())},
            "mean_half_spread": float(np.mean(self.half_spread)),
            "cover_prices": int(np.sum(~np.isnan(self.cover_price))),
            "traded_prices": int(np.sum(~np.isnan(self.traded_price))),
            "horizons": list(self.mids),
            "inventory": self.inventory_before is not None,
            "whole_platform": self.quotes is not None,
            "groups": list(self.groups),
            "sha256": self.sha256,
        }
