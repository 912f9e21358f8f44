"""The figures of what dealers measure can be read, and show what they were given."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from simcal.errors import ParameterError
from simcal.report import embed_figure
from simcal.rfq import figures as report

X = np.linspace(-1.0, 2.0, 12)
HIT = 1 / (1 + np.exp(3 * X))
CURVE = pd.DataFrame(
    {"margin": X, "margin_low": X - 0.1, "margin_high": X + 0.1, "hit_ratio": HIT, "low": HIT * 0.9, "high": HIT * 1.05}
)
ENDS = pd.DataFrame(
    {"margin": X, "done": HIT, "traded_away": 0.6 * (1 - HIT), "not_traded": 0.3 * (1 - HIT), "lost": 0.1 * (1 - HIT)}
)
GROUPS = pd.DataFrame(
    {
        "by": ["side", "side", "client_tier"],
        "group": ["client buys", "client sells", "a name of a client tier that is far too long"],
        "n": [1200, 1300, 7],
        "hit_ratio": [0.2, 0.3, 0.1],
        "low": [0.15, 0.2, 0.0],
        "high": [0.25, 0.4, 0.9],
        "expected": [0.2, 0.2, 0.25],
    }
)
OUTS = pd.DataFrame(
    {
        "horizon": ["1m", "1m", "1d", "1d"],
        "requests": ["done", "not done"] * 2,
        "mark_out": [-0.1, 0.0, -0.3, np.nan],
        "low": [-0.2, -0.1, -0.6, np.nan],
        "high": [0.0, 0.1, 0.0, np.nan],
        "margin_left": [0.3, np.nan, 0.1, np.nan],
    }
)
RNG = np.random.default_rng(0)
STEPS = RNG.normal(size=(400, 2)).cumsum(axis=0)
PROFIT = pd.DataFrame(
    {"cumulative_spread": STEPS[:, 0], "cumulative_carry": STEPS[:, 1], "cumulative_total": STEPS.sum(axis=1)}
)
TIMES = pd.date_range("2024-01-01", periods=400, freq="h")


def drawings() -> dict:
    return {
        "hit curve": report.plot_hit_curve(CURVE),
        "hit curve and models": report.plot_hit_curve(CURVE, {"fitted": (X, HIT), "optimal": (X, HIT**2)}),
        "hit ratios": report.plot_hit_ratios(GROUPS),
        "ends": report.plot_request_ends(ENDS),
        "ends of many bins": report.plot_request_ends(pd.concat([ENDS] * 2)),
        "distances": report.plot_quote_distances(RNG.exponential(size=500), RNG.exponential(size=900)),
        "one distance": report.plot_quote_distances(RNG.exponential(size=500)),
        "equal distances": report.plot_quote_distances(None, np.ones(5)),
        "mark-outs": report.plot_mark_outs(OUTS),
        "profit": report.plot_profit_sources(PROFIT),
        "profit over time": report.plot_profit_sources(PROFIT, times=TIMES),
        "inventory": report.plot_inventory_path(STEPS[:, 0]),
        "inventory over time": report.plot_inventory_path(STEPS[:, 0], times=TIMES),
    }


DRAWINGS = drawings()


def panels(drawing):
    return list(np.atleast_1d(np.asarray(drawing, dtype=object)).flat)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_has_a_title_named_axes_and_a_legend(name):
    axes = panels(DRAWINGS[name])
    figure = axes[0].get_figure(root=True)
    assert axes[0].get_title("left")
    assert all(ax.get_xlabel() for ax in axes)
    assert all(ax.get_ylabel() or [tick for tick in ax.get_yticklabels() if tick.get_text()] for ax in axes)
    legends = [*figure.legends, *(ax.get_legend() for ax in axes if ax.get_legend())]
    assert legends
    assert all(text.get_text() for legend in legends for text in legend.get_texts())


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_text_is_cut_off_by_the_edge_of_the_figure(name):
    figure = panels(DRAWINGS[name])[0].get_figure(root=True)
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 > -0.02
    assert box.y0 > -0.02
    assert box.x1 < width + 0.02
    assert box.y1 < height + 0.02


@pytest.mark.parametrize("days", [0.0, 1e-4, 0.3, 3, 40, 140, 800, 9000])
def test_times_do_not_overlap(days):
    times = pd.Timestamp("2023-12-20 09:00") + pd.to_timedelta(np.linspace(0, days, 400), unit="D")
    ax = report.plot_profit_sources(PROFIT, times=pd.DatetimeIndex(times))
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels() if label.get_visible() and label.get_text()]
    boxes.sort(key=lambda box: box.x0)
    assert len(boxes) >= (days > 0)
    assert all(left.x1 + 2 < right.x0 for left, right in itertools.pairwise(boxes))


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_can_stand_in_a_report(name):
    assert embed_figure(DRAWINGS[name]).startswith("data:image/")


def test_the_hit_curve_shows_ratios_intervals_and_models():
    ax = report.plot_hit_curve(CURVE, {"fitted": (X, HIT)})
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()].count("fitted") == 1
    bars = ax.containers[-1]
    assert np.allclose(bars.lines[0].get_xydata(), np.stack([X, HIT], axis=1))
    ends = np.array([segment[:, 1] for segment in bars.lines[2][0].get_segments()])
    assert np.allclose(ends, CURVE[["low", "high"]])


def test_stacked_ends_reach_one():
    ax = report.plot_request_ends(ENDS)
    assert len(ax.containers) == 4
    assert np.allclose([bar.get_y() + bar.get_height() for bar in ax.containers[-1]], 1.0)
    assert len(report.plot_request_ends(ENDS.assign(lost=0.0)).containers) == 3


def test_histograms_of_distances_add_up_to_what_they_show():
    values = RNG.exponential(size=1000)
    grid = report.plot_quote_distances(values)
    assert sum(bar.get_height() for bar in grid[0, 0].containers[0]) == pytest.approx(0.99, abs=0.002)
    assert grid[0, 0].get_lines()[1].get_xdata()[0] == pytest.approx(values.mean())


def test_given_axes_are_used_and_returned():
    ax = Figure().subplots()
    assert report.plot_mark_outs(OUTS, ax=ax) is ax
    grid = Figure().subplots(1, 2)
    assert report.plot_quote_distances([1.0, 2.0], [3.0, 4.0], axes=grid)[0, 1] is grid[1]


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ParameterError, match="lacks the columns low"):
        report.plot_hit_curve(CURVE.drop(columns="low"))
    with pytest.raises(ParameterError, match="no distances"):
        report.plot_quote_distances(None, [])
    with pytest.raises(ParameterError, match="no mark-outs"):
        report.plot_mark_outs(OUTS.iloc[:0])
    with pytest.raises(ParameterError, match="3 times were given for 400 requests"):
        report.plot_profit_sources(PROFIT, times=TIMES[:3])
