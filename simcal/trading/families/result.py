"""What the backtest of a family leaves: its tables, and its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from simcal.trading.result import records_of, save_result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simcal.report import Page, Section

CALIBRATED, HELD_OUT = "calibrated", "held-out"
"""The places that every report speaks of: the calibrated markets together, and the prices that judge them."""


@dataclass(frozen=True, eq=False)
class FamilyBacktest:
    """A family of strategies on calibrated markets and, where prices were given, on held-out ones.

    Parameters
    ----------
    table
        A row per strategy, the best first: mean ``sharpe`` a year over all markets with its band ``low``, ``high``
        (over markets by Student's law, of a single market over its paths), ``path_low`` and ``path_high`` (95 % of
        paths), the variances ``within`` and ``between`` markets, ``below_zero``, the probability of a Sharpe ratio
        below 0 on a path, ``max_drawdown`` and ``max_drawdown_high`` (mean and 97.5 % quantile, of capital),
        ``turnover`` (capital a year), ``deflated`` (mean deflated Sharpe ratio), and for ``training`` and ``held_out``
        prices the Sharpe ratio with its band over time, ``_deflated`` and ``_max_drawdown``.
    agreement
        Whether places rank the family as held-out prices do, a row per place and statistic; None without prices. See
        `simcal.trading.families.places.agreement_table`.
    selection
        What the choice of the best strategy is worth, a row per place; see
        `simcal.trading.families.places.selection_table`.
    places
        Mean Sharpe ratio a year with its band ``low``, ``high``, a row per place and strategy.
    measures
        The columns of `simcal.trading.records.over_markets`, a row per strategy and measure.
    paths
        A row per place, strategy and path: columns of `simcal.trading.records.path_measures`, ``deflated``.
    markets
        As plain values, by name.
    settings
        Numbers of paths and steps, seed, size, costs, data.
    notes
        Sentences that a reader of the numbers should know.
    """

    table: pd.DataFrame
    agreement: pd.DataFrame | None = field(repr=False)
    selection: pd.DataFrame = field(repr=False)
    places: pd.DataFrame = field(repr=False)
    measures: pd.DataFrame = field(repr=False)
    paths: pd.DataFrame = field(repr=False)
    markets: Mapping[str, Any] = field(repr=False)
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """What the family showed, in sentences."""
        from simcal.trading.families.report import verdict

        said = () if self.agreement is None else (verdict(self.agreement),)
        return "\n".join([*said, *self.notes])

    def sections(self) -> list[Section]:
        """What a report shows of the family."""
        from simcal.trading.families.report import sections

        return sections(self)

    def plot(self, heading: str = "Strategies", number: int = 0) -> Figure:
        """One figure of the report: the section's heading, and which of its figures."""
        from simcal.report import figure_in

        return figure_in(self.sections(), heading, number)

    def page(self) -> Page:
        """The report: the sections, and the main numbers on top."""
        from simcal.trading.families.report import page_of

        return page_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: everything but the paths and the measures in full."""
        return {
            "settings": dict(self.settings),
            "strategies": records_of(self.table),
            "agreement": records_of(self.agreement),
            "selection": records_of(self.selection),
            "notes": list(self.notes),
            "markets": {name: dict(market) for name, market in self.markets.items()},
        }

    def save(self, folder: str | Path) -> Path:
        """Write a folder: ``family.json``, ``strategies.csv``, ``selection.csv``, and what else there is.

        ``agreement.csv``, ``places.csv``, ``measures.csv``, ``paths.csv`` and ``markets/NAME.toml``. Returns its path;
        `DataError` where it cannot be written.
        """
        frames = {
            "strategies": self.table, "selection": self.selection, "places": self.places, "measures": self.measures,
            "agreement": self.agreement,
        }  # fmt: skip
        flat = {name: None if frame is None else frame.reset_index() for name, frame in frames.items()}
        markets = {f"markets/{_file_name(name)}.toml": market for name, market in self.markets.items() if market}
        return save_result(folder, "family", self.to_dict(), flat | {"paths": self.paths}, markets)


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
