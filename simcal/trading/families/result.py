"""What the backtest of a family leaves: its tables, and its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import tomli_w

from simcal.files import make_folder, write_atomically
from simcal.json_text import json_text


@dataclass(frozen=True, eq=False)
class FamilyBacktest:
    """A family of strategies on calibrated markets and, where prices were given, on held-out ones.

    Main attributes
    ---------------
    table
        A row per strategy, the best first: mean ``sharpe`` a year over all markets with its band ``low``, ``high``
        (over markets by Student's law, of a single market over its paths), ``path_low`` and ``path_high`` (95 % of
        paths), the variances ``within`` and ``between`` markets, ``below_zero``, the probability of a Sharpe ratio
        below 0 on a path, ``max_drawdown`` and ``max_drawdown_high`` (mean and 97.5 % quantile, of capital),
        ``turnover`` (capital a year), ``deflated`` (mean deflated Sharpe ratio), and for ``training`` and ``held_out``
        prices the Sharpe ratio with its band over time, ``_deflated`` and ``_max_drawdown``.
    agreement
        Whether places rank the family as held-out prices do, a row per place and statistic; None without prices. See
        `simcal.trading.families.ranking.agreement_table`.
    selection
        What the choice of the best strategy is worth, a row per place; see
        `simcal.trading.families.tables.selection_table`.

    Other attributes
    ----------------
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values: everything but the paths and the measures in full."""
        return {
            "settings": dict(self.settings),
            "strategies": self.table.reset_index().to_dict("records"),
            "agreement": None if self.agreement is None else self.agreement.reset_index().to_dict("records"),
            "selection": self.selection.reset_index().to_dict("records"),
            "notes": list(self.notes),
            "markets": {name: dict(market) for name, market in self.markets.items()},
        }

    def save(self, folder: str | Path) -> Path:
        """Write a folder: ``family.json``, ``strategies.csv``, ``selection.csv``, and what else there is.

        ``agreement.csv``, ``places.csv``, ``measures.csv``, ``paths.csv`` and ``markets/NAME.toml``. Returns its path;
        `DataError` where it cannot be written.
        """
        folder = make_folder(folder)
        frames = {
            "strategies.csv": self.table.reset_index(), "selection.csv": self.selection.reset_index(),
            "places.csv": self.places.reset_index(), "measures.csv": self.measures.reset_index(),
            "paths.csv": self.paths,
        }  # fmt: skip
        if self.agreement is not None:
            frames["agreement.csv"] = self.agreement.reset_index()
        for name, frame in frames.items():
            write_atomically(folder / name, frame.to_csv(index=False, lineterminator="\n"))
        write_atomically(folder / "family.json", json_text(self.to_dict(), indent=1) + "\n")
        for name, market in self.markets.items():
            if market:
                write_atomically(folder / "markets" / f"{_file_name(name)}.toml", tomli_w.dumps(dict(market)))
        return folder


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
