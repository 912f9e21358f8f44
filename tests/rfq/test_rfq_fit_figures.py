"""Figures of a fit to requests draw what they are given, and refuse tables that lack a column."""

import numpy as np
import pandas as pd
import pytest

from simcal.errors import ParameterError
from simcal.rfq.figures_fit import plot_ends_fit, plot_estimates, plot_identification

ESTIMATES = pd.DataFrame(
    {
        "parameter": ["a", "a", "b", "b", "b", "c", "d"],
        "method": ["one", "two", "one", "two", "two", "two", "two"],
        "estimate": [1.0, 1.2, 2.0, 2.1, 2.3, 0.5, 0.6],
        "standard error": [0.1, 0.2, 0.1, np.nan, 0.1, 0.1, 0.1],
    }
)


def test_every_parameter_has_a_panel_with_a_point_per_estimate():
    grid = plot_estimates(ESTIMATES, truth={"a": 1.1}, units={"a": "half spreads"})
    assert grid.shape == (2, 3)
    assert [panel.get_title(loc="left") for panel in grid.flat[:4]] == ["a", "b", "c", "d"]
    assert [panel.get_visible() for panel in grid.flat] == [True] * 4 + [False] * 2
    points = [line for line in grid[0, 1].lines if line.get_marker() == "o"]
    np.testing.assert_allclose(np.concatenate([p.get_ydata() for p in points]), [2.0, 2.1, 2.3])
    assert "half spreads" in grid[0, 0].get_ylabel()


def test_ends_are_points_on_bands():
    ends = pd.DataFrame({"end": ["done"] * 3 + ["not traded"] * 3, "margin": [0.0, 0.5, 1.0] * 2, "data": 0.3})
    ends = ends.assign(low=0.2, high=0.5)
    grid = plot_ends_fit(ends)
    assert grid.shape == (1, 2)
    np.testing.assert_allclose(grid[0, 1].lines[1].get_ydata(), 0.3)


def test_ways_of_seeing_without_standard_errors_are_not_drawn():
    table = pd.DataFrame({"what is seen": ["little", "much"], "a": [np.nan, 0.1], "b": [np.nan, 0.2]})
    ax = plot_identification(table, ["a", "b"])
    assert len(ax.lines) == 1
    assert ax.get_yscale() == "log"


def test_missing_columns_are_refused_by_a_sentence():
    with pytest.raises(ParameterError, match="lacks the columns standard error"):
        plot_estimates(ESTIMATES.drop(columns="standard error"))
