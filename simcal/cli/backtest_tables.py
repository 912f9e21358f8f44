"""What `simcal backtest` and `simcal backtest-family` print: tables within the width of a screen, and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from simcal.cli.output import print_table, say
from simcal.report import cells, format_number, give_or_take, span, two_decimals, whole_percent

if TYPE_CHECKING:
    from simcal.rfq import HistoryShift
    from simcal.trading import Backtest, FamilyBacktest

_MEASURES = {
    "pnl": "P&L", "pnl_deviation": "its deviation", "pnl_value_at_risk": "its value at risk",
    "pnl_expected_shortfall": "its expected shortfall", "annualised_return": "return a year",
    "volatility": "volatility a year", "sharpe": "Sharpe ratio", "sharpe_below_zero": "P(Sharpe < 0)",
    "sortino": "Sortino ratio", "max_drawdown_share": "worst drawdown, share", "turnover": "turnover a year",
    "value_at_risk": "a step's value at risk", "expected_shortfall": "a step's exp. shortfall", "costs": "costs",
    "trades": "steps with an order", "mean_abs_position": "mean abs. position",
}  # fmt: skip
_DECIMALS: Any = {"write": two_decimals}
_NEAR: Any = {"write": two_decimals, "sign": "\u00b1"}
_NAME = 14  # letters of a baseline's name at the head of its column
_STRATEGIES = 12  # of a family on the screen; the folder has all


def print_result(result: Backtest) -> None:
    """Measures, and what else was asked for."""
    s, summary, name = result.settings, result.summary, result.baseline
    steps = "requests" if result.replayed_paths is None else "steps"
    title = f"{result.strategy}: {s['n_paths']} paths of {s['n_steps']} {steps} (\u00b1: {100 * s['level']:g} % bands)"
    if result.replayed_paths is None:
        table = {"measure": summary["measure"], "value": _pairs(summary, "value", "high")}
        if name is not None:
            table["baseline"] = cells(format_number, summary, "baseline")
            table["difference"] = _pairs(summary, "difference", "difference_high")
        print_table(pd.DataFrame(table), title)
        if result.shifts is not None:
            _print_shifts(result.shift_curve(), "profit", "Had every margin been shifted (half spreads)")
        return
    rows = summary.loc[list(_MEASURES)]
    table = {"measure": list(_MEASURES.values()), "value": _pairs(rows, "value", "high")}
    table["replayed"] = cells(format_number, rows, "replayed")
    if name is not None:
        table[name if len(name) <= _NAME else "baseline"] = cells(format_number, rows, "baseline")
    print_table(pd.DataFrame(table), title)
    (impact,) = _pairs(summary.loc[["pnl"]], "impact", "impact_high")
    say(f"Its orders' own impact is {impact} of the P&L, path by path.")
    if name is not None:
        (difference,) = _pairs(summary.loc[["pnl"]], "difference", "difference_high")
        say(f"The difference to {name} is {difference}, path by path.")
    if result.together is not None:
        words = {"pnl": "P&L", "sharpe": "Sharpe ratio", "turnover": "turnover a year"}
        each = {measure: result.together.xs(measure, level="name") for measure in words}
        columns = {"strategy": list(each["pnl"].index)}
        columns |= {label: _pairs(each[measure], "value", "high") for measure, label in words.items()}
        print_table(pd.DataFrame(columns), "All strategies, in the same market at the same time")
    if result.capacity is not None:
        pnl, sharpe = (result.capacity.xs(measure, level="name") for measure in ("pnl", "sharpe"))
        columns = {
            "size": [f"{size:g}" for size in pnl.index], "P&L": _pairs(pnl, "value", "high"),
            "replayed": cells(format_number, pnl, "replayed"), "impact": _pairs(pnl, "impact", "impact_high"),
            "Sharpe ratio": _pairs(sharpe, "value", "high"),
        }  # fmt: skip
        print_table(pd.DataFrame(columns), "The same strategy at other sizes")
    if result.impact_law is not None:
        for sentence in result.impact_law.summary():
            say(sentence)


def print_history(past: HistoryShift, name: str) -> None:
    """A dealer's own requests at other margins."""
    title = f"The {past.n_requests} requests of {name}, had every margin been shifted"
    _print_shifts(past.table, "spread_pnl", title)


def print_family(result: FamilyBacktest) -> None:
    """The best and the worst strategies, luck of the choice, and agreement with held-out prices."""
    s, table, selection = result.settings, result.table, result.selection
    n, half = len(table), _STRATEGIES // 2
    cut = table if n <= _STRATEGIES else table.iloc[[*range(half), *range(n - half, n)]]
    shown = f"the best and the worst {half} of {n}" if n > _STRATEGIES else f"all {n}"
    markets = f"{s['n_markets']} markets of " if s["n_markets"] > 1 else ""
    bands = f"{markets}{s['n_paths']} paths of {s['n_steps']} steps, \u00b1: {100 * s['level']:g} % bands"
    columns = {
        "strategy": [_short(name) for name in cut.index], "Sharpe": cells(give_or_take, cut, "sharpe", "high", **_NEAR),
        "P(< 0)": cells(whole_percent, cut, "below_zero"), "drawdown": cells(whole_percent, cut, "max_drawdown"),
        "deflated": cells(two_decimals, cut, "deflated"),
    }  # fmt: skip
    if "held_out" in cut:
        columns["held out"] = cells(give_or_take, cut, "held_out", "held_out_high", **_NEAR)
    print_table(pd.DataFrame(columns), f"Sharpe ratios a year, {shown} ({bands})")
    columns = {
        "place": list(selection.index), "PBO": cells(give_or_take, selection, "pbo", "pbo_high", **_NEAR),
        "DSR": cells(two_decimals, selection, "deflated"), "best": [_short(name) for name in selection["best"]],
        "Sharpe": cells(two_decimals, selection, "best_sharpe"),
    }  # fmt: skip
    if not selection["best_held_out"].isna().to_numpy().any():
        columns["held out"] = cells(two_decimals, selection, "best_held_out")
    luck = "Luck of the choice of the best: probability of backtest overfitting, deflated Sharpe ratio"
    print_table(pd.DataFrame(columns), luck)
    if result.agreement is not None:
        frame = result.agreement.xs("spearman", level="statistic")
        columns = {
            "place": list(frame.index), "value": cells(two_decimals, frame, "value"),
            "interval": cells(span, frame, "low", "high", **_DECIMALS, to=".."),
            "p, no skill": cells(format_number, frame, "p_no_skill", digits=2),
            "ceiling": cells(two_decimals, frame, "ceiling"),
            "its paths": cells(span, frame, "ceiling_low", "ceiling_high", **_DECIMALS, to=".."),
        }  # fmt: skip
        print_table(pd.DataFrame(columns), "Rank correlation (Spearman) with held-out prices")
    say(result.summary())


def _print_shifts(curve: pd.DataFrame, profit: str, title: str) -> None:
    """A row per shift; `profit` is the column of profit."""
    table = {
        "shift": [f"{shift:+g}" if shift else "0" for shift in curve["shift"]],
        "P&L": _pairs(curve, profit, f"{profit}_high"),
        "hit ratio": _pairs(curve, "hit_ratio", "hit_ratio_high"),
    }
    words = {"spread_pnl": "spread", "carry_pnl": "carry", "volume_hit_ratio": "hit ratio by volume"}
    for name, label in words.items():
        if name in curve and name != profit:
            table[label] = cells(format_number, curve, name)
    print_table(pd.DataFrame(table), title)


def _pairs(table: pd.DataFrame, value: str, high: str) -> list[str]:
    return cells(give_or_take, table, value, high)


def _short(name: str) -> str:
    """`crossover (short 5, long 20)` as `crossover:5/20`; the folder has names in full."""
    first, _, options = str(name).removesuffix(")").partition(" (")
    values = "/".join(option.rpartition(" ")[2] for option in options.split(", "))
    return f"{first}:{values}" if values else first
