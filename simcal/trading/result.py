"""The result of a backtest: measures over many paths with bands, beside a baseline on the same noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import tomli_w

from simcal.errors import ParameterError
from simcal.files import make_folder, write_atomically
from simcal.json_text import json_text

if TYPE_CHECKING:
    from simcal.trading.orders.impact import ImpactLaw

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
    impact
        In a market with a price: the log price with the strategies less that without, on the same noise, over the
        steps: columns as in `series`, ``low`` and ``high`` of the mean's band, and ``magnitude``, the mean absolute
        difference.
    capacity
        There, where sizes were asked for: the columns of `summary`, a row per size and measure.
    impact_law
        Likewise: impact against the size of a metaorder, and the fitted exponents.
    shifts
        In a dealer market: the same strategy with all margins shifted, on the same noise: the columns of `summary` and
        ``shift``, a row per shift and measure, where the baseline is shift 0. None where no shifts were asked for.

    In a market with a price `summary` says too what the same strategy earns where prices do not notice it, as every
    replay of recorded prices has it: ``replayed``, and the value less it, path by path: ``impact`` with
    ``impact_standard_error``, ``impact_low``, ``impact_high``.

    Other attributes
    ----------------
    strategy, baseline
        What they are called; baseline None where there is none.
    baseline_paths, replayed_paths
        As `paths`, of the baseline and of the strategy whose orders prices do not notice.
    together
        Where several strategies traded together: the columns of `summary`, a row per strategy and measure; everything
        else is the first one's.
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
    replayed_paths: pd.DataFrame | None = field(repr=False, default=None)
    impact: pd.DataFrame | None = field(repr=False, default=None)
    capacity: pd.DataFrame | None = field(repr=False, default=None)
    impact_law: ImpactLaw | None = field(repr=False, default=None)
    together: pd.DataFrame | None = field(repr=False, default=None)

    def __getitem__(self, name: str) -> float:
        """The value of a measure, such as ``backtest["hit_ratio"]``."""
        if name not in self.summary.index:
            raise ParameterError(f"There is no measure {name!r}; known are {', '.join(self.summary.index)}.")
        return float(self.summary.at[name, "value"])

    def table(self) -> pd.DataFrame:
        """The summary for a reader: words instead of names, a band in two columns."""
        columns = ["measure", "unit", "value", "low", "high"]
        if "replayed" in self.summary:
            columns += ["replayed", "impact", "impact_low", "impact_high"]
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

    def capacity_curve(self) -> pd.DataFrame:
        """A row per size for figures: ``size`` and, for pnl and sharpe, the value, its band and that of the replay.

        The columns are ``pnl``, ``pnl_low``, ``pnl_high``, ``pnl_replayed``, ``sharpe`` and so on.

        Raises
        ------
        ParameterError
            Where the backtest was made without sizes.
        """
        if self.capacity is None:
            raise ParameterError("This backtest has no capacity curve; give sizes=[0.1, 1, 10] to backtest.")
        columns = {
            f"{measure}{suffix}": self.capacity.xs(measure, level="name")[column]
            for measure in ("pnl", "sharpe")
            for suffix, column in (("", "value"), ("_low", "low"), ("_high", "high"), ("_replayed", "replayed"))
        }
        return pd.DataFrame(columns).reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Plain values: everything but the paths and the series over time."""
        return {
            "strategy": self.strategy,
            "baseline": self.baseline,
            "settings": dict(self.settings),
            "summary": self.summary.to_dict("index"),
            "shifts": None if self.shifts is None else self.shifts.reset_index().to_dict("records"),
            "capacity": None if self.capacity is None else self.capacity.reset_index().to_dict("records"),
            "impact_law": None if self.impact_law is None else self.impact_law.to_dict(),
            "together": None if self.together is None else self.together.reset_index().to_dict("records"),
            "notes": list(self.notes),
            "market": dict(self.market),
        }

    def save(self, folder: str | Path) -> Path:
        """Write a folder: ``backtest.json``, ``paths.csv``, ``series.csv``, ``market.toml``, and what else there is.

        ``baseline_paths.csv``, ``replayed_paths.csv``, ``impact.csv``, ``capacity.csv``, ``shifts.csv``. The folder is
        a market for `simcal.load`. Returns its path; `DataError` where it cannot be written.
        """
        folder = make_folder(folder)
        frames = {
            "paths.csv": self.paths,
            "series.csv": pd.concat(self.series, names=["quantity"]).reset_index(level=0),
        }
        more = {
            "baseline_paths.csv": self.baseline_paths,
            "replayed_paths.csv": self.replayed_paths,
            "impact.csv": self.impact,
            "capacity.csv": None if self.capacity is None else self.capacity.reset_index(),
            "shifts.csv": None if self.shifts is None else self.shifts.reset_index(),
        }
        frames |= {name: frame for name, frame in more.items() if frame is not None}
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
