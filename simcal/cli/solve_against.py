"""`simcal solve NAME --against cost`: what the equilibrium predicts at other trading costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from simcal.cli.output import print_json, print_table, say
from simcal.errors import ParameterError

if TYPE_CHECKING:
    from simcal.equilibrium import EquilibriumProblem


def solve_against(
    problem: EquilibriumProblem, against: str | None, costs: str | None, method: str | None, paths: int, seed: int,
    out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Solve at each cost; print numbers and exponents, and write figure and tables where a folder is given."""
    import pandas as pd

    from simcal.equilibrium import predictions
    from simcal.equilibrium.predictions import EXPONENTS
    from simcal.equilibrium.predictions_report import write_predictions_report

    if against is None:
        raise ParameterError("--costs belongs to --against cost; give both.")
    if against != "cost":
        raise ParameterError(f"--against is {against!r}, but only --against cost is known.")
    found = predictions(
        problem, None if costs is None else _numbers(costs), method=method, n_paths=paths, seed=seed,
        listen=lambda cost: say(f"Solving at cost {cost:.4g} ..."),
    )  # fmt: skip
    report = None if out is None else write_predictions_report(out, found)
    if as_json:
        print_json(found.to_dict() | ({} if report is None else {"report": str(report)}))
        return
    table = found.table()
    shown = {"cost": table["cost"], **{name.replace("_", " "): table[name] for name in EXPONENTS}}
    print_table(pd.DataFrame(shown), f"{problem.name} against its trading cost")
    print_table(found.exponents(), "d ln(quantity) / d ln(cost)")
    if report is not None:
        say(f"Report: {report}")


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ParameterError(f"--costs is {text!r}, but must be numbers with commas, such as 0.001,0.01,0.1.") from None
