"""What is given as a column, as an array of one type and length that cannot be written to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from simcal.data.cells import is_missing, without_zone
from simcal.data.requests.columns import GROUPS, HORIZON
from simcal.errors import DataError


def frozen(values: np.ndarray) -> np.ndarray:
    """The same array, not to be written to."""
    values.flags.writeable = False
    return values


def as_numbers(table: str, name: str, given: Any, n: int) -> np.ndarray:
    """One float per request, (n,)."""
    values = _floats(table, name, given)
    if values.shape != (n,):
        raise DataError(f"'{name}' of '{table}' has shape {values.shape}; give one number per request, shape ({n},).")
    return frozen(values)


def as_whole_numbers(table: str, name: str, given: Any, n: int, dtype: type) -> np.ndarray:
    """One whole number per request, (n,); what `dtype` cannot hold is cut to its ends, for the checks to refuse."""
    values = as_numbers(table, name, given, n)
    wrong = ~(np.isfinite(values) & (values == np.round(values)))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise DataError(f"Position {i} (counted from 0) of '{table}' has {values[i]:g} as {name}; give whole numbers.")
    ends = np.iinfo(dtype if dtype != np.int64 else np.int32)
    return frozen(np.clip(values, ends.min, ends.max).astype(dtype))


def as_labels(table: str, name: str, given: Any, n: int) -> np.ndarray:
    """One text per request, (n,), without spaces around it; empty where there was none."""
    if np.ndim(given) == 0:
        raise DataError(f"'{name}' of '{table}' is {given!r:.40}; give one label per request, {n} in all.")
    labels = np.array(["" if is_missing(value) else str(value).strip() for value in given], dtype=object)
    if labels.shape != (n,):
        raise DataError(f"'{name}' of '{table}' has {labels.size} labels for {n} requests; give one per request.")
    return frozen(labels)


def as_quotes(table: str, given: Any, n: int) -> np.ndarray:
    """All dealers' quotes, (n, at least 2): a platform on which nobody else is asked gets an empty column."""
    quotes = _floats(table, "quotes", given)
    if quotes.ndim != 2 or quotes.shape[0] != n or quotes.shape[1] < 1:
        raise DataError(f"The quotes of all dealers of '{table}' have shape {quotes.shape}; give ({n}, most dealers).")
    return frozen(np.hstack([quotes, np.full((n, 1), np.nan)]) if quotes.shape[1] == 1 else quotes)


def as_times(table: str, given: Any, n: int) -> pd.DatetimeIndex:
    """One time per request, in microseconds and without a zone: times that have one become UTC."""
    try:
        times = without_zone(pd.DatetimeIndex(given).as_unit("us"))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"The timestamps of '{table}' are not understood ({error}); give times such as 2024-01-31 09:30:00."
        ) from None
    if len(times) != n:
        raise DataError(f"'{table}' has {len(times)} timestamps for {n} requests; give one per request.")
    return times


def as_columns(table: str, name: str, given: Any) -> Mapping[str, Any]:
    """Several columns by name."""
    if not isinstance(given, Mapping):
        raise DataError(f"'{name}' of '{table}' is {given!r:.40}; give a mapping of names to columns, or leave it out.")
    return given


def in_order(groups: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Groups with columns of their own name first, as a file has them."""
    return dict(sorted(groups.items(), key=lambda item: GROUPS.index(item[0]) if item[0] in GROUPS else len(GROUPS)))


def check_names(horizons: Iterable[str], groups: Iterable[str]) -> None:
    """Refuse names that could not be found again in the header of a file."""
    for what, names, pattern, example in (
        ("horizon of a mid", horizons, HORIZON, "1m, 5m or 1d"),
        ("group", groups, "[a-z][a-z0-9]*(_[a-z0-9]+)*", "client_tier"),
    ):
        wrong = next((name for name in names if not re.fullmatch(pattern, name, re.ASCII)), None)
        if wrong is not None:
            raise DataError(f"'{wrong}' cannot be the name of a {what}. Use small letters and digits as in {example}.")


def _floats(table: str, name: str, given: Any) -> np.ndarray:
    try:
        return np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"'{name}' of '{table}' does not hold numbers ({error}). Give numbers, sides as +1 and -1 and statuses as "
            "codes of simcal.data.requests.Status; load_requests reads words from files and frames."
        ) from None
