"""Figures of solved markets draw the numbers they were given."""

import numpy as np
import pytest

from simcal.equilibrium.figures import plot_agents_over_time, plot_over_time
from simcal.report import embed_figure

TIME = np.linspace(0, 1, 6)
RANDOM = np.random.default_rng(0)


def test_line_is_the_mean_and_band_the_middle_ninety_percent():
    values = RANDOM.normal(size=(400, 6))
    ax = plot_over_time(TIME, {"one": values, "two": values + 1}, quantity="mu", path=3)
    mean, path, second, _ = ax.get_lines()
    np.testing.assert_allclose(mean.get_ydata(), values.mean(axis=0))
    np.testing.assert_allclose(path.get_ydata(), values[3])
    np.testing.assert_allclose(second.get_ydata(), values.mean(axis=0) + 1)
    assert (mean.get_linestyle(), second.get_linestyle()) == ("-", "--")
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(np.quantile(values, 0.05, axis=0).min())
    assert band[:, 1].max() == pytest.approx(np.quantile(values, 0.95, axis=0).max())
    assert ax.get_ylabel() == "mu"


def test_what_depends_on_time_only_has_no_band():
    ax = plot_over_time(TIME, {"one": TIME**2}, path=0)
    assert len(ax.get_lines()) == 1
    assert not ax.collections


def test_agents_that_vary_most_are_drawn_on_the_same_path():
    values = RANDOM.normal(size=(50, 6, 4)) * [1.0, 5.0, 0.1, 3.0]
    grid = plot_agents_over_time(TIME, {"one": values, "two": 2 * values}, quantity="rate", path=7)
    assert [panel.get_ylabel() for panel in grid[:, 0]] == ["rate\nof agent 2", "rate\nof agent 4"]
    _, first, second = grid[1, 0].get_lines()
    np.testing.assert_allclose(first.get_ydata(), values[7, :, 3])
    np.testing.assert_allclose(second.get_ydata(), 2 * values[7, :, 3])
    assert len(plot_agents_over_time(TIME, {"one": values}, agents=[0, 1, 2])) == 3


def test_residuals_that_are_zero_are_left_out():
    ax = plot_over_time(TIME, {"one": [0.1, 0.0, 0.3, 0.4, 0.5, 0.6]}, logarithmic=True)
    (line,) = ax.get_lines()
    assert np.isnan(line.get_ydata()[1])
    assert ax.get_yscale() == "log"
    assert embed_figure(ax).startswith("data:image/svg")
