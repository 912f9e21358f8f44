"""Numbers, bands and frames as a reader wants to see them: every report and every screen writes them by this file."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import ParameterError

MINUS = "\u2212"


def format_number(value: Any, digits: int = 3) -> str:
    """A number with that many significant digits; whole numbers in full; "n/a" for what is missing.

    Examples
    --------
    >>> format_number(0.012345), format_number(12345.6), format_number(True), format_number(float("nan"))
    ('0.0123', '12,346', 'yes', 'n/a')
    """
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{value:,}".replace("-", MINUS)
    if value is None or value is pd.NA or value is pd.NaT:
        return "n/a"
    if not isinstance(value, (float, np.floating)):
        return str(value)
    if np.isnan(value):
        return "n/a"
    if np.isinf(value):
        return "\u221e" if value > 0 else MINUS + "\u221e"
    size = abs(float(value))
    if size != 0.0 and not 1e-4 <= size < 1e7:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    # At least one decimal: a measured number should not look like a count.
    decimals = 1 if size == 0.0 else max(digits - 1 - int(np.floor(np.log10(size))), 1 if size < 1000 else 0)
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def two_decimals(value: float) -> str:
    """A number with two decimals, for columns of ratios; empty for what is missing, never -0.00."""
    return f"{round(value, 2) + 0.0:.2f}" if np.isfinite(value) else ""


def whole_percent(value: float) -> str:
    """A share in per cent without decimals."""
    return f"{value:.0%}"


def banded(value: float, low: float, high: float, write: Callable[[float], str] = format_number) -> str:
    """A value with its band in brackets, or alone where it has none.

    Examples
    --------
    >>> banded(1.234, 1.0, 1.5)
    '1.23 (1.00 to 1.50)'
    """
    return f"{write(value)} ({write(low)} to {write(high)})" if np.isfinite(low) else write(value)


def span(low: float, high: float, write: Callable[[float], str] = format_number, to: str = " to ") -> str:
    """The two ends of a band."""
    return f"{write(low)}{to}{write(high)}" if np.isfinite(low) else ""


def give_or_take(value: float, high: float, write: Callable[[float], str] | None = None, sign: str = " ± ") -> str:
    """A value and half the width of its band, which is symmetric; alone where it has none and is written by `write`.

    Examples
    --------
    >>> give_or_take(1.234, 1.5)
    '1.23 ± 0.27'
    """
    if write is None:
        return f"{format_number(value)}{sign}{format_number(high - value, 2)}"
    return f"{write(value)}{sign}{write(high - value)}" if np.isfinite(high) else write(value)


def cells(words: Callable[..., str], table: pd.DataFrame, *columns: str, **options: Any) -> list[str]:
    """A column of words made of one or several columns of numbers, such as `banded` of value, low and high."""
    return [words(*row, **options) for row in table[list(columns)].to_numpy(float).tolist()]


def require_columns(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Raise `ParameterError` where a table to draw lacks a column."""
    missing = [name for name in columns if name not in table]
    if missing:
        raise ParameterError(
            f"The table to draw lacks the columns {', '.join(missing)}; it has {', '.join(map(str, table.columns))}. "
            f"Give a frame with {', '.join(columns)}."
        )
