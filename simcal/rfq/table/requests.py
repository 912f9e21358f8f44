"""A table of requests for quotes, as one dealer sees them, checked where it is built."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.data.cells import is_missing, without_zone
from simcal.data.table import Place
from simcal.errors import DataError, ParameterError
from simcal.files import write_atomically
from simcal.rfq.table.checks import check_requests
from simcal.rfq.table.columns import GROUPS, HORIZON, group_column
from simcal.rfq.table.words import QUOTED, Status

_FILLED_IN: Any = None  # an array after the building, whatever was given
_WHOLE = {"side": np.int8, "status": np.int8, "n_dealers": np.int64}
_NUMBERS = ("bid", "ask", "quote", "size", "cover_price", "traded_price", "inventory_before")
_GROUP = "[a-z][a-z0-9]*(_[a-z0-9]+)*"


@dataclass(frozen=True, eq=False)
class Requests:
    """Requests for quotes in the order of time, each with one dealer's quote and how it ended.

    Immutable: the arrays are copies that cannot be written to.

    Parameters
    ----------
    name
        What to call the table in tables and figures.
    side, n_dealers
        +1 where the client buys (the dealer sells), -1 where the client sells, and dealers asked, this one among them;
        whole numbers, shape (n,).
    bid, ask, quote
        Composite prices at the request, and this dealer's price, NaN where it did not quote; (n,).
    status
        `Status` codes, (n,).

    Other Parameters
    ----------------
    size, inventory_before
        Notional, (n,), ones where there is none; this dealer's inventory before the request, in its unit, or None.
    cover_price, traded_price
        Second-best price, only where this dealer traded, and price of the trade; NaN where it was not told, (n,).
    timestamp
        When, or None.
    mids
        Mid price some time after the request by horizon, such as ``{"1m": ...}``, each (n,), NaN where missing.
    quotes
        All dealers' prices where the whole platform is seen, (n, most dealers), NaN for those not asked; column 0 is
        this dealer's. None for a dealer's own table.
    groups, rfq_id
        Labels by name, such as client tier, each an array of text (n,); the requests' own names, each once, or None.
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
        found: dict[str, Any] = {}
        missing = {"size": np.ones(n), "cover_price": np.full(n, np.nan), "traded_price": np.full(n, np.nan)}
        for name, dtype in _WHOLE.items():
            found[name] = self._whole_numbers(name, n, dtype)
        for name in _NUMBERS:
            given = getattr(self, name)
            given = missing.get(name) if given is None and name in missing else given
            if given is not None or name != "inventory_before":
                found[name] = self._numbers(name, given, n)
        for name, column, example in (("mids", HORIZON, "1m, 5m or 1d"), ("groups", _GROUP, "client_tier")):
            self._check_names(name, column, example)
        found["mids"] = {horizon: self._numbers(f"mid_{horizon}", mid, n) for horizon, mid in self.mids.items()}
        groups = {name: self._labels(name, labels, n) for name, labels in self.groups.items()}
        order = [*GROUPS, *groups]  # those with columns of their own name first, as a file has them
        found["groups"] = dict(sorted(groups.items(), key=lambda item: order.index(item[0])))
        if self.rfq_id is not None:
            found["rfq_id"] = self._labels("rfq_id", self.rfq_id, n)
        if self.quotes is not None:
            found["quotes"] = self._quotes(n)
        if self.timestamp is not None:
            found["timestamp"] = self._times(n)
        for name, value in found.items():
            object.__setattr__(self, name, value)
        check_requests(self, place or (lambda i: f"Position {i} (counted from 0) of '{self.name}'"))

    # What is given as a column, as an array of one type and length that cannot be written to.

    def _floats(self, name: str, given: Any) -> np.ndarray:
        try:
            values = np.array(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"'{name}' of '{self.name}' does not hold numbers ({error}). Give numbers, sides as +1 and -1 and "
                "statuses as codes of simcal.rfq.Status; load_requests reads words from files and frames."
            ) from None
        return _frozen(values)

    def _numbers(self, name: str, given: Any, n: int) -> np.ndarray:
        values = self._floats(name, given)
        if values.shape != (n,):
            raise DataError(
                f"'{name}' of '{self.name}' has shape {values.shape}; give one number per request, shape ({n},)."
            )
        return values

    def _whole_numbers(self, name: str, n: int, dtype: type) -> np.ndarray:
        """What `dtype` cannot hold is cut to its ends, for the checks to refuse."""
        values = self._numbers(name, getattr(self, name), n)
        wrong = ~(np.isfinite(values) & (values == np.round(values)))
        if wrong.any():
            i = int(np.argmax(wrong))
            raise DataError(
                f"Position {i} (counted from 0) of '{self.name}' has {values[i]:g} as {name}; give whole numbers."
            )
        ends = np.iinfo(dtype if dtype != np.int64 else np.int32)
        return _frozen(np.clip(values, ends.min, ends.max).astype(dtype))

    def _labels(self, name: str, given: Any, n: int) -> np.ndarray:
        """Texts without spaces around them; empty where there was none."""
        if np.ndim(given) == 0:
            raise DataError(f"'{name}' of '{self.name}' is {given!r:.40}; give one label per request, {n} in all.")
        labels = np.array(["" if is_missing(value) else str(value).strip() for value in given], dtype=object)
        if labels.shape != (n,):
            raise DataError(
                f"'{name}' of '{self.name}' has {labels.size} labels for {n} requests; give one per request."
            )
        return _frozen(labels)

    def _quotes(self, n: int) -> np.ndarray:
        """(n, at least 2): a platform on which nobody else is asked gets an empty column."""
        quotes = self._floats("quotes", self.quotes)
        if quotes.ndim != 2 or quotes.shape[0] != n or quotes.shape[1] < 1:
            raise DataError(
                f"The quotes of all dealers of '{self.name}' have shape {quotes.shape}; give ({n}, most dealers)."
            )
        return _frozen(np.hstack([quotes, np.full((n, 1), np.nan)]) if quotes.shape[1] == 1 else quotes)

    def _times(self, n: int) -> pd.DatetimeIndex:
        """In microseconds and without a zone: times that have one become UTC."""
        try:
            times = without_zone(pd.DatetimeIndex(self.timestamp).as_unit("us"))
        except (TypeError, ValueError) as error:
            raise DataError(
                f"The timestamps of '{self.name}' are not understood ({error}); give times such as 2024-01-31 09:30:00."
            ) from None
        if len(times) != n:
            raise DataError(f"'{self.name}' has {len(times)} timestamps for {n} requests; give one per request.")
        return times

    def _check_names(self, field: str, pattern: str, example: str) -> None:
        """Refuse names that could not be found again in the header of a file."""
        given = getattr(self, field)
        if not isinstance(given, Mapping):
            raise DataError(
                f"'{field}' of '{self.name}' is {given!r:.40}; give a mapping of names to columns, or leave it out."
            )
        wrong = next((name for name in given if not re.fullmatch(pattern, name, re.ASCII)), None)
        if wrong is not None:
            what = "horizon of a mid" if field == "mids" else "group"
            raise DataError(f"'{wrong}' cannot be the name of a {what}. Use small letters and digits as in {example}.")

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
        """Hash of all columns (not of the name), the same everywhere: numbers and times as little-endian bytes."""
        frame, digest = self.to_pandas(), hashlib.sha256()
        for name in frame.columns:
            column = frame[name]
            if pd.api.types.is_datetime64_any_dtype(column.dtype):
                values = column.to_numpy(dtype="datetime64[us]").astype("<i8").tobytes()
            elif pd.api.types.is_numeric_dtype(column.dtype):
                numbers = column.to_numpy(dtype="<f8") + 0.0  # no negative zeros
                numbers[np.isnan(numbers)] = np.nan
                values = numbers.tobytes()
            else:
                values = "\0".join(column).encode()
            digest.update(f"{name}\0{len(values)}\0".encode() + values)
        return digest.hexdigest()

    def to_pandas(self) -> pd.DataFrame:
        """One row per request in the columns of a request file; what the table lacks is left out."""
        columns: dict[str, object] = {"rfq_id": self.rfq_id, "timestamp": self.timestamp}
        columns |= {group_column(name): labels for name, labels in self.groups.items()}
        columns |= {"side": np.where(self.side > 0, "B", "S"), "notional": self.size}
        columns |= {name: getattr(self, name) for name in ("n_dealers", "bid", "ask", "quote")}
        columns["status"] = [Status(code).name for code in self.status]
        columns |= {name: getattr(self, name) for name in ("cover_price", "traded_price", "inventory_before")}
        columns |= {f"mid_{horizon}": mid for horizon, mid in self.mids.items()}
        if self.quotes is not None:
            columns |= {f"quote_{k}": self.quotes[:, k] for k in range(1, self.quotes.shape[1])}
        return pd.DataFrame({name: column for name, column in columns.items() if column is not None})

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


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values
