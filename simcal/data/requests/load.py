"""`load_requests`: from whatever the user has to a checked request table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.data.catalogue import catalogue, request_catalogue
from simcal.data.cells import is_missing, to_dates, to_numbers, without_zone
from simcal.data.requests.columns import GROUPS, MOST_RIVALS, find_columns, require_columns
from simcal.data.requests.status import Status
from simcal.data.requests.table import Requests
from simcal.data.requests.words import to_sides, to_statuses
from simcal.data.table import Cells, Place, Table, existing_file, from_frame, position_in, read_table
from simcal.errors import DataError, NumericalWarning

_EMPTY = ("nan", "na", "n/a", "null", "none", "-")
_MOSTLY, _ENOUGH = 0.75, 20  # of quotes on the wrong side of the mid, that the side must be the dealer's


def load_requests(source: str | Path | Requests | pd.DataFrame, mapping: Mapping[str, str] | None = None) -> Requests:
    """Load and check one dealer's request table.

    Parameters
    ----------
    source
        A CSV or Parquet file, a pandas DataFrame, or a name of the catalogue. One row per request, in the order of
        time, with the columns side (the client's: B buys, S sells), n_dealers, bid, ask, quote and status, and where
        known rfq_id, timestamp, notional, cover_price, traded_price, inventory_before, later mids (mid_1m, mid_1d and
        so on), instrument, client_tier and other groups (group_<name>), and quote_1 to quote_8 where the other
        dealers' quotes are seen. Capitals, spaces and signs in names do not matter; common other names are understood.
    mapping
        Our name -> the file's, where the names do not tell: ``{"quote": "price", "status": "won"}``. Map the side as
        ``dealer_side`` where the file says whether the dealer buys or sells.

    Returns
    -------
    The table in the order of the source; nothing is dropped, filled or sorted. Statuses may be our names, common
    words, codes of FIX tag 694, or true and false (`Status.LOST`). LOST with a traded price is TRADED_AWAY.

    Raises
    ------
    DataError
        One or two sentences with the row's number: an ask not above the bid, a cover price without a trade or better
        than the quote, an unknown side or status, a missing or far-off quote, and what else `Requests` refuses; also a
        missing column or file.
    ParameterError
        The mapping names something that is no column of ours.
    """
    if isinstance(source, Requests):
        return source
    if isinstance(source, pd.DataFrame):
        return _from_table(from_frame(source, "The frame", position_in("the frame")), "frame", mapping)
    if isinstance(source, str) and source in request_catalogue():
        return _from_table(read_table(request_catalogue()[source].path), source, mapping)
    if isinstance(source, str) and source in catalogue():
        raise DataError(
            f"'{source}' is a price series, not a table of requests for quotes. Load it with load_series('{source}')."
        )
    if not isinstance(source, (str, Path)):
        raise DataError(
            f"Requests cannot be loaded from a {type(source).__name__}. Give a CSV or Parquet file, a pandas DataFrame "
            f"or a name of the catalogue: {', '.join(request_catalogue())}."
        )
    path = existing_file(source, list(request_catalogue()))
    return _from_table(read_table(path), path.stem, mapping)


def _from_table(table: Table, name: str, mapping: Mapping[str, str] | None) -> Requests:
    found = find_columns(table, mapping)
    require_columns(table, found)
    rows = len(table.columns[found["quote"]])
    if rows == 0:
        raise DataError(f"{table.source} has a header but no rows. Give one row per request.")

    def numbers(ours: str) -> np.ndarray:
        return to_numbers(table.columns[found[ours]], found[ours], table.place)

    def known_numbers(ours: str) -> Any:  # an array, or None
        return _numbers_or_nan(table.columns[found[ours]], found[ours], table.place) if ours in found else None

    status = to_statuses(table.columns[found["status"]], found["status"], table.place)
    traded = known_numbers("traded_price")
    if "traded_price" in found:
        status = np.where((status == Status.LOST) & ~np.isnan(traded), Status.TRADED_AWAY, status)
    quote = known_numbers("quote")
    rivals = [known_numbers(f"quote_{k}") for k in range(1, MOST_RIVALS + 1)]
    requests = Requests(
        name,
        side=_sides(table, found),
        bid=numbers("bid"),
        ask=numbers("ask"),
        quote=quote,
        status=status,
        n_dealers=_counts(numbers("n_dealers"), found["n_dealers"], table.place),
        size=numbers("notional") if "notional" in found else np.ones(rows),
        cover_price=known_numbers("cover_price"),
        traded_price=traded,
        timestamp=_timestamps(table, found),
        mids={ours[4:]: known_numbers(ours) for ours in found if ours.startswith("mid_")},
        inventory_before=numbers("inventory_before") if "inventory_before" in found else None,
        quotes=_all_quotes(quote, rivals),
        groups={
            ours.removeprefix("group_"): np.array(list(table.columns[theirs]), dtype=object)
            for ours, theirs in found.items()
            if ours in GROUPS or ours.startswith("group_")
        },
        rfq_id=np.array(list(table.columns[found["rfq_id"]]), dtype=object) if "rfq_id" in found else None,
        place=table.place,
    )
    _warn_of_exchanged_sides(requests)
    return requests


def _sides(table: Table, found: Mapping[str, str]) -> np.ndarray:
    if "dealer_side" in found:
        return -to_sides(table.columns[found["dealer_side"]], found["dealer_side"], table.place)
    return to_sides(table.columns[found["side"]], found["side"], table.place)


def _timestamps(table: Table, found: Mapping[str, str]) -> pd.DatetimeIndex | None:
    if "timestamp" in found:
        return to_dates(table.columns[found["timestamp"]], found["timestamp"], table.place)
    return None if table.index is None else without_zone(table.index)


def _counts(numbers: np.ndarray, name: str, place: Place) -> np.ndarray:
    wrong = ~(np.isfinite(numbers) & (numbers == np.round(numbers)) & (np.abs(numbers) < 2**31))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise DataError(
            f"{place(i)} has {numbers[i]:g} in '{name}'. The dealers asked are a whole number such as 5: correct it."
        )
    return numbers


def _numbers_or_nan(cells: Cells, name: str, place: Place) -> np.ndarray:
    """Numbers, NaN where a cell is empty or says so in words; anything else is refused with its row."""
    if isinstance(cells, pd.Series) and pd.api.types.is_numeric_dtype(cells.dtype):
        return cells.to_numpy(dtype=np.float64, na_value=np.nan)
    filled = ["nan" if _says_nothing(cell) else cell for cell in cells]
    known = np.array([cell != "nan" for cell in filled], dtype=bool)
    rows = np.flatnonzero(known)
    values = np.full(len(filled), np.nan)
    if rows.size:
        values[rows] = to_numbers([filled[i] for i in rows], name, lambda i: place(int(rows[i])))
    return values


def _says_nothing(cell: object) -> bool:
    return is_missing(cell) or (isinstance(cell, str) and cell.strip().lower() in _EMPTY)


def _all_quotes(own: np.ndarray | None, rivals: list[np.ndarray | None]) -> np.ndarray | None:
    last = max((k for k, quotes in enumerate(rivals, start=1) if quotes is not None), default=0)
    if own is None or last == 0:
        return None
    columns = [np.full(own.size, np.nan) if quotes is None else quotes for quotes in rivals[:last]]
    return np.column_stack([own, *columns])


def _warn_of_exchanged_sides(requests: Requests) -> None:
    margins = requests.margin[requests.quoted]
    share = float(np.mean(margins < 0.0)) if margins.size else 0.0
    if margins.size >= _ENOUGH and share > _MOSTLY:
        warnings.warn(
            f"{share:.0%} of the quotes of '{requests.name}' are better for the client than the mid. Where the column "
            "of sides says what the dealer does, map it as dealer_side: a request's side is the client's.",
            NumericalWarning,
            stacklevel=4,
        )
