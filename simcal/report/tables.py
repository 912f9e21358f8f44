"""Numbers and frames as a reader wants to see them."""

from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import ParameterError

MINUS = "\u2212"


def format_number(value: Any, digits: int = 3) -> str:
    """A number with that many significant digits; whole numbers in full; "n/a" for what is missing."""
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


def require_columns(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Raise `ParameterError` where a table to draw lacks a column."""
    missing = [name for name in columns if name not in table]
    if missing:
        raise ParameterError(
            f"The table to draw lacks the columns {', '.join(missing)}; it has {', '.join(map(str, table.columns))}. "
            f"Give a frame with {', '.join(columns)}."
        )
