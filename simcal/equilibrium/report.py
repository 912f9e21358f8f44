"""The report of one or several solutions: table beside what was published, figures over time, certificates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from simcal.equilibrium.certificates import Certificate, certify
from simcal.equilibrium.comparison import Comparison, Solved
from simcal.equilibrium.methods import METHODS
from simcal.equilibrium.problem import SPECS, EquilibriumProblem
from simcal.report import (
    Picture,
    Section,
    Table,
    format_number,
    plot_agents_over_time,
    plot_over_time,
    plot_residuals,
    write_report,
)

_SHOWN = 4  # solutions drawn together
_PATHS = 400


def write_equilibrium_report(
    folder: str | Path,
    comparison: Comparison,
    certificates: Mapping[str, Certificate] | None = None,
    *,
    seed: int = 0,
    n_paths: int = 3000,
) -> Path:
    """Write ``report.html`` into a folder and return its path.

    Main arguments
    --------------
    comparison
        Solutions of one problem with their errors, and what was published for it.
    certificates
        By method; without them those of all solutions that have not failed are made.

    Other arguments
    ---------------
    seed, n_paths
        Of the paths on which goals and errors were measured.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    problem = comparison.problem
    # Those that solve the problem itself come first: they give the numbers on top and the bands.
    good = [x for x in comparison.solved if not x.solution.failed]
    good.sort(key=lambda x: x.solution.method in METHODS and not METHODS[x.solution.method].exact)
    if certificates is None:
        certificates = {x.solution.method: certify(x.solution) for x in good}
    sections = [_start(comparison, seed, n_paths)]
    if good:
        sections += _over_time(good)
        sections.append(_certificates(problem, certificates))
    sections.append(_problem(problem))
    return write_report(
        Path(folder) / "report.html",
        f"Equilibrium {problem.name}",
        sections,
        subtitle=f"{problem.n_agents} agents, trading costs of power {problem.power:g}, {problem.n_steps} steps, "
        f"{problem.timing} timing",
        key_numbers=_key_numbers(good[0]) if good else None,
        provenance={"methods": ", ".join(x.solution.method for x in comparison.solved), "seed": seed, "paths": n_paths},
    )


def _key_numbers(best: Solved) -> dict[str, Any]:
    found = best.solution
    return {
        "method": found.method,
        "price S_0": f"{found.price:.6f}",
        "drift mu_0": f"{found.drift:.6f}",
        "volatility sigma_0": f"{found.volatility:.6f}",
        "liquidity discount": f"{found.liquidity_discount:.6f}",
    }


def _start(comparison: Comparison, seed: int, n_paths: int) -> Section:
    table = comparison.table()
    shown = pd.DataFrame({"method": table["method"], "source": table["source"]})
    for heading, column in (("S_0", "price"), ("mu_0", "drift"), ("sigma_0", "volatility")):
        shown[heading] = [format_number(x, 7) for x in table[column]]
    for column in ("goal", "clearing", "terminal"):
        pairs = zip(table[column], table[f"{column}_se"], strict=True)
        shown[column] = [_measured(value, se) for value, se in pairs]
    prose = [
        f"Goal is the sum of all agents' goals, clearing the mean of (mean rate)^2, terminal the mean of "
        f"(S_T - dividend)^2, each with its standard error on {n_paths} paths of seed {seed}.",
        *(f"{x.solution.method}: {x.solution.status} {x.seconds:.2g} CPU seconds." for x in comparison.solved),
    ]
    if comparison.published:
        prose.insert(1, "Rows published for this problem are as their authors measured them, at 100 steps.")
    return Section("Price, drift and volatility at time 0", prose, [Table(shown)])


def _over_time(good: list[Solved]) -> list[Section]:
    drawn = good[:_SHOWN]
    paths = {x.solution.method: x.solution.simulate(1, _PATHS) for x in drawn}
    # Without costs rates have no limit but the step, and would hide the others.
    traded = {n: p for n, p in paths.items() if n != "frictionless" or len(paths) == 1}
    first = next(iter(paths.values()))
    starts = first.time[:-1]
    caption = f"Line: mean over {_PATHS} paths; band: the middle 90 % of them; thin: one path, the same for all."
    prices = [
        plot_over_time(
            starts, {n: p.volatility for n, p in paths.items()}, quantity="sigma", path=0, title="Volatility"
        ),
        plot_over_time(starts, {n: p.drift for n, p in paths.items()}, quantity="mu", path=0, title="Drift"),
        plot_over_time(first.time, {n: p.price for n, p in paths.items()}, quantity="S", path=0, title="Price"),
    ]
    trading = [
        plot_agents_over_time(
            starts, {n: p.rates for n, p in traded.items()}, quantity="rate", title="Trading rates on one path"
        ),
        plot_agents_over_time(
            first.time, {n: p.positions for n, p in traded.items()}, quantity="position", title="Positions on one path"
        ),
    ]
    omitted = [] if len(good) <= _SHOWN else [f"Drawn are the first {_SHOWN} of {len(good)} solutions."]
    return [
        Section("Price dynamics over time", omitted, figures=[Picture(x, caption) for x in prices]),
        Section(
            "Trading over time",
            ["The two agents whose numbers vary most, all solutions on the same noise; band: the first's paths."],
            figures=[Picture(x) for x in trading],
        ),
    ]


def _certificates(problem: EquilibriumProblem, certificates: Mapping[str, Certificate]) -> Section:
    prose = [
        "Measured on fresh paths, without a reference. The duality gap bounds what all agents together could gain by "
        "any other policy against this price; exploitability is what the best of some other policies did gain. The "
        "bound and the residual contain what noise is left in estimates of conditional expectations. A row holds where "
        "it is within its limit, give or take three standard errors."
    ]
    tables = [
        Table(x.table().rename(columns=lambda heading: heading.replace("_", " ")).fillna(""), name)
        for name, x in certificates.items()
    ]
    shown = {name: x.residual_by_step for name, x in list(certificates.items())[:_SHOWN] if x.residual_by_step.any()}
    times = [k * problem.step for k in range(problem.n_steps)]
    figures = [Picture(plot_residuals(times, shown))] if shown else []
    return Section("Certificates", prose, tables, figures)


def _problem(problem: EquilibriumProblem) -> Section:
    values = problem.to_dict()
    rows = [
        {"parameter": name, "letter": spec.letter, "value": _text(values[name]), "meaning": spec.description}
        for name, spec in SPECS.items()
        if values.get(name) is not None
    ]
    return Section("The problem", tables=[Table(pd.DataFrame(rows), "Parameters.")])


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(format_number(float(x), 4) for x in value)
    return format_number(value, 4)


def _measured(value: float | None, error: float | None) -> str:
    if value is None or value != value:
        return "n/a"
    return format_number(value, 4) if error is None else f"{format_number(value, 4)} ± {format_number(error, 2)}"
