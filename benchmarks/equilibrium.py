"""Errors of the methods that learn against the exact ones: `python benchmarks/equilibrium.py [seeds] [cases]`.

Cases are problem:method, without them those of the adversarial solver; `combo` and `fbsde` are the fair baselines of
the examples. Every seed trains anew on one thread with the default settings; S_0, sigma_0 and mu_0 are compared with
the truth of the same steps and timing. The worst seed of each column counts; what misses its target is marked. Below
stand the errors of the published runs of that method, one seed each.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from simcal.equilibrium import (
    EquilibriumErrors,
    EquilibriumProblem,
    EquilibriumSolution,
    load_problem,
    published_rows,
    solve,
)
from simcal.equilibrium.published import PublishedRow

COLUMNS = ("S_0", "sigma_0", "mu_0", "clearing", "terminal", "seconds")
PUBLISHED = {"adversarial": "GAN", "combo": "Combo", "fbsde": "FBSDE"}  # a method, and how its published rows begin
PATHS = 3000
# The largest relative errors of S_0, sigma_0, mu_0, then clearing, terminal error and seconds; None: no target.
TARGETS: dict[str, tuple[float | None, ...]] = {
    "lq-10:adversarial": (2e-5, 2e-4, 4e-4, 1e-12, 1e-8, 600),
    "power-2:adversarial": (3e-4, 3e-4, 5e-4, None, None, None),
    "power-10:adversarial": (1e-4, 2e-3, None, 1e-10, None, None),
    "lq-100:adversarial": (5e-5, 1e-3, None, 1e-12, 1e-8, 900),
}


def hundred_agents() -> EquilibriumProblem:
    """Risk aversions from 1 to 1.9, random exposures, a tenth of a share per agent."""
    exposure = np.random.default_rng(0).normal(size=100) * 20
    return EquilibriumProblem(
        tuple(np.linspace(1, 1.9, 100)), tuple(exposure - exposure.mean()), horizon=0.2, supply=10.0, name="lq-100"
    )


def measured(
    found: EquilibriumSolution | PublishedRow, errors: EquilibriumErrors | PublishedRow, truth: EquilibriumSolution
) -> list[float]:
    """One row of numbers in the order of `COLUMNS`, without the seconds."""
    relative = [abs(getattr(found, name) / getattr(truth, name) - 1) for name in ("price", "volatility", "drift")]
    return [*relative, errors.clearing, errors.terminal]


def marked(value: float, target: float | None) -> str:
    """The number, with an exclamation mark where it misses its target."""
    missed = target is not None and not value <= target
    return f"{value:.2g}" + (" !" if missed else "")


def run(pair: str, seeds: int) -> None:
    """Print the table of one problem and method."""
    name, method = pair.split(":")
    problem = hundred_agents() if name == "lq-100" else load_problem(name)
    truth, targets = solve(problem), TARGETS.get(pair, (None,) * len(COLUMNS))
    title = f"{name} by {method}, {problem.timing}, against {truth.method}"
    table = Table("seed", *COLUMNS, title=title, title_justify="left")
    rows = []
    for seed in range(seeds):
        start = time.process_time()
        found = solve(problem, method=method, seed=seed)
        seconds = time.process_time() - start
        print(f"{pair}, seed {seed}: {seconds:.0f} s. {found.status}", file=sys.stderr)
        if not found.failed:
            rows.append([*measured(found, found.errors(0, PATHS), truth), seconds])
            table.add_row(str(seed), *map(marked, rows[-1], targets))
    table.add_section()
    if rows:
        table.add_row(f"worst of {len(rows)}", *map(marked, np.max(rows, axis=0), targets))
    table.add_row("target", *("-" if x is None else f"{x:g}" for x in targets))
    for row in published_rows(problem):
        if row.method.startswith(PUBLISHED[method]):
            table.add_row(f"{row.method} *", *(f"{x:.2g}" for x in measured(row, row, truth)), "-")
    Console().print(table, "* as published", sep="\n")


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1] / "examples"))
    importlib.import_module("equilibrium_baselines").register()
    for one in sys.argv[2:] or TARGETS:
        run(one, int(sys.argv[1]) if len(sys.argv) > 1 else 5)
