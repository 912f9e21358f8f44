"""Errors of the adversarial solver against the exact ones, case by case: `python benchmarks/equilibrium.py [seeds]`.

Every seed trains anew on one thread; S_0, sigma_0 and mu_0 are compared with the truth of the same steps and timing.
The worst seed counts; what misses its target is marked. Below each case stands the error of the best published run.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from simcal.equilibrium import EquilibriumErrors, EquilibriumProblem, EquilibriumSolution, load_problem, solve
from simcal.equilibrium.published import PublishedRow, published_rows

COLUMNS = ("S_0", "sigma_0", "mu_0", "clearing", "terminal", "seconds")
PATHS = 3000


def hundred_agents() -> EquilibriumProblem:
    """Risk aversions from 1 to 1.9, random exposures, a tenth of a share per agent."""
    exposure = np.random.default_rng(0).normal(size=100) * 20
    return EquilibriumProblem(
        tuple(np.linspace(1, 1.9, 100)), tuple(exposure - exposure.mean()), horizon=0.2, supply=10.0, name="lq-100"
    )


@dataclass(frozen=True)
class Case:
    """A problem, and the largest relative errors of S_0, sigma_0, mu_0, then clearing, terminal error and seconds.

    None: no target.
    """

    problem: EquilibriumProblem
    targets: tuple[float | None, ...]


CASES = (
    Case(load_problem("lq-10"), (2e-5, 2e-4, 4e-4, 1e-12, 1e-8, 600)),
    Case(load_problem("power-2"), (3e-4, 3e-4, 5e-4, None, None, None)),
    Case(load_problem("power-10"), (1e-4, 2e-3, None, 1e-10, None, None)),
    Case(hundred_agents(), (5e-5, 1e-3, None, 1e-12, 1e-8, 900)),
)


def measured(
    found: EquilibriumSolution | PublishedRow, errors: EquilibriumErrors | PublishedRow, truth: EquilibriumSolution,
    seconds: float,
) -> list[float]:  # fmt: skip
    """One row of numbers in the order of `COLUMNS`."""
    relative = [
        abs(getattr(found, name) / getattr(truth, name) - 1) for name in ("price", "volatility", "drift")
    ]  # fmt: skip
    return [*relative, errors.clearing, errors.terminal, seconds]


def marked(value: float, target: float | None) -> str:
    """The number, with an exclamation mark where it misses its target."""
    missed = target is not None and not value <= target
    return f"{value:.2g}" + (" !" if missed else "")


def run(case: Case, seeds: int) -> None:
    """Print the table of one case."""
    problem, console = case.problem, Console()
    truth = solve(problem)
    table = Table(title=f"{problem.name}, {problem.timing}, against {truth.method}", title_justify="left")
    for heading in ("seed", *COLUMNS):
        table.add_column(heading, justify="right")
    rows = []
    for seed in range(seeds):
        start = time.process_time()
        found = solve(problem, method="adversarial", seed=seed)
        rows.append(measured(found, found.errors(0, PATHS), truth, time.process_time() - start))
        table.add_row(str(seed), *map(marked, rows[-1], case.targets))
        print(f"{problem.name}, seed {seed}: {rows[-1][-1]:.0f} s. {found.status}", file=sys.stderr)
    table.add_section()
    table.add_row("worst", *map(marked, np.max(rows, axis=0), case.targets))
    table.add_row("target", *("-" if x is None else f"{x:g}" for x in case.targets))
    for row in published_rows(problem):
        if row.method.startswith("GAN"):
            table.add_row(row.method, *(f"{x:.2g}" for x in measured(row, row, truth, 0.0)[:-1]), "days")
    console.print(table)


if __name__ == "__main__":
    chosen = sys.argv[2:] or [case.problem.name for case in CASES]
    for one in CASES:
        if one.problem.name in chosen:
            run(one, int(sys.argv[1]) if len(sys.argv) > 1 else 5)
