"""The report of a family: one HTML file with tables and two figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.report import Picture, Section, Table, format_number, write_report
from simcal.report.families import plot_family, plot_places
from simcal.trading.families.backtest import CALIBRATED, HELD_OUT
from simcal.trading.families.result import FamilyBacktest

_PANELS = 4


def write_family_report(path: str | Path, result: FamilyBacktest) -> Path:
    """Write the report of a family.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    judged = [] if result.agreement is None else [_agreement(result, result.agreement)]
    sections = [*judged, _selection(result), _strategies(result)]
    s = result.settings
    return write_report(
        path,
        f"Backtest of a family of {s['n_strategies']} strategies",
        sections,
        subtitle=_subtitle(result),
        key_numbers=_key_numbers(result),
        provenance={name.replace("_", " "): value for name, value in s.items()},
    )


def strategies_for_readers(result: FamilyBacktest) -> pd.DataFrame:
    """The table of strategies in words, bands in one cell."""
    table = result.table
    words = {
        "strategy": list(table.index),
        "Sharpe": _halved(table, "sharpe", "high"),
        "95 % of paths": [f"{_2(a)} to {_2(b)}" for a, b in zip(table["path_low"], table["path_high"], strict=True)],
        "P(Sharpe < 0)": [f"{value:.0%}" for value in table["below_zero"]],
        "drawdown": [f"{value:.0%}" for value in table["max_drawdown"]],
        "deflated": [_2(value) for value in table["deflated"]],
    }
    if result.settings["n_markets"] > 1:
        share = np.sqrt(table["between"].to_numpy(float))
        words["sd between markets"] = [_2(value) for value in share]
    if "held_out" in table:
        words["training"] = [_2(value) for value in table["training"]]
        words["held out"] = _halved(table, "held_out", "held_out_high")
    return pd.DataFrame(words)


def agreement_for_readers(agreement: pd.DataFrame, statistic: str | None = None) -> pd.DataFrame:
    """The table of agreement in words; of one statistic, or both."""
    frame = agreement.reset_index()
    frame = frame if statistic is None else frame.loc[frame["statistic"] == statistic, :]
    words: dict[str, Any] = {"place": frame["place"].tolist()}
    if statistic is None:
        words["statistic"] = frame["statistic"].tolist()
    return pd.DataFrame(words | {
        "with held out": _banded(frame, "value", "low", "high"),
        "attenuation": [_2(value) for value in frame["attenuation"]],
        "p, permutation": [_p(value) for value in frame["p_value"]],
        "p, no skill": [_p(value) for value in frame["p_no_skill"]],
        "ceiling": _banded(frame, "ceiling", "ceiling_low", "ceiling_high"),
        "calibrated less this": _banded(frame, "first_less_this", "first_less_this_low", "first_less_this_high"),
    })  # fmt: skip


def selection_for_readers(selection: pd.DataFrame) -> pd.DataFrame:
    """The table of selection in words."""
    frame = selection.reset_index()
    words = {
        "place": frame["place"], "P(overfitting)": _banded(frame, "pbo", "pbo_low", "pbo_high"),
        "best": frame["best"], "its Sharpe": [_2(value) for value in frame["best_sharpe"]],
        "held out": [_2(value) for value in frame["best_held_out"]],
        "deflated": [_2(value) for value in frame["deflated"]],
        "paths above 0.95": [f"{value:.0%}" for value in frame["sure"]],
    }  # fmt: skip
    return pd.DataFrame(words)


def _subtitle(result: FamilyBacktest) -> str:
    s = result.settings
    markets = f"{s['n_markets']} calibrated market{'s' if s['n_markets'] > 1 else ''}"
    words = f"On {s['n_paths']} paths of {s['n_steps']} steps of {markets}"
    if "data" not in s:
        return words
    when = f" from {s['held_out_from']} to {s['held_out_to']}" if "held_out_from" in s else ""
    return f"{words}, and on {s['held_out_steps']} steps of {s['data']}{when}, which were held out"


def _key_numbers(result: FamilyBacktest) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    if result.agreement is not None:
        row = result.agreement.loc[(CALIBRATED, "spearman")]
        numbers["rank correlation with held-out prices"] = _cell(row["value"], row["low"], row["high"])
        numbers["what a path of the market itself would reach"] = _2(row["ceiling"])
    best = result.table.index[0]
    numbers["best in the market"] = best
    row = result.selection.loc[CALIBRATED]
    return numbers | {"probability of overfitting": _cell(row["pbo"], row["pbo_low"], row["pbo_high"])}


def _strategies(result: FamilyBacktest) -> Section:
    s = result.settings
    level = f"{100 * s['level']:g} %"
    over = "over markets, by Student's law" if s["n_markets"] > 1 else "over the paths of the market"
    prose = [
        f"Sharpe ratios a year of P&L on the price of a unit. The band of the mean ({level}) is {over}; that of "
        "held-out prices is of a bootstrap over time. Drawdown is the mean over paths of the largest, of capital. "
        "The deflated Sharpe ratio is the probability that a strategy beats the best of as many without skill.",
        *result.notes,
    ]
    figure = plot_family(result.table, level=s["level"])
    return Section("Strategies", prose, [Table(strategies_for_readers(result))], [Picture(figure)])


def _agreement(result: FamilyBacktest, agreement: pd.DataFrame) -> Section:
    held_out = result.places.loc[HELD_OUT]
    shown = [name for name in dict.fromkeys(agreement.index.get_level_values(0)) if name not in result.markets]
    places = {name: result.places.loc[name] for name in shown[:_PANELS]}
    corners = {}
    for name in places:
        row = agreement.loc[(name, "spearman")]
        corners[name] = f"Spearman {_cell(row['value'], row['low'], row['high'])}"
    prose = [
        "Rank correlation of the strategies' Sharpe ratios in each place with those on held-out prices. The interval "
        "is of a bootstrap of both; by about the attenuation the value lies below what no noise would show. "
        "p, permutation takes strategies for exchangeable, and is too small where some are near copies; p, no skill is "
        "the share of martingales as wild as the held-out prices with which the place agrees at least as well. The "
        "ceiling is what one path of the place reaches with all others: how well a perfect market could rank in this "
        "time (brackets: where single paths lie).",
        verdict(agreement),
    ]
    figure = plot_places(places, held_out, correlations=corners)
    table = Table(agreement_for_readers(agreement))
    return Section("Agreement with held-out prices", prose, [table], [Picture(figure)])


def verdict(agreement: pd.DataFrame) -> str:
    """What the rank correlation says, in a sentence."""
    row = agreement.loc[(CALIBRATED, "spearman")]
    if not np.isfinite(row["value"]):
        return "The strategies have no rank correlation: in one place all reached the same."
    value = _cell(row["value"], row["low"], row["high"])
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
        f"{words} A path of the market itself would reach {_2(row['ceiling'])} in the mean, and "
        f"{_2(row['ceiling_low'])} to {_2(row['ceiling_high'])} on single paths, which "
        f"{'includes' if inside else 'does not include'} it."
    )


def _selection(result: FamilyBacktest) -> Section:
    prose = [
        "The probability of backtest overfitting is the share of ways to halve the time in which the strategy that is "
        "best in one half is not above the median in the other; a half where nobody has skill. The deflated Sharpe "
        "ratio is that of each path's best strategy; above 0.95 selection alone hardly explains it.",
    ]
    return Section("Luck of the choice", prose, [Table(selection_for_readers(result.selection))])


def _banded(frame: pd.DataFrame, value: str, low: str, high: str) -> list[str]:
    return [_cell(*row) for row in frame[[value, low, high]].itertuples(index=False)]


def _halved(frame: pd.DataFrame, value: str, high: str) -> list[str]:
    """Values with half the width of their bands, which are symmetric; on one line."""
    pairs = frame[[value, high]].itertuples(index=False)
    return [_2(v) if not np.isfinite(end) else f"{_2(v)}\u00a0\u00b1\u00a0{_2(end - v)}" for v, end in pairs]


def _cell(value: Any, low: Any, high: Any) -> str:
    if not np.isfinite(value):
        return ""
    return _2(value) if not np.isfinite(low) else f"{_2(value)} ({_2(low)} to {_2(high)})"


def _2(value: Any) -> str:
    return "" if not np.isfinite(value) else f"{round(float(value), 2) + 0.0:.2f}"  # never -0.00


def _p(value: Any) -> str:
    return "" if not np.isfinite(value) else format_number(float(value), 2)
