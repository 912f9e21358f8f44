"""`load_requests`: from whatever the user has to a checked request table."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.data.catalogue import catalogue, request_catalogue
from simcal.data.cells import is_missing, to_dates, to_numbers, without_zone
from simcal.data.table import Cells, Place, Table, existing_file, from_frame, position_in, read_table
from simcal.errors import DataError, NumericalWarning
from simcal.rfq.table.columns import GROUPS, find_columns, require_columns
from simcal.rfq.table.requests import Requests
from simcal.rfq.table.words import Status, to_sides, to_statuses

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

    Examples
    --------
    >>> import pandas as pd
    >>> from simcal.rfq import load_requests
    >>> frame = pd.DataFrame({"side": ["B", "S"], "dealers": 5, "bid": 99.9, "offer": 100.1, "price": [100.05, 99.97],
    ...                       "won": [True, False]})
    >>> load_requests(frame).to_pandas()["status"].tolist()
    ['DONE', 'LOST']
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
    cells = {ours: table.columns[theirs] for ours, theirs in found.items()}
    if len(cells["quote"]) == 0:
        raise DataError(f"{table.source} has a header but no rows. Give one row per request.")
    read = {  # what is no number, word or date of its kind is refused here with its row
        ours: _READERS.get(ours, _numbers_or_nan)(cells[ours], theirs, table.place)
        for ours, theirs in found.items()
        if not _is_label(ours)
    }
    if "dealer_side" in read:
        read["side"] = -read.pop("dealer_side")
    if "traded_price" in read:
        traded = ~np.isnan(read["traded_price"])
        read["status"] = np.where((read["status"] == Status.LOST) & traded, Status.TRADED_AWAY, read["status"])
    if table.index is not None:
        read.setdefault("timestamp", without_zone(table.index))
    rivals = {int(ours[6:]): read.pop(ours) for ours in found if ours.startswith("quote_")}
    empty = np.full(len(cells["quote"]), np.nan)
    quotes = [read["quote"], *(rivals.get(k, empty) for k in range(1, max(rivals, default=0) + 1))]
    mids = {ours[4:]: read.pop(ours) for ours in found if ours.startswith("mid_")}
    labels = {ours: np.array(list(cells[ours]), dtype=object) for ours in found if _is_label(ours)}
    requests = Requests(
        name,
        size=read.pop("notional", None),
        mids=mids,
        quotes=np.column_stack(quotes) if rivals else None,
        rfq_id=labels.pop("rfq_id", None),
        groups={ours.removeprefix("group_"): given for ours, given in labels.items()},
        place=table.place,
        **read,
    )
    _warn_of_exchanged_sides(requests)
    return requests


def _is_label(ours: str) -> bool:
    return ours == "rfq_id" or ours in GROUPS or ours.startswith("group_")


def _counts(cells: Cells, name: str, place: Place) -> np.ndarray:
    numbers = to_numbers(cells, name, place)
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
    rows = np.array([i for i, cell in enumerate(cells) if not _says_nothing(cell)], dtype=int)
    values, given = np.full(len(cells), np.nan), list(cells)
    if rows.size:
        values[rows] = to_numbers([given[i] for i in rows], name, lambda i: place(int(rows[i])))
    return values


def _says_nothing(cell: object) -> bool:
    return is_missing(cell) or (isinstance(cell, str) and cell.strip().lower() in _EMPTY)


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


# Of the columns of ours; prices that need not be known may be empty.
_READERS: dict[str, Callable[[Cells, str, Place], Any]] = {
    "side": to_sides, "dealer_side": to_sides, "status": to_statuses, "timestamp": to_dates, "n_dealers": _counts,
    **dict.fromkeys(("bid", "ask", "notional", "inventory_before"), to_numbers),
}  # fmt: skip
