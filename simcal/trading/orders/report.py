"""What a report shows of a backtest of orders: its sections, each with tables and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, PercentFormatter, SymmetricalLogLocator

from simcal.report import (
    Picture,
    Section,
    Table,
    banded,
    cells,
    draw_band,
    draw_compared,
    draw_fan,
    draw_histograms,
    draw_zero,
    format_number,
    plot_profit_fan,
    span,
)
from simcal.report.shapes import BASELINE, finite
from simcal.report.style import GAUSSIAN, OTHERS, SIMULATED, house_style, name_grid, new_grid
from simcal.trading.orders.bench import MONEY

if TYPE_CHECKING:
    from simcal.trading.orders.impact import ImpactLaw
    from simcal.trading.result import Backtest

REPLAYED = "replayed"


def sections(backtest: Backtest) -> list[Section]:
    """What came out, profit, drawdowns, impact, and where they are asked for capacity and the law of impact."""
    found = [_result(backtest)]
    if backtest.together is not None:
        shown = backtest.together.loc[(slice(None), ["pnl", "sharpe", "max_drawdown", "turnover"]), :].reset_index()
        columns = ["strategy", "measure", "unit", "value", "low", "high", REPLAYED, "impact"]
        prose = ["They traded in the same market at the same time; the other sections are those of the first."]
        found.append(Section("All strategies", prose, [Table(shown[columns])]))
    found += [_profit(backtest), Section("Drawdowns", figures=[Picture(plot_drawdowns(backtest))]), _impact(backtest)]
    if backtest.capacity is not None:
        found.append(_capacity(backtest))
    if backtest.impact_law is not None:
        found.append(_law(backtest.impact_law))
    return found


def key_numbers(backtest: Backtest) -> dict[str, Any]:
    """What stands at the top."""
    summary = backtest.summary
    return {
        "P&L per path": cells(banded, summary.loc[["pnl"]], "value", "low", "high")[0],
        "of it the orders' own impact": cells(banded, summary.loc[["pnl"]], "impact", "impact_low", "impact_high")[0],
        "Sharpe ratio": cells(banded, summary.loc[["sharpe"]], "value", "low", "high")[0],
        "P(Sharpe < 0)": f"{backtest['sharpe_below_zero']:.1%}",
    }


def _result(backtest: Backtest) -> Section:
    s = backtest.settings
    prose = [
        f"{s['n_paths']} paths of {s['n_steps']} steps, after {s['burn_in']} steps that the strategy saw without "
        f"trading. Values are means over paths with normal {100 * s['level']:g} % bands; standard deviation, value at "
        "risk and expected shortfall of P&L are over the paths, with bands from a bootstrap over paths. Ratios, "
        "drawdowns and turnover are of each path, on a capital of one unit at its first price.",
        "Replayed is the same strategy, on the same noise, where prices do not notice its orders: what a backtest on "
        "recorded prices reports. Impact is the difference to it, path by path, so that it is exact.",
        *backtest.notes,
    ]
    tables = [Table(_beside(backtest.summary, REPLAYED, "impact"), "With impact, and replayed without.")]
    if backtest.baseline is not None:
        prose.append(f"Difference is that to the strategy {backtest.baseline} alone in the same market, path by path.")
        beside = _beside(backtest.summary, "baseline", "difference")
        tables.append(Table(beside, f"Beside the baseline {backtest.baseline}."))
    return Section("What came out", prose, tables)


def _beside(summary: pd.DataFrame, other: str, difference: str) -> pd.DataFrame:
    """Measures beside those of another play, and the difference with its band."""
    return pd.DataFrame({
        "measure": summary["measure"], "unit": summary["unit"],
        "value": summary["value"], "band": cells(span, summary, "low", "high"),
        other: summary[other], difference: summary[difference],
        f"band of the {difference}": cells(span, summary, f"{difference}_low", f"{difference}_high"),
    })  # fmt: skip


def _profit(backtest: Backtest) -> Section:
    series, below = backtest.series, "Below: the difference, path by path on the same noise."
    figures = []
    for other, difference, name, title in (
        ("replayed_pnl", "impact_pnl", REPLAYED, "Profit with and without its own impact"),
        ("baseline_pnl", "difference", backtest.baseline, "Profit beside the baseline"),
    ):
        if name is not None:
            fan = plot_profit_fan(
                series["pnl"], series[other], series[difference], names=(backtest.strategy, name), unit=MONEY,
                period="steps", level=backtest.settings["level"], title=title,
            )  # fmt: skip
            figures.append(Picture(fan, below))
    prose = ["Profit is cash plus position at the price, costs taken off; what is held at the end is not sold."]
    return Section("Profit", prose, figures=[*figures, Picture(plot_distributions(backtest))])


@house_style()
def plot_distributions(backtest: Backtest) -> np.ndarray:
    """Histograms of profit and Sharpe ratio over the paths, with and without impact; the panels, shape (1, 2)."""
    grid = new_grid(None, 1, 2, height=3.2, share_x=False)
    other = pd.DataFrame() if backtest.replayed_paths is None else backtest.replayed_paths
    for ax, (column, label) in zip(grid[0], {"pnl": f"P&L ({MONEY})", "sharpe": "Sharpe ratio"}.items(), strict=True):
        draw_histograms(ax, {backtest.strategy: backtest.paths[column], REPLAYED: other.get(column)})
        ax.axvline(0.0, color="#1a1a1a", lw=0.6)
        ax.set(xlabel=label, ylabel="density of paths")
    return name_grid(grid, "Distribution over the paths")


@house_style()
def plot_drawdowns(backtest: Backtest) -> np.ndarray:
    """Money below the highest so far, as a fan over paths that hangs from zero; the panel, shape (1, 1)."""
    grid = new_grid(None, 1, height=3.4)
    mine, theirs = (
        frame.assign(**{column: -frame[column] for column in frame if column != "step"})
        for frame in (backtest.series["drawdown"], backtest.series["replayed_drawdown"])
    )
    draw_fan(grid[0, 0], mine, SIMULATED, backtest.strategy)
    draw_compared(grid[0, 0], theirs, REPLAYED, {"q0.975": "97.5 % of paths"})
    draw_zero(grid[0, 0])
    grid[0, 0].set(ylabel=f"below the peak\n({MONEY})", xlabel="steps")
    return name_grid(grid, "Below the highest profit so far")


def _impact(backtest: Backtest) -> Section:
    prose = [
        "The same paths of noise, with and without the strategy: the difference is what its orders did to the price, "
        "with all that the other traders made of them."
    ]
    return Section("Impact over time", prose, figures=[Picture(plot_impact(backtest))])


@house_style()
def plot_impact(backtest: Backtest) -> np.ndarray:
    """Log price with the strategy less that without, and below it what the strategy holds; the panels, shape (2, 1)."""
    impact, held = backtest.impact, backtest.series["position"]
    assert impact is not None
    grid = new_grid(None, 2, height=4.6, ratios=[2.2, 1.0])
    (top, lower), x = grid[:, 0], impact["step"]
    top.fill_between(x, impact["q0.025"], impact["q0.975"], color=SIMULATED, alpha=0.14, lw=0, label="95 % of paths")
    words = f"mean, {100 * backtest.settings['level']:g} % band"
    draw_band(top, x, impact, "mean", SIMULATED, words, alpha=0.4)
    top.plot(x, impact["magnitude"], color=OTHERS[3], lw=1.0, ls="--", label="mean absolute difference")
    top.set_ylabel("difference of log prices")
    top.yaxis.set_major_formatter(PercentFormatter(1.0))
    top.margins(x=0.01)
    lower.fill_between(held["step"], held["q0.025"], held["q0.975"], color=OTHERS[1], alpha=0.2, lw=0, step="pre")
    lower.plot(held["step"], held["mean"], color=OTHERS[1], label="position, mean", drawstyle="steps-pre")
    lower.set(ylabel="position\n(units)", xlabel="steps")
    for panel in grid[:, 0]:
        draw_zero(panel)
    return name_grid(grid, "Price with the strategy less that without it")


def _capacity(backtest: Backtest) -> Section:
    curve = backtest.capacity_curve()
    best = curve.loc[curve["pnl"].idxmax()]
    words = "No size earns anything."
    if best["pnl"] > 0:
        words = f"Of these sizes {best['size']:g} earns most, {banded(best['pnl'], best['pnl_low'], best['pnl_high'])}."
    shown = pd.DataFrame({
        "size": curve["size"], "P&L": curve["pnl"], "low": curve["pnl_low"], "high": curve["pnl_high"],
        REPLAYED: curve["pnl_replayed"], "P&L per trader": curve["pnl"] / curve["size"],
        "Sharpe ratio": curve["sharpe"], "Sharpe replayed": curve["sharpe_replayed"],
    })  # fmt: skip
    prose = ["The same strategy on the same noise, larger and smaller.", words]
    caption = "The axes of profit and size grow by factors; next to zero that of profit is linear."
    return Section("Capacity", prose, [Table(shown)], [Picture(plot_capacity(backtest), caption)])


@house_style()
def plot_capacity(backtest: Backtest) -> np.ndarray:
    """Profit and Sharpe ratio against size, beside what a replay says; the panels, shape (2, 1)."""
    curve, grid = backtest.capacity_curve(), new_grid(None, 2, height=4.8, ratios=[1.4, 1.0])
    for ax, name, label in zip(grid[:, 0], ("pnl", "sharpe"), (f"P&L ({MONEY})", "Sharpe ratio"), strict=True):
        draw_band(ax, curve["size"], curve, name, SIMULATED, "with impact", marker="o", ms=3.5)
        style: Any = {"color": BASELINE, "marker": "s", "ms": 3, "ls": "--"}
        ax.plot(curve["size"], curve[f"{name}_replayed"], label="replayed: prices do not notice", **style)
        draw_zero(ax)
        ax.set_ylabel(label)
    # Profits of small and large sizes differ by decades, on both sides of zero.
    amounts = np.abs(finite(curve[["pnl", "pnl_replayed"]]))
    edge = 10.0 ** np.floor(np.log10(amounts[amounts > 0].min(initial=np.inf) if (amounts > 0).any() else 1.0))
    profit = grid[0, 0]
    profit.set_yscale("symlog", linthresh=edge, linscale=0.4)
    profit.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=edge))
    profit.yaxis.get_major_locator().set_params(numticks=8)
    profit.yaxis.set_major_formatter(FuncFormatter(lambda v, _: "" if 0 < abs(v) < 1.01 * edge else f"{v:g}"))
    grid[1, 0].set(xscale="log", xlabel="size of a unit (traders)")
    return name_grid(grid, "Capacity")


def _law(law: ImpactLaw) -> Section:
    table = law.curve.drop(columns=["standard_error", "left_standard_error"])
    prose = [
        f"A metaorder of each size, bought in {law.duration} equal parts. Is its impact the square root of its size?",
        *law.summary(),
    ]
    caption = f"Log price difference when the last part is bought, and what is left {law.after} steps later."
    shown = Table(table.rename(columns=lambda name: str(name).replace("_", " ")), caption, digits=4)
    return Section("Impact against size", prose, [shown], [Picture(plot_impact_law(law))])


@house_style()
def plot_impact_law(law: ImpactLaw) -> np.ndarray:
    """Impact of metaorders against their size, log-log, and over time, per trader; the panels, shape (1, 2).

    Over time are the smallest, a middle and the largest size.
    """
    grid = new_grid(None, 1, 2, height=3.6, share_x=False)
    left, right = grid[0]
    x, y, low, high = (np.asarray(law.curve[name], float) for name in ("size", "impact", "low", "high"))
    x, y, low, high = (values[y > 0] for values in (x, y, low, high))
    if x.size:
        reach = np.stack([np.minimum(y - low, 0.999 * y), high - y])
        left.errorbar(x, y, reach, color=SIMULATED, marker="o", ms=4, ls="", elinewidth=0.9, label="impact")
        middle, centre, slope = np.exp(np.log(x).mean()), np.exp(np.log(y).mean()), law.by_speed
        words = f"fitted exponent {format_number(slope.value)} ± {format_number(slope.standard_error, 1)}"
        left.plot(x, centre * (x / middle) ** slope.value, color=SIMULATED, lw=1.2, label=words)
        left.plot(x, centre * (x / middle) ** 0.5, color=GAUSSIAN, lw=1.2, ls=":", label="square root")
        left.set(xscale="log", yscale="log")
    left.set(xlabel="size (traders)", ylabel="log price difference")
    sizes = np.unique(law.over_time["size"])
    chosen = dict.fromkeys(float(sizes[i]) for i in (0, sizes.size // 2, sizes.size - 1))
    for size, colour, style in zip(chosen, (OTHERS[1], OTHERS[2], OTHERS[0]), ("-", "--", ":"), strict=False):
        one = law.over_time[law.over_time["size"] == size]
        right.plot(one["step"], one["mean"] / size, color=colour, ls=style, lw=1.4, label=f"size {size:g}")
    right.axvspan(0, law.duration, color="#dddddd", alpha=0.5, lw=0, label="while it is bought")
    draw_zero(right)
    right.set(xlabel="steps", ylabel="log price difference\nper trader")
    return name_grid(grid, "Impact of a metaorder against its size")
