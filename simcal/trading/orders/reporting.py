"""The report of a backtest of orders that move a price: sections with tables and figures."""

from __future__ import annotations

from typing import Any

import pandas as pd

from simcal.report import (
    Picture,
    Section,
    Table,
    format_number,
    plot_capacity,
    plot_drawdowns,
    plot_impact_law,
    plot_impact_over_time,
    plot_path_distributions,
    plot_profit_fan,
)
from simcal.trading.orders.impact import Exponent, ImpactLaw
from simcal.trading.orders.measures import MONEY
from simcal.trading.result import Backtest
from simcal.trading.wording import banded, give_or_take

REPLAYED = "replayed"
_DISTRIBUTIONS = {"pnl": f"P&L ({MONEY})", "sharpe": "Sharpe ratio"}


def sections(backtest: Backtest) -> list[Section]:
    """What came out, profit, drawdowns, impact, and where they are asked for capacity and the law of impact."""
    found = [_result(backtest)]
    if backtest.together is not None:
        found.append(_together(backtest))
    found += [_profit(backtest), _drawdowns(backtest), _impact(backtest)]
    if backtest.capacity is not None:
        found.append(_capacity(backtest))
    if backtest.impact_law is not None:
        found.append(_law(backtest.impact_law))
    return found


def key_numbers(backtest: Backtest) -> dict[str, Any]:
    """What stands at the top."""
    pnl, sharpe = backtest.summary.loc["pnl"], backtest.summary.loc["sharpe"]
    return {
        "P&L per path": banded(pnl["value"], pnl["low"], pnl["high"]),
        "of it the orders' own impact": banded(pnl["impact"], pnl["impact_low"], pnl["impact_high"]),
        "Sharpe ratio": banded(sharpe["value"], sharpe["low"], sharpe["high"]),
        "P(Sharpe < 0)": f"{backtest['sharpe_below_zero']:.1%}",
    }


def law_in_words(law: ImpactLaw) -> list[str]:
    """What came out of the check against the square root, in sentences."""
    last = law.curve.iloc[-1]
    kept = last["left"] / last["impact"] if last["impact"] > 0 else float("nan")
    return [
        f"Bought in the same {law.duration} steps, a metaorder moves the price in proportion to its size to the power "
        f"{_power(law.by_speed)}; bought at the same speed, so that a larger one takes longer, to the power "
        f"{_power(law.by_length)}. Real metaorders show about 0.5.",
        f"{law.after} steps after the last part {_share(kept)} of the impact is left.",
    ]


def _power(exponent: Exponent) -> str:
    if exponent.value != exponent.value:
        return "that cannot be told, as fewer than two sizes have a mean impact above 0"
    return give_or_take(exponent.value, exponent.high)


def _share(value: float) -> str:
    return f"{100 * value:.2g} %" if abs(value) >= 0.001 else "less than 0.1 %"


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
    if backtest.baseline is not None:
        prose.append(f"Difference is that to the strategy {backtest.baseline} alone in the same market, path by path.")
    tables = [Table(_beside(backtest.summary, "replayed", "impact"), "With impact, and replayed without.")]
    if backtest.baseline is not None:
        beside = _beside(backtest.summary, "baseline", "difference")
        tables.append(Table(beside, f"Beside the baseline {backtest.baseline}."))
    return Section("What came out", prose, tables)


def _beside(summary: pd.DataFrame, other: str, difference: str) -> pd.DataFrame:
    """Measures beside those of another play, and the difference with its band."""
    return pd.DataFrame({
        "measure": summary["measure"], "unit": summary["unit"],
        "value": summary["value"], "band": _bands(summary, "low", "high"),
        other: summary[other], difference: summary[difference],
        f"band of the {difference}": _bands(summary, f"{difference}_low", f"{difference}_high"),
    })  # fmt: skip


def _bands(summary: pd.DataFrame, low: str, high: str) -> list[str]:
    pairs = summary[[low, high]].to_numpy(float)
    return [f"{format_number(a)} to {format_number(b)}" for a, b in pairs.tolist()]


def _together(backtest: Backtest) -> Section:
    assert backtest.together is not None
    shown = backtest.together.loc[(slice(None), ["pnl", "sharpe", "max_drawdown", "turnover"]), :].reset_index()
    columns = ["strategy", "measure", "unit", "value", "low", "high", "replayed", "impact"]
    prose = ["They traded in the same market at the same time; the other sections are those of the first."]
    return Section("All strategies", prose, [Table(shown[columns])])


def _profit(backtest: Backtest) -> Section:
    series, level = backtest.series, backtest.settings["level"]
    fan = plot_profit_fan(
        series["pnl"], series["replayed_pnl"], series["impact_pnl"], names=(backtest.strategy, REPLAYED), unit=MONEY,
        period="steps", level=level, title="Profit with and without its own impact",
    )  # fmt: skip
    figures = [Picture(fan, "Below: the difference, path by path on the same noise.")]
    if backtest.baseline is not None:
        beside = plot_profit_fan(
            series["pnl"], series["baseline_pnl"], series["difference"], names=(backtest.strategy, backtest.baseline),
            unit=MONEY, period="steps", level=level, title="Profit beside the baseline",
        )  # fmt: skip
        figures.append(Picture(beside, "Below: the difference, path by path on the same noise."))
    bars = plot_path_distributions(
        backtest.paths, backtest.replayed_paths, measures=_DISTRIBUTIONS, names=(backtest.strategy, REPLAYED)
    )
    prose = ["Profit is cash plus position at the price, costs taken off; what is held at the end is not sold."]
    return Section("Profit", prose, figures=[*figures, Picture(bars)])


def _drawdowns(backtest: Backtest) -> Section:
    series = backtest.series
    figure = plot_drawdowns(
        series["drawdown"], series["replayed_drawdown"], names=(backtest.strategy, REPLAYED), unit=MONEY,
        title="Below the highest profit so far",
    )  # fmt: skip
    return Section("Drawdowns", figures=[Picture(figure)])


def _impact(backtest: Backtest) -> Section:
    assert backtest.impact is not None
    figure = plot_impact_over_time(backtest.impact, backtest.series["position"], level=backtest.settings["level"])
    prose = [
        "The same paths of noise, with and without the strategy: the difference is what its orders did to the price, "
        "with all that the other traders made of them."
    ]
    return Section("Impact over time", prose, figures=[Picture(figure)])


def _capacity(backtest: Backtest) -> Section:
    curve = backtest.capacity_curve()
    best = curve.loc[curve["pnl"].idxmax()]
    if best["pnl"] > 0:
        words = f"Of these sizes {best['size']:g} earns most, {banded(best['pnl'], best['pnl_low'], best['pnl_high'])}."
    else:
        words = "No size earns anything."
    shown = pd.DataFrame({
        "size": curve["size"], "P&L": curve["pnl"], "low": curve["pnl_low"], "high": curve["pnl_high"],
        "replayed": curve["pnl_replayed"], "P&L per trader": curve["pnl"] / curve["size"],
        "Sharpe ratio": curve["sharpe"], "Sharpe replayed": curve["sharpe_replayed"],
    })  # fmt: skip
    prose = ["The same strategy on the same noise, larger and smaller.", words]
    caption = "The axes of profit and size grow by factors; next to zero that of profit is linear."
    return Section("Capacity", prose, [Table(shown)], [Picture(plot_capacity(curve, unit=MONEY), caption)])


def _law(law: ImpactLaw) -> Section:
    figure = plot_impact_law(
        law.curve, law.over_time, exponent=(law.by_speed.value, law.by_speed.standard_error), duration=law.duration
    )
    table = law.curve.drop(columns=["standard_error", "left_standard_error"]).rename(
        columns=lambda name: str(name).replace("_", " ")
    )
    prose = [
        f"A metaorder of each size, bought in {law.duration} equal parts. Is its impact the square root of its size?",
        *law_in_words(law),
    ]
    caption = f"Log price difference when the last part is bought, and what is left {law.after} steps later."
    return Section("Impact against size", prose, [Table(table, caption, digits=4)], [Picture(figure)])
