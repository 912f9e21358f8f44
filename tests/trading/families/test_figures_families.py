"""Figures of a family show the numbers that they are given."""

from typing import Any

import numpy as np
import pandas as pd

from simcal.trading.families.report import plot_family, plot_places
from simcal.trading.families.result import FamilyBacktest

NAMES = ["hold", "trend", "back"]
TABLE = pd.DataFrame(
    {
        "sharpe": [0.5, 0.1, -0.4], "low": [0.4, 0.0, -0.5], "high": [0.6, 0.2, -0.3], "path_low": [-0.2, -0.8, -1.0],
        "path_high": [1.2, 1.0, 0.2], "training": [0.3, 0.4, 0.1], "held_out": [0.7, -0.2, 0.0],
        "held_out_low": [0.0, -1.0, -0.5], "held_out_high": [1.4, 0.6, 0.5],
    },
    index=NAMES,
)  # fmt: skip


def result_of(table: pd.DataFrame, places: Any = None) -> FamilyBacktest:
    nothing = pd.DataFrame()
    return FamilyBacktest(
        table, None, nothing, nothing if places is None else places, nothing, nothing, {}, {"level": 0.95}
    )


def test_a_line_per_strategy_from_the_top():
    ax = plot_family(result_of(TABLE))
    assert [label.get_text() for label in ax.get_yticklabels()] == NAMES
    assert list(ax.get_yticks()) == [2, 1, 0]
    lines: Any = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(lines["mean in the market"].get_xdata(), TABLE["sharpe"])
    np.testing.assert_array_equal(lines["held-out prices, 95 % band"].get_xdata(), TABLE["held_out"])
    bare = plot_family(result_of(TABLE[["sharpe", "low", "high", "path_low", "path_high"]]))
    assert not any("held-out" in str(line.get_label()) for line in bare.lines)


def test_a_panel_per_place():
    frame = TABLE[["sharpe", "low", "high"]]
    places = {"market": frame, "peer": frame + 1, "third": frame, "held-out": frame.iloc[::-1] * 2}  # in another order
    judged = pd.MultiIndex.from_product([["market", "peer", "third"], ["spearman"]])
    agreement = pd.DataFrame({"value": 0.3, "low": np.nan, "high": np.nan}, index=judged)
    grid = plot_places(result_of(TABLE, pd.concat(places)), agreement)
    assert grid.shape == (2, 2)
    assert not grid[1, 1].get_visible()
    drawn = grid[0, 1].lines[0]
    np.testing.assert_array_equal(drawn.get_xdata(), frame["sharpe"] + 1)
    np.testing.assert_array_equal(drawn.get_ydata(), frame["sharpe"] * 2)
    assert grid[0, 1].get_title(loc="left") == "Spearman 0.30"
