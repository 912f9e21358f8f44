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
    from matplotlib.figure import Figure

    from simcal.report import Page, Section
    from simcal.trading.orders.impact import ImpactLaw

QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
"""Of the fans in `Backtest.series`."""


@dataclass(frozen=True, eq=False)
class Backtest:
    """What a strategy did on many paths of a market (a result of `simcal.backtest`).

    Parameters
    ----------
    strategy, baseline
        What they are called; baseline None where there is none.
    summary
        A row per measure, by name: ``measure`` (in words), ``unit``, ``value``, ``standard_error``, ``low``, ``high``
        and, where there is a baseline, ``baseline``, ``difference`` and its ``difference_standard_error``,
        ``difference_low``, ``difference_high``. The difference is taken path by path on the same noise. In a market
        with a price also what the same strategy earns where prices do not notice it, as every replay of recorded
        prices has it, ``replayed``, and the value less it, path by path: ``impact`` with ``impact_standard_error``,
        ``impact_low``, ``impact_high``.
    paths, baseline_paths, replayed_paths
        A row per path, its number and its measures: of the strategy, the baseline, and the strategy whose orders prices
        do not notice.
    series
        Over time, by quantity ("pnl", "inventory"; with a baseline "baseline_pnl", ..., "difference"): a frame with the
        columns ``step``, ``mean``, ``standard_error`` and the quantiles over paths ``q0.025`` to ``q0.975``; over the
        first 20 000 paths, at about a hundred steps.
    shifts
        In a dealer market: the same strategy with all margins shifted, on the same noise: the columns of `summary` and
        ``shift``, a row per shift and measure, where the baseline is shift 0. None where no shifts were asked for.
    market
        As plain values; ``simcal.models.from_dict`` makes it a market again.
    settings
        Numbers of paths and steps, seed, levels.
    notes
        Sentences that a reader of the numbers should know.
    impact
        In a market with a price: the log price with the strategies less that without, on the same noise, over the
        steps: columns as in `series`, ``low`` and ``high`` of the mean's band, and ``magnitude``, the mean absolute
        difference.
    capacity
        There, where sizes were asked for: the columns of `summary`, a row per size and measure.
    impact_law
        Likewise: impact against the size of a metaorder, and the fitted exponents.
    together
        Where several strategies traded together: the columns of `summary`, a row per strategy and measure; everything
        else is the first one's.
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
        ends = {"": "value", "_low": "low", "_high": "high"}
        curve = _wide(self.shifts, {"profit": "pnl", "hit_ratio": "hit_ratio"}, ends)
        more = _wide(self.shifts, {"spread_pnl": "spread_pnl", "carry_pnl": "carry_pnl"}, {"": "value"})
        return curve.join(more).reset_index()

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
        ends = {"": "value", "_low": "low", "_high": "high", "_replayed": "replayed"}
        return _wide(self.capacity, {"pnl": "pnl", "sharpe": "sharpe"}, ends).reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Plain values: everything but the paths and the series over time."""
        return {
            "strategy": self.strategy,
            "baseline": self.baseline,
            "settings": dict(self.settings),
            "summary": self.summary.to_dict("index"),
            "shifts": records_of(self.shifts),
            "capacity": records_of(self.capacity),
            "impact_law": None if self.impact_law is None else self.impact_law.to_dict(),
            "together": records_of(self.together),
            "notes": list(self.notes),
            "market": dict(self.market),
        }

    def sections(self) -> list[Section]:
        """What a report shows of the backtest."""
        return self._room().sections(self)

    def plot(self, heading: str = "Profit", number: int = 0) -> Figure:
        """One figure of the report: the section's heading, and which of its figures."""
        from simcal.report import figure_in

        return figure_in(self.sections(), heading, number)

    def page(self) -> Page:
        """The report: the sections, the market's parameters, and the main numbers on top."""
        from simcal.models import from_dict
        from simcal.report import Page, Section, Table, format_number

        described = {row["parameter"]: row for row in from_dict(dict(self.market)).describe()}
        rows = []
        for name, value in self.market.items():
            values = value if isinstance(value, (list, tuple)) else [value]
            text = ", ".join(format_number(v, 4) if np.isscalar(v) or v is None else str(v) for v in values)
            rows.append({"parameter": name, "value": text})
            rows[-1] |= {key: described.get(name, {}).get(key, "") for key in ("unit", "meaning")}
        market = Section("The market", tables=[Table(pd.DataFrame(rows), "Parameters.")])
        return Page(
            f"Backtest of the strategy {self.strategy}",
            [*self.sections(), market],
            "" if self.baseline is None else f"Beside the strategy {self.baseline}, on the same noise",
            self._room().key_numbers(self),
            {name.replace("_", " "): value for name, value in self.settings.items()},
        )

    def _room(self) -> Any:
        """Where the sections of this kind of backtest are made: here of orders."""
        from simcal.trading.orders import report

        return report

    def save(self, folder: str | Path) -> Path:
        """Write a folder: ``backtest.json``, ``paths.csv``, ``series.csv``, ``market.toml``, and what else there is.

        ``baseline_paths.csv``, ``replayed_paths.csv``, ``impact.csv``, ``capacity.csv``, ``shifts.csv``. The folder is
        a market for `simcal.load`. Returns its path; `DataError` where it cannot be written.
        """
        series = pd.concat(self.series, names=["quantity"]).reset_index(level=0)
        frames = {
            "paths": self.paths, "series": series, "baseline_paths": self.baseline_paths,
            "replayed_paths": self.replayed_paths, "impact": self.impact, "capacity": _flat(self.capacity),
            "shifts": _flat(self.shifts),
        }  # fmt: skip
        return save_result(folder, "backtest", self.to_dict(), frames, {"market.toml": self.market})


def save_result(
    folder: str | Path,
    name: str,
    result: Mapping[str, Any],
    frames: Mapping[str, pd.DataFrame | None],
    markets: Mapping[str, Mapping[str, Any]],
) -> Path:
    """Write the folder of a result: plain values as ``NAME.json``, frames that are not None as CSV, markets as TOML.

    Returns the folder's path; `DataError` where it cannot be written.
    """
    folder = make_folder(folder)
    for table, frame in frames.items():
        if frame is not None:
            write_atomically(folder / f"{table}.csv", frame.to_csv(index=False, lineterminator="\n"))
    write_atomically(folder / f"{name}.json", json_text(result, indent=1) + "\n")
    for file, market in markets.items():
        write_atomically(folder / file, tomli_w.dumps(dict(market)))
    return folder


def over_time(steps: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    """A frame of `Backtest.series` from values (n_paths, n_steps)."""
    n = len(values)
    error = values.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(values.shape[1], np.nan)
    quantiles = {f"q{q:g}": row for q, row in zip(QUANTILES, np.quantile(values, QUANTILES, axis=0), strict=True)}
    return pd.DataFrame({"step": steps, "mean": values.mean(axis=0), "standard_error": error, **quantiles})


def records_of(frame: pd.DataFrame | None) -> list[dict[str, Any]] | None:
    """The rows of a frame as plain values, its index among them."""
    return None if frame is None else [dict(row) for row in frame.reset_index().to_dict("records")]


def _flat(frame: pd.DataFrame | None) -> pd.DataFrame | None:
    return None if frame is None else frame.reset_index()


def _wide(table: pd.DataFrame, measures: Mapping[str, str], columns: Mapping[str, str]) -> pd.DataFrame:
    """Some columns of some measures side by side, named by measure and ending."""
    rows = {label: table.xs(measure, level="name") for label, measure in measures.items()}
    return pd.DataFrame({f"{k}{end}": row[column] for k, row in rows.items() for end, column in columns.items()})
