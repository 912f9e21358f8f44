"""Several methods on one problem, in one table beside what was published."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from simcal.equilibrium.methods import METHODS, methods_for, solve
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.published import PublishedRow, published_rows
from simcal.equilibrium.solution import EquilibriumErrors, EquilibriumSolution

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Solved:
    """One method's solution, its errors on fresh paths (None where it failed) and the CPU seconds it took."""

    solution: EquilibriumSolution
    errors: EquilibriumErrors | None
    seconds: float

    def row(self) -> dict[str, Any]:
        """The numbers of a table: those at time 0, then goal, clearing and terminal error with standard errors."""
        found, errors = self.solution, self.errors
        row: dict[str, Any] = {
            "method": found.method, "price": found.price, "drift": found.drift, "volatility": found.volatility,
        }  # fmt: skip
        for name in ("goal", "goal_se", "clearing", "clearing_se", "terminal", "terminal_se"):
            row[name] = None if errors is None else getattr(errors, name)
        return {**row, "seconds": self.seconds, "status": found.status}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Methods on one problem, and the rows published for it (none for a problem of one's own)."""

    problem: EquilibriumProblem
    solved: list[Solved]
    published: list[PublishedRow]

    def table(self) -> pd.DataFrame:
        """One row per method, those published last; the column ``source`` says which is which."""
        import pandas as pd

        rows = [{"source": "simcal", **x.row()} for x in self.solved]
        rows += [{"source": "published", **asdict(x)} for x in self.published]
        return pd.DataFrame(rows, columns=list(rows[0]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "problem": self.problem.to_dict(), "solved": [x.row() for x in self.solved],
            "published": [asdict(x) for x in self.published],
        }  # fmt: skip


def solve_and_measure(
    problem: EquilibriumProblem, method: str | None = None, *, seed: int = 0, n_paths: int = 3000, **options: Any
) -> Solved:
    """`solve` with `options`, timed, and its errors on `n_paths` fresh paths."""
    return _measured(problem, method, seed, n_paths, options)


def compare(
    problem: EquilibriumProblem,
    methods: Sequence[str] | None = None,
    *,
    seed: int = 0,
    n_paths: int = 3000,
    training: Mapping[str, Any] | None = None,
    listen: Callable[[str], None] | None = None,
) -> Comparison:
    """Solve one problem by several methods, on the same paths.

    Parameters
    ----------
    problem
        All methods take its steps and timing.
    methods
        Names in `METHODS`; without them all that take the problem and, unless there is a `training`, learn nothing.
    seed, n_paths
        Of the paths on which goals and errors are measured.
    training
        Options of every method that learns, such as ``{"budget": 60.0}``, seconds for each.
    listen
        Called with the name of each method before it starts.
    """
    solved = []
    for method in methods_for(problem, learning=training is not None) if methods is None else methods:
        if listen is not None:
            listen(method)
        options = training if training is not None and METHODS[method].learns else {}
        solved.append(_measured(problem, method, seed, n_paths, options))
    return Comparison(problem, solved, published_rows(problem))


def _measured(
    problem: EquilibriumProblem, method: str | None, seed: int, n_paths: int, options: Mapping[str, Any]
) -> Solved:
    start = time.process_time()
    found = solve(problem, method=method, **options)
    seconds = time.process_time() - start
    return Solved(found, None if found.failed else found.errors(seed, n_paths), seconds)
