"""Reports and printed tables of solutions: numbers beside what was published, figures over time, checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.equilibrium.checks import Checks
from simcal.equilibrium.figures import plot_agents_over_time, plot_over_time
from simcal.equilibrium.methods import METHODS, Comparison, Solved
from simcal.equilibrium.predictions import Predictions
from simcal.equilibrium.problem import SPECS, EquilibriumProblem
from simcal.report import Picture, Section, Table, format_number, write_report

_SHOWN = 4  # solutions drawn together
_PATHS = 400


def write_equilibrium_report(folder: str | Path, found: Comparison | Predictions) -> Path:
    """Write ``report.html`` of solutions, or ``predictions.html``, into a folder and return its path.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    problem = found.problem
    subtitle = f"{problem.n_agents} agents, trading costs of power {problem.power:g}, {problem.timing} timing"
    if isinstance(found, Predictions):
        title = f"Equilibrium {problem.name} against its trading cost"
        return write_report(Path(folder) / "predictions.html", title, found.sections(), subtitle=subtitle)
    good = _best_first(found)
    methods = ", ".join(x.solution.method for x in found.solved)
    return write_report(
        Path(folder) / "report.html",
        f"Equilibrium {problem.name}",
        found.sections(),
        subtitle=f"{subtitle}, {problem.n_steps} steps",
        key_numbers=_key_numbers(good[0]) if good else None,
        provenance={"methods": methods, "seed": found.seed, "paths": found.n_paths},
    )


def summary_of_one(solved: Solved) -> dict[str, pd.DataFrame]:
    """The tables of `Solved.summary`."""
    found, errors = solved.solution, solved.errors
    if errors is None:
        return {}
    rows = [
        ("price at the start, S_0", f"{found.price:.8f}", ""),
        ("drift at the start, mu_0", f"{found.drift:.8f}", ""),
        ("volatility at the start, sigma_0", f"{found.volatility:.8f}", ""),
        ("liquidity discount", f"{found.liquidity_discount:.8f}", ""),
        ("goal of all agents", _number(errors.goal), _number(errors.goal_se)),
        ("clearing: mean (mean rate)^2", _number(errors.clearing), _number(errors.clearing_se)),
        ("terminal: mean (S_T - dividend)^2", _number(errors.terminal), _number(errors.terminal_se)),
    ]
    title = f"{_described(found.problem)}; {found.method}, {errors.n_paths} paths of seed {errors.seed}"
    table = pd.DataFrame(rows, columns=["quantity", "value", "standard error"])
    return {title: table, **({} if solved.checks is None else solved.checks.summary())}


def summary_of_all(found: Comparison) -> dict[str, pd.DataFrame]:
    """The tables of `Comparison.summary`: numbers at time 0, and goals and errors; a star marks what was published."""
    shown = _shown(found)
    shown["method"] += np.where(shown["source"] == "published", " *", "")
    note = "; * as published" if found.published else ""
    measured = f"With standard errors, on {found.n_paths} paths of seed {found.seed}{note}"
    return {
        f"{_described(found.problem)}{note}": shown[["method", "S_0", "mu_0", "sigma_0", "CPU seconds"]],
        measured: shown[["method", "goal", "clearing", "terminal"]],
    }


def sections_of_all(found: Comparison) -> list[Section]:
    """The sections of `Comparison.sections`."""
    prose = [
        f"Goal is the sum of all agents' goals, clearing the mean of (mean rate)^2, terminal the mean of "
        f"(S_T - dividend)^2, each with its standard error on {found.n_paths} paths of seed {found.seed}.",
        *(f"{x.solution.method}: {x.solution.status} {x.seconds:.2g} CPU seconds." for x in found.solved),
    ]
    if found.published:
        prose.insert(1, "Rows published for this problem are as their authors measured them, at 100 steps.")
    start = Table(_shown(found).drop(columns="CPU seconds"))
    sections = [Section("Price, drift and volatility at time 0", prose, [start])]
    good = _best_first(found)
    if good:
        sections += _over_time(good)
    checks = {x.solution.method: x.checks for x in good if x.checks is not None}
    if checks:
        sections.append(_checks(found.problem, checks))
    return [*sections, _problem(found.problem)]


def _best_first(found: Comparison) -> list[Solved]:
    """What has not failed; those that solve the problem itself come first: they give the top numbers and the bands."""
    good = [x for x in found.solved if not x.solution.failed]
    return sorted(good, key=lambda x: x.solution.method in METHODS and not METHODS[x.solution.method].exact)


def _described(problem: EquilibriumProblem) -> str:
    return (
        f"{problem.name}, {problem.n_agents} agents, power {problem.power:g}, {problem.n_steps} steps, {problem.timing}"
    )


def _shown(found: Comparison) -> pd.DataFrame:
    """The table as text: of what was published as many digits as there are, errors behind what was measured."""
    table = found.table()
    shown = table[["method", "source"]].copy()
    digits = [8 if source == "simcal" else 6 for source in table["source"]]
    for heading, column in (("S_0", "price"), ("mu_0", "drift"), ("sigma_0", "volatility")):
        shown[heading] = [_number(x, f".{d}f") for x, d in zip(table[column], digits, strict=True)]
    for column in ("goal", "clearing", "terminal"):
        pairs = zip(table[column], table[f"{column}_se"], strict=True)
        shown[column] = ["n/a" if x != x else f"{_number(x, '.3g')} ± {_number(se, '.1g')}" for x, se in pairs]
    shown["CPU seconds"] = [_number(x, ".2g") for x in table["seconds"]]
    return shown


def _number(value: float | None, form: str = ".4g") -> str:
    return "n/a" if value is None or value != value else format(value, form)


def _key_numbers(best: Solved) -> dict[str, Any]:
    found = best.solution
    return {
        "method": found.method,
        "price S_0": f"{found.price:.6f}",
        "drift mu_0": f"{found.drift:.6f}",
        "volatility sigma_0": f"{found.volatility:.6f}",
        "liquidity discount": f"{found.liquidity_discount:.6f}",
    }


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


def _checks(problem: EquilibriumProblem, checks: dict[str, Checks]) -> Section:
    prose = [
        "Measured on fresh paths, without a reference. The duality gap bounds what all agents together could gain by "
        "any other policy against this price; exploitability is what the best of some other policies did gain. The "
        "bound and the residual contain what noise is left in estimates of conditional expectations. A row holds where "
        "it is within its limit, give or take three standard errors."
    ]
    tables = [
        Table(x.table().rename(columns=lambda heading: heading.replace("_", " ")).fillna(""), name)
        for name, x in checks.items()
    ]
    shown = {name: x.residual_by_step for name, x in list(checks.items())[:_SHOWN] if x.residual_by_step.any()}
    times = np.arange(problem.n_steps) * problem.step
    title, unit = "How far marginal costs are from marginal values", "residual (money per share)"
    figures = [Picture(plot_over_time(times, shown, quantity=unit, title=title, logarithmic=True))] if shown else []
    return Section("Checks", prose, tables, figures)


def _problem(problem: EquilibriumProblem) -> Section:
    values = problem.to_dict()
    rows = [
        {"parameter": name, "letter": spec.letter, "value": _values(values[name]), "meaning": spec.description}
        for name, spec in SPECS.items()
        if values.get(name) is not None
    ]
    return Section("The problem", tables=[Table(pd.DataFrame(rows), "Parameters.")])


def _values(values: Any) -> str:
    several = values if isinstance(values, Sequence) and not isinstance(values, str) else [values]
    return ", ".join(format_number(x, 4) for x in several)
