"""The result of a backtest: measures over many paths with bands, beside a baseline on the same noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w

from simcal.errors import ParameterError
from simcal.files import make_folder, write_atomically
from simcal.json_text import json_text

QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
"""Of the fans in `Backtest.series`."""


@dataclass(frozen=True, eq=False)
class Backtest:
    """What a strategy did on many paths of a market (a result of `simcal.backtest`).

    Main attributes
    ---------------
    summary
        A row per measure, by name: ``measure`` (in words), ``unit``, ``value``, ``standard_error``, ``low``, ``high``
        and, where there is a baseline, ``baseline``, ``difference`` and its ``difference_standard_error``,
        ``difference_low``, ``difference_high``. The difference is taken path by path on the same noise.
    paths
        A row per path: its number and its measures.
    series
        Over time, by quantity ("pnl", "inventory"; with a baseline "baseline_pnl", ..., "difference"): a frame with the
        columns ``step``, ``mean``, ``standard_error`` and the quantiles over paths ``q0.025`` to ``q0.975``; over the
        first 20 000 paths, at about a hundred steps.
    shifts
        The same strategy with all margins shifted, on the same noise: the columns of `summary` and ``shift``, a row
        per shift and measure, where the baseline is shift 0. None where no shifts were asked for.

    Other attributes
    ----------------
    strategy, baseline
        What they are called; baseline None where there is none.
    baseline_paths
        As `paths`.
    market
        As plain values; ``simcal.models.from_dict`` makes it a market again.
    settings
        Numbers of paths and steps, seed, levels.
    notes
        Sentences that a reader of the numbers should know.
    """

    strategy: str
    baseline: str | None
    summary: pd.DataFrame
    paths: pd.DataFrame = field(repr=False)
    baseline_paths: pd.DataFrame | None = field(repr=False)
    series: Mapping[str, pd.DataFrame] = field(repr=False)
    shifts: pd.DataFrame | None = field(repr=False)
    market: Mapping[str, Any] = field(repr=False)
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> float:
        """The value of a measure, such as ``backtest["hit_ratio"]``."""
        if name not in self.summary.index:
            raise ParameterError(f"There is no measure {name!r}; known are {', '.join(self.summary.index)}.")
        return float(self.summary.at[name, "value"])

    def table(self) -> pd.DataFrame:
        """The summary for a reader: words instead of names, a band in two columns."""
        columns = ["measure", "unit", "value", "low", "high"]
        if self.baseline is not None:
            columns += ["baseline", "difference", "difference_low", "difference_high"]
        return pd.DataFrame({column.replace("_", " "): self.summary[column].to_numpy() for column in columns})

    def shift_curve(self) -> pd.DataFrame:
        """A row per shift for figures: profit and hit ratio with their bands, spread captured and inventory carry.

        Raises
        ------
        ParameterError
            Where the backtest was made without shifts.
        """
        if self.shifts is None:
            raise ParameterError("This backtest has no shifts of the margins; give shifts=[-0.1, 0.1] to backtest.")
        wide = self.shifts.unstack("name")
        columns = {
            f"{label}{suffix}": wide[column or "value"][measure]
            for measure, label in (("pnl", "profit"), ("hit_ratio", "hit_ratio"))
            for column, suffix in (("", ""), ("low", "_low"), ("high", "_high"))
        }
        columns |= {name: wide["value"][name] for name in ("spread_pnl", "carry_pnl")}
        return pd.DataFrame(columns).reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Plain values: everything but the paths and the series over time."""
        return {
            "strategy": self.strategy,
            "baseline": self.baseline,
            "settings": dict(self.settings),
            "summary": self.summary.to_dict("index"),
            "shifts": None if self.shifts is None else self.shifts.reset_index().to_dict("records"),
            "notes": list(self.notes),
            "market": dict(self.market),
        }

    def save(self, folder: str | Path) -> Path:
        """Write a folder: ``backtest.json``, ``paths.csv``, ``series.csv``, ``shifts.csv`` and ``market.toml``.

        The folder is a market for `simcal.load`. Returns its path; `DataError` where it cannot be written.
        """
        folder = make_folder(folder)
        frames = {
            "paths.csv": self.paths,
            "series.csv": pd.concat(self.series, names=["quantity"]).reset_index(level=0),
        }
        if self.baseline_paths is not None:
            frames["baseline_paths.csv"] = self.baseline_paths
        if self.shifts is not None:
            frames["shifts.csv"] = self.shifts.reset_index()
        for name, frame in frames.items():
            write_atomically(folder / name, frame.to_csv(index=False, lineterminator="\n"))
        write_atomically(folder / "backtest.json", json_text(self.to_dict(), indent=1) + "\n")
        write_atomically(folder / "market.toml", tomli_w.dumps(dict(self.market)))
        return folder


def over_time(steps: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    """A frame of `Backtest.series` from values (n_paths, n_steps)."""
    n = len(values)
    error = values.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(values.shape[1], np.nan)
    quantiles = {f"q{q:g}": row for q, row in zip(QUANTILES, np.quantile(values, QUANTILES, axis=0), strict=True)}
    return pd.DataFrame({"step": steps, "mean": values.mean(axis=0), "standard_error": error, **quantiles})
