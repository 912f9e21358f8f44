"""`simcal backtest-family RUN --data NAME`: many strategies, calibrated markets, held-out prices as the judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simcal.cli.output import Json, print_json, print_table, progress_bar, say
from simcal.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from simcal.trading import FamilyBacktest

_SHOWN = 12  # strategies on the screen; the folder has all


def command(
    markets: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Markets: names, TOML files, or folders of runs, of which all starts are taken."
        ),
    ],
    family: Annotated[
        str,
        typer.Option(help="standard, trend, reversion, a TOML file with tables [[strategy]], or FILE.py:NAME."),
    ] = "standard",
    data: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Prices, whose held-out part judges; none when absent.")
    ] = None,
    train_share: Annotated[
        float | None,
        typer.Option(help="Share of the prices that was trained on.", show_default="the run's own, or 0.7"),
    ] = None,
    drift: Annotated[
        bool, typer.Option(help="Keep the drift of prices, which markets of returns alone do not know.")
    ] = True,
    paths: Annotated[int, typer.Option(help="Paths of each market.")] = 200,
    steps: Annotated[
        int | None, typer.Option(help="Steps of each path.", show_default="as many as are held out, or 1000")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    size: Annotated[float, typer.Option(help="Traders of the model that a unit counts as; 0 moves no price.")] = 0.0,
    execution: Annotated[str, typer.Option(help="Price of an order: next, last, or mid.")] = "next",
    fixed_cost: Annotated[float, typer.Option(help="Money per trade.")] = 0.0,
    proportional_cost: Annotated[float, typer.Option(help="Share of the value traded.")] = 0.0,
    quadratic_cost: Annotated[float, typer.Option(help="Money per squared trader.")] = 0.0,
    burn_in: Annotated[int, typer.Option(help="Steps that strategies see before they trade.")] = 250,
    level: Annotated[float, typer.Option(help="Probability of the bands.")] = 0.95,
    out: Annotated[Path | None, typer.Option(help="A folder for numbers and report.")] = None,
    report: Annotated[bool, typer.Option(help="Write report.html into the folder of --out.")] = True,
    as_json: Json = False,
) -> None:
    """Test a family of strategies in calibrated markets, and on the prices that were held out.

    Says how sure each strategy's Sharpe ratio is over paths and over markets that the calibration may have ended in,
    how much of the best one is luck, and whether the market ranks the family as held-out prices do.
    """
    import simcal

    _check(markets, train_share, data, out)
    with progress_bar("markets played") as told:
        result = simcal.backtest_family(
            family, markets if len(markets) > 1 else markets[0], data, train_share=train_share, drift=drift,
            n_paths=paths, n_steps=steps, seed=seed, size=size, execution=execution,  # pyright: ignore[reportArgumentType]
            fixed_cost=fixed_cost, proportional_cost=proportional_cost, quadratic_cost=quadratic_cost, burn_in=burn_in,
            level=level, progress=told,
        )  # fmt: skip
    written = None if out is None else _write(out, result, report)
    if as_json:
        more = {} if out is None else {"folder": str(out)} | ({"report": str(written)} if report else {})
        print_json(result.to_dict() | more)
        return
    _print(result)
    if written is not None:
        say(f"Written to {out}" + (f"; the report is {written}." if report else "."))


def _check(markets: list[str], train_share: float | None, data: str | None, out: Path | None) -> None:
    if train_share is not None and data is None:
        raise ParameterError("--train-share splits prices; give them as --data too.")
    folders = [Path(market).resolve() for market in markets if Path(market).is_dir()]
    if out is not None and out.resolve() in folders:
        raise ParameterError(f"{out} is a run's own folder, whose report would be lost; give another --out.")


def _print(result: FamilyBacktest) -> None:
    from simcal.trading.families.reporting import verdict

    s, table = result.settings, result.table
    n, half = len(table), _SHOWN // 2
    cut = table if n <= _SHOWN else table.iloc[[*range(half), *range(n - half, n)]]
    shown = f"the best and the worst {half} of {n}" if n > _SHOWN else f"all {n}"
    markets = f"{s['n_markets']} markets of " if s["n_markets"] > 1 else ""
    bands = f"{markets}{s['n_paths']} paths of {s['n_steps']} steps, \u00b1: {100 * s['level']:g} % bands"
    print_table(_strategies(cut), f"Sharpe ratios a year, {shown} ({bands})")
    print_table(
        _selection(result.selection),
        "Luck of the choice of the best: probability of backtest overfitting, deflated Sharpe ratio",
    )
    if result.agreement is not None:
        print_table(_agreement(result.agreement), "Rank correlation (Spearman) with held-out prices")
        say(verdict(result.agreement))
    for note in result.notes:
        say(note)


def _strategies(table: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    words = {
        "strategy": [_short(name) for name in table.index],
        "Sharpe": _halved(table, "sharpe", "high"),
        "P(< 0)": [f"{value:.0%}" for value in table["below_zero"]],
        "drawdown": [f"{value:.0%}" for value in table["max_drawdown"]],
        "deflated": [f"{value:.2f}" for value in table["deflated"]],
    }
    if "held_out" in table:
        words["held out"] = _halved(table, "held_out", "held_out_high")
    return pd.DataFrame(words)


def _selection(selection: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    held_out = selection["best_held_out"].to_numpy(float)
    words = {
        "place": list(selection.index),
        "PBO": _halved(selection, "pbo", "pbo_high"),
        "DSR": [f"{value:.2f}" for value in selection["deflated"]],
        "best": [_short(name) for name in selection["best"]],
        "Sharpe": [f"{value:.2f}" for value in selection["best_sharpe"]],
    }
    judged = {"held out": [f"{value:.2f}" for value in held_out]} if (held_out == held_out).all() else {}
    return pd.DataFrame(words | judged)


def _agreement(agreement: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from simcal.report import format_number

    frame = agreement.xs("spearman", level="statistic")
    return pd.DataFrame({
        "place": list(frame.index),
        "value": [f"{value:.2f}" for value in frame["value"]],
        "interval": _spans(frame, "low", "high"),
        "p, no skill": [format_number(value, 2) for value in frame["p_no_skill"]],
        "ceiling": [_cell("", value, float("nan")) for value in frame["ceiling"].to_numpy(float)],
        "its paths": _spans(frame, "ceiling_low", "ceiling_high"),
    })  # fmt: skip


def _short(name: str) -> str:
    """`crossover (short 5, long 20)` as `crossover:5/20`; the folder has names in full."""
    first, _, options = str(name).removesuffix(")").partition(" (")
    values = "/".join(option.rpartition(" ")[2] for option in options.split(", "))
    return f"{first}:{values}" if values else first


def _halved(table: pd.DataFrame, value: str, high: str) -> list[str]:
    values, ends = table[value].to_numpy(float), table[high].to_numpy(float)
    return [_cell("\u00b1", v, end - v) for v, end in zip(values, ends, strict=True)]


def _spans(table: pd.DataFrame, low: str, high: str) -> list[str]:
    return [_cell("..", *pair) for pair in zip(table[low].to_numpy(float), table[high].to_numpy(float), strict=True)]


def _cell(word: str, first: float, second: float) -> str:
    """Two numbers that stay on a line, the first alone where the second is not known."""
    if first != first:
        return ""
    return f"{first:.2f}" if second != second else f"{first:.2f}{word}{second:.2f}"


def _write(out: Path, result: FamilyBacktest, report: bool) -> Path:
    """The folder's files; the path of the report, or of the folder."""
    from simcal.trading import write_family_report

    result.save(out)
    return write_family_report(out / "report.html", result) if report else out
