"""What a report shows of the backtest of a family: its sections, tables in words, and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simcal.report import (
    Page,
    Picture,
    Section,
    Table,
    banded,
    cells,
    draw_zero,
    format_number,
    give_or_take,
    span,
    two_decimals,
    whole_percent,
)
from simcal.report.style import OTHERS, REAL, SIMULATED, house_style, legend_below, name_grid, new_axes, new_grid
from simcal.trading.families.result import CALIBRATED, HELD_OUT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from simcal.trading.families.result import FamilyBacktest

_PANELS = 4
_SHORT: Any = {"write": two_decimals}
_HALVED: Any = {"write": two_decimals, "sign": "\u00a0±\u00a0"}  # on one line


def page_of(result: FamilyBacktest) -> Page:
    """The report of a family."""
    s = result.settings
    words = f"On {s['n_paths']} paths of {s['n_steps']} steps of {s['n_markets']} calibrated market"
    words += "s" if s["n_markets"] > 1 else ""
    if "data" in s:
        when = f" from {s['held_out_from']} to {s['held_out_to']}" if "held_out_from" in s else ""
        words += f", and on {s['held_out_steps']} steps of {s['data']}{when}, which were held out"
    numbers: dict[str, Any] = {}
    if result.agreement is not None:
        row = result.agreement.loc[[(CALIBRATED, "spearman")]]
        numbers["rank correlation with held-out prices"] = cells(banded, row, "value", "low", "high", **_SHORT)[0]
        numbers["what a path of the market itself would reach"] = cells(two_decimals, row, "ceiling")[0]
    numbers["best in the market"] = result.table.index[0]
    luck = cells(banded, result.selection.loc[[CALIBRATED]], "pbo", "pbo_low", "pbo_high", **_SHORT)[0]
    return Page(
        f"Backtest of a family of {s['n_strategies']} strategies",
        sections(result),
        words,
        numbers | {"probability of overfitting": luck},
        {name.replace("_", " "): value for name, value in s.items()},
    )


def sections(result: FamilyBacktest) -> list[Section]:
    """Agreement with held-out prices, where there are any, luck of the choice, and the strategies."""
    judged = [] if result.agreement is None else [_agreement(result, result.agreement)]
    return [*judged, _selection(result.selection), _strategies(result)]


def _strategies(result: FamilyBacktest) -> Section:
    s, table = result.settings, result.table
    over = "over markets, by Student's law" if s["n_markets"] > 1 else "over the paths of the market"
    prose = [
        f"Sharpe ratios a year of P&L on the price of a unit. The band of the mean ({100 * s['level']:g} %) is {over}; "
        "that of held-out prices is of a bootstrap over time. Drawdown is the mean over paths of the largest, of "
        "capital. The deflated Sharpe ratio is the probability that a strategy beats the best of as many without "
        "skill.",
        *result.notes,
    ]
    words = {
        "strategy": list(table.index),
        "Sharpe": cells(give_or_take, table, "sharpe", "high", **_HALVED),
        "95 % of paths": cells(span, table, "path_low", "path_high", **_SHORT),
        "P(Sharpe < 0)": cells(whole_percent, table, "below_zero"),
        "drawdown": cells(whole_percent, table, "max_drawdown"),
        "deflated": cells(two_decimals, table, "deflated"),
    }
    if s["n_markets"] > 1:
        words["sd between markets"] = [two_decimals(value) for value in np.sqrt(table["between"].to_numpy(float))]
    if "held_out" in table:
        words["training"] = cells(two_decimals, table, "training")
        words["held out"] = cells(give_or_take, table, "held_out", "held_out_high", **_HALVED)
    return Section("Strategies", prose, [Table(pd.DataFrame(words))], [Picture(plot_family(result))])


def _agreement(result: FamilyBacktest, agreement: pd.DataFrame) -> Section:
    prose = [
        "Rank correlation of the strategies' Sharpe ratios in each place with those on held-out prices. The interval "
        "is of a bootstrap of both; by about the attenuation the value lies below what no noise would show. "
        "p, permutation takes strategies for exchangeable, and is too small where some are near copies; p, no skill is "
        "the share of martingales as wild as the held-out prices with which the place agrees at least as well. The "
        "ceiling is what one path of the place reaches with all others: how well a perfect market could rank in this "
        "time (brackets: where single paths lie).",
        verdict(agreement),
    ]
    frame, ahead = agreement.reset_index(), "first_less_this"
    p_values = {"p, permutation": "p_value", "p, no skill": "p_no_skill"}
    words = pd.DataFrame({
        "place": frame["place"], "statistic": frame["statistic"],
        "with held out": cells(banded, frame, "value", "low", "high", **_SHORT),
        "attenuation": cells(two_decimals, frame, "attenuation"),
        **{label: [format_number(p, 2) if p == p else "" for p in frame[name]] for label, name in p_values.items()},
        "ceiling": cells(banded, frame, "ceiling", "ceiling_low", "ceiling_high", **_SHORT),
        "calibrated less this": cells(banded, frame, ahead, f"{ahead}_low", f"{ahead}_high", **_SHORT),
    })  # fmt: skip
    return Section("Agreement with held-out prices", prose, [Table(words)], [Picture(plot_places(result, agreement))])


def verdict(agreement: pd.DataFrame) -> str:
    """What the rank correlation says, in a sentence."""
    row = agreement.loc[(CALIBRATED, "spearman")]
    if not np.isfinite(row["value"]):
        return "The strategies have no rank correlation: in one place all reached the same."
    value = banded(row["value"], row["low"], row["high"], two_decimals)
    if row["low"] > 0:
        return f"The calibrated market ranks the strategies as held-out prices do: {value}."
    if row["high"] < 0:
        return f"The calibrated market ranks the strategies against held-out prices: {value}."
    words = (
        f"The interval of the rank correlation, {value}, spans zero: these held-out prices do not tell whether the "
        "calibrated market ranks the strategies rightly."
    )
    if not np.isfinite(row["ceiling"]):
        return words
    inside = row["ceiling_low"] <= row["value"] <= row["ceiling_high"]
    return (
        f"{words} A path of the market itself would reach {two_decimals(row['ceiling'])} in the mean, and "
        f"{span(row['ceiling_low'], row['ceiling_high'], two_decimals)} on single paths, which "
        f"{'includes' if inside else 'does not include'} it."
    )


def _selection(selection: pd.DataFrame) -> Section:
    prose = [
        "The probability of backtest overfitting is the share of ways to halve the time in which the strategy that is "
        "best in one half is not above the median in the other; a half where nobody has skill. The deflated Sharpe "
        "ratio is that of each path's best strategy; above 0.95 selection alone hardly explains it.",
    ]
    words = pd.DataFrame({
        "place": selection.index, "P(overfitting)": cells(banded, selection, "pbo", "pbo_low", "pbo_high", **_SHORT),
        "best": selection["best"], "its Sharpe": cells(two_decimals, selection, "best_sharpe"),
        "held out": cells(two_decimals, selection, "best_held_out"),
        "deflated": cells(two_decimals, selection, "deflated"),
        "paths above 0.95": cells(whole_percent, selection, "sure"),
    })  # fmt: skip
    return Section("Luck of the choice", prose, [Table(words)])


@house_style()
def plot_family(result: FamilyBacktest) -> Axes:
    """A line per strategy, the best on top: mean over the market's paths, its band, the paths, and real prices."""
    table, words = result.table, f"{100 * result.settings['level']:g} % band"
    ax = new_axes(None, height=1.4 + 0.17 * len(table))
    y = np.arange(len(table))[::-1]
    style: Any = {"color": SIMULATED}
    ax.hlines(y + 0.12, table["path_low"], table["path_high"], lw=1.0, alpha=0.45, label="95 % of the market's paths",
              **style)  # fmt: skip
    ax.hlines(y + 0.12, table["low"], table["high"], lw=4.0, alpha=0.55, label=f"{words} of the mean", **style)
    ax.plot(table["sharpe"], y + 0.12, "o", ms=3.5, label="mean in the market", **style)
    if "training" in table:
        ax.plot(table["training"], y - 0.2, "x", ms=3.5, color=OTHERS[3], label="training prices")
    if "held_out" in table:
        ax.hlines(y - 0.2, table["held_out_low"], table["held_out_high"], color=REAL, lw=0.8, alpha=0.6)
        ax.plot(table["held_out"], y - 0.2, "D", ms=3.0, color=REAL, label=f"held-out prices, {words}")
    ax.axvline(0.0, color=REAL, lw=0.6)
    ax.set_yticks(y, [str(name) for name in table.index], fontsize=7.0)
    ax.set(ylim=(-0.8, len(table) - 0.2), xlabel="Sharpe ratio a year", title="Sharpe ratios of the family")
    legend_below(ax)
    return ax


@house_style()
def plot_places(result: FamilyBacktest, agreement: pd.DataFrame) -> np.ndarray:
    """Sharpe ratios of all strategies in each place against those on held-out prices; a panel per place, two a row."""
    judged, held_out = dict.fromkeys(agreement.index.get_level_values(0)), result.places.loc[HELD_OUT]
    shown = [name for name in judged if name not in result.markets][:_PANELS]
    rows = -(-len(shown) // 2)
    grid = new_grid(None, rows, 2, height=2.9 * rows + 0.3, share_x=False)
    for ax, name in zip(grid.flat, shown, strict=False):
        x = result.places.loc[name]
        y = held_out.loc[x.index]
        errors: Any = {
            f"{a}err": [of["sharpe"] - of["low"], of["high"] - of["sharpe"]] for a, of in {"x": x, "y": y}.items()
        }
        ax.errorbar(x["sharpe"], y["sharpe"], **errors, fmt="o", ms=3.5, color=SIMULATED, elinewidth=0.5,
                    ecolor="#b5b5b5")  # fmt: skip
        draw_zero(ax)
        ax.axvline(0.0, color=REAL, lw=0.6)
        ax.set(xlabel=f"Sharpe ratio, {name}", ylabel="Sharpe ratio, held out")
        (found,) = cells(banded, agreement.loc[[(name, "spearman")]], "value", "low", "high", **_SHORT)
        ax.set_title(f"Spearman {found}", fontsize=8.5, fontweight="normal")
    for ax in grid.flat[len(shown) :]:
        ax.set_visible(False)
    return name_grid(grid, "Each place against held-out prices", [])
