"""Figures of a backtest show what they are given, with labels and legends; the report holds them all."""

import re
from dataclasses import replace

import numpy as np
import pytest

from simcal import report
from simcal.rfq import RfqMarket, figures_backtest, request_table, shift_history
from simcal.trading import backtest

WALK = RfqMarket(mid_law="walk", mid_volatility=0.01)


@pytest.fixture(scope="module")
def result():
    return backtest("optimal", WALK, n_paths=60, n_steps=40, shifts=[-0.2, 0.2])


@pytest.fixture(scope="module")
def drawings(result):
    names = (result.strategy, result.baseline)
    curve = result.shift_curve()
    return {
        "fan": report.plot_profit_fan(
            result.series["pnl"], result.series["baseline_pnl"], result.series["difference"], names=names
        ),
        "fan alone": report.plot_profit_fan(result.series["pnl"]),
        "inventory": figures_backtest.plot_inventory(
            result.series["inventory"], result.paths["last_inventory"], result.baseline_paths["last_inventory"]
        ),
        "inventory alone": figures_backtest.plot_inventory(result.series["inventory"], result.paths["last_inventory"]),
        "shifts": figures_backtest.plot_shifted_margins(curve),
        "frontier": figures_backtest.plot_profit_frontier(curve, points={"own": (0.1, 0.2)}),
    }


@pytest.mark.parametrize("name", ["fan", "fan alone", "inventory", "inventory alone", "shifts", "frontier"])
def test_a_figure_has_a_title_labels_and_a_legend_inside_its_edges(drawings, name):
    axes = list(np.atleast_1d(np.asarray(drawings[name], dtype=object)).flat)
    figure = axes[0].get_figure(root=True)
    assert figure.get_suptitle() or axes[0].get_title("left")
    assert all(ax.get_ylabel() for ax in axes)
    assert axes[-1].get_xlabel()
    assert figure.legends
    assert all(text.get_text() for legend in figure.legends for text in legend.get_texts())
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    box = figure.get_tightbbox()
    assert min(box.x0, box.y0) > -0.02
    assert box.x1 < width + 0.02
    assert box.y1 < height + 0.02


def line(ax, label):
    (found,) = [one for one in ax.get_lines() if one.get_label() == label]
    return found


def test_the_fan_draws_the_means_and_the_difference(drawings, result):
    top, lower = drawings["fan"][:, 0]
    np.testing.assert_array_equal(line(top, "optimal, mean").get_ydata(), result.series["pnl"]["mean"])
    np.testing.assert_array_equal(line(top, "own, mean").get_ydata(), result.series["baseline_pnl"]["mean"])
    drawn = line(lower, "mean difference, 95 % band").get_ydata()
    np.testing.assert_allclose(drawn, result.series["pnl"]["mean"] - result.series["baseline_pnl"]["mean"])


def test_the_shifts_draw_profit_and_hit_ratio(drawings, result):
    top, lower = drawings["shifts"][:, 0]
    curve = result.shift_curve()
    np.testing.assert_array_equal(line(top, "profit").get_ydata(), curve["profit"])
    np.testing.assert_array_equal(line(lower, "hit ratio").get_ydata(), curve["hit_ratio"])
    assert curve["hit_ratio"].is_monotonic_decreasing


def test_the_report_holds_numbers_and_figures_and_needs_no_network(result, tmp_path):
    history = shift_history(request_table(WALK, 500), WALK, [-0.1, 0.0, 0.1])
    whole = replace(result.page(), sections=[*result.page().sections, *history.sections()])
    page = report.write_report(whole, tmp_path / "report.html").read_text()
    for words in (
        "Backtest of the strategy optimal", "expected shortfall", "Your own requests", "half_spread",
        "expected move of the mid", "Shifts in half spreads, profit in price × units",
    ):  # fmt: skip
        assert words in page
    assert page.count("data:image/") == 5
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:|#)", page)
