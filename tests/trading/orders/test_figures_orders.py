"""Figures of a backtest of orders show what they are given, with labels and legends inside their edges."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simcal import trading
from simcal.errors import ParameterError
from simcal.report import write_report
from simcal.trading.orders import report

DRAW: Any = {
    "drawdowns": report.plot_drawdowns, "distributions": report.plot_distributions, "impact": report.plot_impact,
    "capacity": report.plot_capacity, "law": lambda result: report.plot_impact_law(result.impact_law),
}  # fmt: skip


@pytest.fixture(scope="module")
def result() -> Any:
    return trading.backtest(
        "metaorder", "stock-sp500", n_paths=60, n_steps=40, burn_in=60, size=0.5, sizes=[0.1, 1, 10]
    )


@pytest.fixture(scope="module")
def drawings(result):
    return {name: draw(result) for name, draw in DRAW.items()}


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_has_a_title_labels_and_a_legend_inside_its_edges(drawings, name):
    axes = list(np.asarray(drawings[name], dtype=object).flat)
    figure = axes[0].get_figure(root=True)
    assert figure.get_suptitle()
    assert all(ax.get_ylabel() for ax in axes)
    assert axes[-1].get_xlabel()
    assert all(text.get_text() for legend in figure.legends for text in legend.get_texts())
    assert figure.legends
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    box = figure.get_tightbbox()
    assert min(box.x0, box.y0) > -0.02
    assert box.x1 < width + 0.02
    assert box.y1 < height + 0.02


def line(ax, label):
    (found,) = [one for one in ax.get_lines() if str(one.get_label()).startswith(label)]
    return found


def test_lines_are_the_numbers_that_were_given(result, drawings):
    np.testing.assert_array_equal(
        line(drawings["impact"][0, 0], "mean, 95 % band").get_ydata(), result.impact["mean"]
    )  # fmt: skip
    curve = result.capacity_curve()
    np.testing.assert_array_equal(line(drawings["capacity"][0, 0], "with impact").get_ydata(), curve["pnl"])
    np.testing.assert_array_equal(line(drawings["capacity"][1, 0], "replayed").get_ydata(), curve["sharpe_replayed"])
    fitted = line(drawings["law"][0, 0], "fitted exponent")
    slopes = np.diff(np.log(fitted.get_ydata())) / np.diff(np.log(fitted.get_xdata()))
    np.testing.assert_allclose(slopes, result.impact_law.by_speed.value)
    drawn = line(drawings["drawdowns"][0, 0], "replayed, mean").get_ydata()
    np.testing.assert_array_equal(drawn, -result.series["replayed_drawdown"]["mean"])


def test_what_is_not_finite_or_does_not_vary_is_drawn_without_a_warning(result):
    frame = pd.DataFrame({"pnl": [np.nan, 1.0, 1.0], "sharpe": 3 * [np.nan]})
    grid = report.plot_distributions(replace(result, paths=frame, replayed_paths=None))
    assert sum(bar.get_height() > 0 for bar in grid[0, 0].patches) == 1
    assert not grid[0, 1].patches


def test_impacts_that_are_not_above_zero_leave_the_log_log_panel_empty(result):
    curve = pd.DataFrame({"size": [1.0, 2.0], "impact": [0.0, -1.0], "low": [0.0, -1.0], "high": [0.0, 0.0]})
    over_time = pd.DataFrame({"size": [1.0, 1.0, 2.0, 2.0], "step": [0, 1, 0, 1], "mean": [0.0, 0.0, 0.0, -1.0]})
    grid = report.plot_impact_law(replace(result.impact_law, curve=curve, over_time=over_time))
    assert not grid[0, 0].get_lines()


def test_a_frame_without_its_columns_is_told(result):
    with pytest.raises(ParameterError, match="lacks the columns step"):
        report.plot_drawdowns(replace(result, series=dict(result.series, drawdown=pd.DataFrame({"x": [1.0]}))))


def test_the_report_says_what_came_out(result, tmp_path):
    path = write_report(result, tmp_path / "report.html")
    page = path.read_text()
    earns = result.capacity_curve()["pnl"].max() > 0
    for words in ("to the power", "Real metaorders show about 0.5", "Of these sizes" if earns else "No size earns"):
        assert words in page
