"""Numbers of a backtest in words."""

from __future__ import annotations

from typing import Any

from simcal.report import format_number


def banded(value: Any, low: Any, high: Any) -> str:
    """A value with its band in brackets."""
    return f"{format_number(float(value))} ({format_number(float(low))} to {format_number(float(high))})"


def give_or_take(value: Any, high: Any) -> str:
    """A value and half the width of its band."""
    return f"{format_number(float(value))} ± {format_number(float(high) - float(value), 2)}"
