"""What `simcal backtest` prints: tables within the width of a screen, and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simcal.cli.output import print_table, say

if TYPE_CHECKING:
    import pandas as pd

    from simcal.rfq import HistoryShift
    from simcal.trading import Backtest

_WORDS = {"spread_pnl": "spread", "carry_pnl": "carry", "volume_hit_ratio": "hit ratio by volume"}
_SHOWN = {
    "pnl": "P&L", "pnl_deviation": "its deviation", "pnl_value_at_risk": "its value at risk",
    "pnl_expected_shortfall": "its expected shortfall", "annualised_return": "return a year",
    "volatility": "volatility a year", "sharpe": "Sharpe ratio", "sharpe_below_zero": "P(Sharpe < 0)",
    "sortino": "Sortino ratio", "max_drawdown_share": "worst drawdown, share", "turnover": "turnover a year",
    "value_at_risk": "a step's value at risk", "expected_shortfall": "a step's exp. shortfall", "costs": "costs",
    "trades": "steps with an order", "mean_abs_position": "mean abs. position",
}  # fmt: skip
_NAME = 14  # letters of a baseline's name at the head of its column


def print_result(result: Backtest) -> None:
    """Measures, and what else was asked for."""
    s = result.settings
    bands = f"(\u00b1: {100 * s['level']:g} % bands)"
    if result.replayed_paths is None:
        print_table(_measures(result), f"{result.strategy}: {s['n_paths']} paths of {s['n_steps']} requests {bands}")
        if result.shifts is not None:
            print_table(_shifted(result.shift_curve(), "profit"), "Had every margin been shifted (half spreads)")
        return
    print_table(_beside(result), f"{result.strategy}: {s['n_paths']} paths of {s['n_steps']} steps {bands}")
    row = result.summary.loc["pnl"]
    say(f"Its orders' own impact is {_pair(row['impact'], row['impact_high'])} of the P&L, path by path.")
    if result.baseline is not None:
        say(f"The difference to {result.baseline} is {_pair(row['difference'], row['difference_high'])}, path by path.")
    if result.together is not None:
        print_table(_together(result.together), "All strategies, in the same market at the same time")
    if result.capacity is not None:
        print_table(_capacity(result.capacity), "The same strategy at other sizes")
    if result.impact_law is not None:
        from simcal.trading.orders.reporting import law_in_words

        for sentence in law_in_words(result.impact_law):
            say(sentence)


def print_history(past: HistoryShift, name: str) -> None:
    """A dealer's own requests at other margins."""
    title = f"The {past.n_requests} requests of {name}, had every margin been shifted"
    print_table(_shifted(past.table, "spread_pnl"), title)


def _beside(result: Backtest) -> pd.DataFrame:
    """The main measures with half the width of their bands, replayed, and of the baseline."""
    import pandas as pd

    from simcal.report import format_number

    rows = result.summary.loc[list(_SHOWN)]
    table = {"measure": list(_SHOWN.values()), "value": _banded(rows, "value", "high")}
    table["replayed"] = [format_number(value) for value in rows["replayed"].to_numpy(float)]
    if result.baseline is not None:
        name = result.baseline if len(result.baseline) <= _NAME else "baseline"
        table[name] = [format_number(value) for value in rows["baseline"].to_numpy(float)]
    return pd.DataFrame(table)


def _together(summary: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    columns = {}
    for name, words in (("pnl", "P&L"), ("sharpe", "Sharpe ratio"), ("turnover", "turnover a year")):
        rows = summary.xs(name, level="name")
        columns |= {"strategy": rows.index.tolist(), words: _banded(rows, "value", "high")}
    return pd.DataFrame(columns)


def _capacity(summary: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from simcal.report import format_number

    pnl, sharpe = (summary.xs(name, level="name") for name in ("pnl", "sharpe"))
    return pd.DataFrame({
        "size": [f"{size:g}" for size in pnl.index], "P&L": _banded(pnl, "value", "high"),
        "replayed": [format_number(value) for value in pnl["replayed"].to_numpy(float)],
        "impact": _banded(pnl, "impact", "impact_high"), "Sharpe ratio": _banded(sharpe, "value", "high"),
    })  # fmt: skip


def _pair(value: float, high: float) -> str:
    from simcal.trading.wording import give_or_take

    return give_or_take(value, high)


def _measures(result: Backtest) -> pd.DataFrame:
    """The summary as it fits on a screen: values with half the width of their bands."""
    import pandas as pd

    from simcal.report import format_number

    table = {"measure": result.summary["measure"].tolist(), "value": _banded(result.summary, "value", "high")}
    if result.baseline is not None:
        table["baseline"] = [format_number(value) for value in result.summary["baseline"].to_numpy(float)]
        table["difference"] = _banded(result.summary, "difference", "difference_high")
    return pd.DataFrame(table)


def _shifted(curve: pd.DataFrame, profit: str) -> pd.DataFrame:
    """A row per shift, likewise; `profit` is the column of profit."""
    import pandas as pd

    from simcal.report import format_number

    table = {
        "shift": [f"{shift:+g}" if shift else "0" for shift in curve["shift"]],
        "P&L": _banded(curve, profit, f"{profit}_high"),
        "hit ratio": _banded(curve, "hit_ratio", "hit_ratio_high"),
    }
    for name in ("spread_pnl", "carry_pnl", "volume_hit_ratio"):
        if name in curve and name != profit:
            table[_WORDS[name]] = [format_number(value) for value in curve[name].to_numpy(float)]
    return pd.DataFrame(table)


def _banded(table: pd.DataFrame, value: str, high: str) -> list[str]:
    return [_pair(middle, top) for middle, top in table[[value, high]].to_numpy(float).tolist()]
