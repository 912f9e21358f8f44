"""The report of a backtest: one HTML file with tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.models import from_dict
from simcal.report import Section, Table, format_number, write_report
from simcal.trading.orders import reporting as orders
from simcal.trading.result import Backtest

_DESCRIBED = ("unit", "meaning")  # what a market says of its parameters


def write_backtest_report(path: str | Path, backtest: Backtest, history: Any = None) -> Path:
    """Write the report of a backtest, and of a dealer's own requests at other margins where they are given.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    if hasattr(backtest, "sections"):  # of a market that brings its own way
        sections, numbers = backtest.sections(history), backtest.key_numbers()
    else:
        sections, numbers = orders.sections(backtest), orders.key_numbers(backtest)
    return write_report(
        path,
        f"Backtest of the strategy {backtest.strategy}",
        [*sections, _market(backtest)],
        subtitle="" if backtest.baseline is None else f"Beside the strategy {backtest.baseline}, on the same noise",
        key_numbers=numbers,
        provenance={name.replace("_", " "): value for name, value in backtest.settings.items()},
    )


def _market(backtest: Backtest) -> Section:
    described = {row["parameter"]: row for row in from_dict(dict(backtest.market)).describe()}
    rows = [
        {"parameter": name, "value": _short(value)} | {key: described.get(name, {}).get(key, "") for key in _DESCRIBED}
        for name, value in backtest.market.items()
    ]
    return Section("The market", tables=[Table(pd.DataFrame(rows), "Parameters.")])


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(format_number(v, 4) if np.isscalar(v) else str(v) for v in value)
    return format_number(value, 4)
