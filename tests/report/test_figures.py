"""Every figure can be read: it has a title, named axes with units, and a legend; and it shows what it was given."""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simcal import report
from simcal.errors import ParameterError

sys.path.insert(0, str(Path(__file__).parent))
import report_sample as sample

DRAWINGS = sample.drawings()


def panels(drawing) -> list[Axes]:
    return [ax for ax in np.atleast_1d(np.asarray(drawing, dtype=object)).flat if ax.get_visible()]


def root(drawing) -> Figure:
    return panels(drawing)[0].get_figure(root=True)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_has_a_title_labels_and_a_legend(name):
    axes = panels(DRAWINGS[name])
    figure = root(DRAWINGS[name])
    assert figure.get_suptitle() or axes[0].get_title("left")
    assert all(ax.get_ylabel() or [tick for tick in ax.get_yticklabels() if tick.get_text()] for ax in axes)
    assert any(ax.get_xlabel() for ax in axes)
    legends = [*figure.legends, *(ax.get_legend() for ax in axes if ax.get_legend())]
    assert legends
    assert all(text.get_text() for legend in legends for text in legend.get_texts())


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_text_is_cut_off_by_the_edge_of_the_figure(name):
    figure = root(DRAWINGS[name])
    figure.draw_without_rendering()
    width, height = figure.get_size_inches()
    box = figure.get_tightbbox()
    assert box.x0 > -0.02
    assert box.y0 > -0.02
    assert box.x1 < width + 0.02
    assert box.y1 < height + 0.02


def test_figures_leave_no_global_state_behind():
    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    sample.drawings()
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def test_given_axes_are_used_and_returned():
    ax = Figure().subplots()
    assert report.plot_ladder(sample.ladder(), ax=ax) is ax
    grid = Figure().subplots(2, 1)
    price = sample.prices(sample.returns(1)[0])
    assert report.plot_same_noise(price, price, axes=grid)[0, 0] is grid[0]


def test_every_path_of_the_price_figure_starts_at_100():
    paths = sample.prices(sample.returns(20)) * np.linspace(1, 9, 20)[:, None]
    ax = report.plot_price_paths(paths, 7.0 * paths[0])
    assert {round(float(line.get_ydata()[0]), 9) for line in ax.get_lines()} == {100.0}


def test_the_tail_figure_shows_the_exact_gaussian_tail():
    ax = report.plot_tails(sample.returns(1)[0], sample.returns(20))
    line = next(line for line in ax.get_lines() if line.get_label() == "Gaussian")
    assert np.interp(1.959964, line.get_xdata(), line.get_ydata()) == pytest.approx(0.05, rel=2e-3)


def test_the_points_of_the_tail_figure_are_the_order_statistics():
    r = sample.returns(1)[0]
    ax = report.plot_tails(r, sample.returns(20))
    points = next(line for line in ax.get_lines() if line.get_label() == "real")
    z = np.abs(r - r.mean()) / r.std()
    np.testing.assert_allclose(points.get_xdata(), np.sort(z), rtol=1e-12)
    shares = [np.mean(z >= x) for x in points.get_xdata()]
    np.testing.assert_allclose(points.get_ydata(), np.array(shares) - 0.5 / r.size, atol=1e-12)


def test_the_autocorrelation_figure_shows_lag_one_as_defined():
    r = sample.returns(1)[0]
    ax = report.plot_autocorrelation(r, sample.returns(20), of="returns", max_lag=30)
    points = next(line for line in ax.get_lines() if line.get_label() == "real")
    centred = r - r.mean()
    assert points.get_ydata()[0] == pytest.approx(np.sum(centred[1:] * centred[:-1]) / np.sum(centred**2), rel=1e-9)
    np.testing.assert_array_equal(points.get_xdata(), np.arange(1, 31))


def test_a_fact_outside_its_band_is_drawn_as_failing():
    table = sample.facts().assign(simulated=lambda t: t["data"])
    table.loc[2, "simulated"] = table.loc[2, "high"] + 0.01
    ax = report.plot_fact_bands(table)
    crosses = [line for line in ax.get_lines() if line.get_marker() == "X"]
    assert [float(line.get_ydata()[0]) for line in crosses] == [2.0]


def test_facts_that_are_missing_do_not_stop_the_figure():
    table = sample.facts()
    table.loc[1, ["data", "low", "high", "simulated"]] = np.nan
    texts = [text.get_text() for text in report.plot_fact_bands(table).texts]
    assert "n/a  |  n/a" in texts


def test_twenty_starts_share_one_entry_of_the_legend():
    grid = report.plot_parameters(sample.history(20), ["b", "c"])
    legend = root(grid).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["estimate"]
    assert len(grid[0, 0].get_lines()) == 20


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ParameterError, match="lacks the columns forest_low"):
        report.plot_ladder(sample.ladder().drop(columns="forest_low"))
    with pytest.raises(ParameterError, match="5 dates were given for 1001 prices"):
        report.plot_price_paths(sample.prices(sample.returns(2)), dates=sample.DATES[:5])
    with pytest.raises(ParameterError, match="at least one series"):
        report.plot_log_returns({})


def test_root_mean_squares_are_in_units_of_the_bound():
    errors, bound = sample.errors()
    ours = errors[errors["recipe"] == "ours"].drop(columns="recipe")
    ax = report.plot_errors_against_bound(ours, bound)
    heights = [path.vertices[0, 1] for lines in ax.collections[3:] for path in lines.get_paths()]
    expected = [np.sqrt(np.mean((ours[name] / scale) ** 2)) for name, scale in bound.items()]
    np.testing.assert_allclose(heights, expected, rtol=1e-12)
