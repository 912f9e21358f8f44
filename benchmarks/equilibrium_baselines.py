"""Errors of the fair baselines beside the published ones: `python benchmarks/equilibrium_baselines.py [seeds] [cases]`.

Every seed trains anew on one thread with the default settings; S_0, sigma_0 and mu_0 are compared with the truth of the
same steps and timing. Per method the worst seed of each column counts, and how many seeds gave finite numbers.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from simcal.equilibrium import EquilibriumErrors, EquilibriumSolution, load_problem, solve
from simcal.equilibrium.published import PublishedRow, published_rows

COLUMNS = ("S_0", "sigma_0", "mu_0", "clearing", "terminal")
CASES = ("lq-10", "power-2", "power-10")
BASELINES = {"combo": "Combo", "fbsde": "FBSDE"}  # simcal's name and how the published rows begin
PATHS = 3000


def measured(
    found: EquilibriumSolution | PublishedRow, errors: EquilibriumErrors | PublishedRow, truth: EquilibriumSolution
) -> list[float]:
    """One row of numbers in the order of `COLUMNS`."""
    relative = [abs(getattr(found, name) / getattr(truth, name) - 1) for name in ("price", "volatility", "drift")]
    return [*relative, errors.clearing, errors.terminal]


def run(name: str, seeds: int) -> None:
    """Train both baselines on one case and print its table."""
    problem, console = load_problem(name), Console()
    truth = solve(problem)
    table = Table(title=f"{name}, worst of {seeds} seeds, against {truth.method}", title_justify="left")
    for heading in ("method", *COLUMNS, "seconds", "finite"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for method in BASELINES:
        rows, seconds = [], []
        for seed in range(seeds):
            start = time.process_time()
            found = solve(problem, method=method, seed=seed)
            seconds.append(time.process_time() - start)
            if found.failed:
                console.print(f"{method}, seed {seed}: {found.status}")
                continue
            rows.append(measured(found, found.errors(0, PATHS), truth))
            console.print(f"{method}, seed {seed}:", *(f"{x:.2g}" for x in rows[-1]), f"{seconds[-1]:.0f} s")
        worst = np.max(rows, axis=0) if rows else np.full(len(COLUMNS), np.nan)
        table.add_row(
            method,
            *(f"{x:.2g}" for x in worst),
            f"{max(seconds):.0f}",
            f"{np.isfinite(rows).all(axis=1).sum()}/{seeds}",
        )
    table.add_section()
    for row in published_rows(problem):
        if row.method.startswith(tuple(BASELINES.values())):
            numbers = measured(row, row, truth)
            shown = (f"{x:.2g}" for x in numbers)
            table.add_row(f"{row.method} *", *shown, "-", "yes" if np.isfinite(numbers).all() else "no")
    console.print(table, "* as published, one seed", sep="\n")


def register() -> None:
    """Make the methods of the example, which bears this file's name, known."""
    path = Path(__file__).parents[1] / "examples" / "equilibrium_baselines.py"
    spec = importlib.util.spec_from_file_location("baselines_of_the_paper", path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.register()


if __name__ == "__main__":
    register()
    for case in sys.argv[2:] or CASES:
        run(case, int(sys.argv[1]) if len(sys.argv) > 1 else 5)
