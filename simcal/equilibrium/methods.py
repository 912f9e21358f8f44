"""The solvers by name, the verb `solve`, and several methods side by side."""

from __future__ import annotations

import pkgutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simcal.equilibrium.checks import Checks, check
from simcal.equilibrium.problem import EquilibriumProblem, load_problem
from simcal.equilibrium.published import PublishedRow, published_rows
from simcal.equilibrium.solution import EquilibriumErrors, EquilibriumSolution
from simcal.parameters import check_names

if TYPE_CHECKING:
    import pandas as pd

    from simcal.report import Section

Solver = Callable[..., EquilibriumSolution]


@dataclass(frozen=True)
class Method:
    """A solver and which problems it takes.

    Parameters
    ----------
    solver
        A function of the problem and options of its own, or where it is, "module:function", imported when first used.
    quadratic, two_agents
        Whether it needs power 2, whether it needs two agents.
    exact
        Whether it finds the equilibrium itself, up to a discretisation or approximation that refines.
    learns
        Whether it trains a network, which takes minutes.
    settings
        Of a method that learns: a class, or where it is, whose `of(problem)` has the usual number of ``iterations``.
    """

    solver: Solver | str
    quadratic: bool = False
    two_agents: bool = False
    exact: bool = True
    learns: bool = False
    settings: Any = None

    def takes(self, problem: EquilibriumProblem) -> bool:
        """Whether the method applies to the problem."""
        return (problem.power == 2 or not self.quadratic) and (problem.n_agents == 2 or not self.two_agents)

    def iterations(self, problem: EquilibriumProblem) -> int:
        """How long a training is where nothing else is asked for."""
        return _resolved(self.settings).of(problem).iterations


_HERE = "simcal.equilibrium"
METHODS: dict[str, Method] = {
    "frictionless": Method(f"{_HERE}.quadratic:solve_frictionless", exact=False),
    "riccati": Method(f"{_HERE}.quadratic:solve_riccati", quadratic=True),
    "discrete": Method(f"{_HERE}.quadratic:solve_discrete", quadratic=True),
    "modal": Method(f"{_HERE}.quadratic:solve_modal", quadratic=True),
    "quadrature": Method(f"{_HERE}.quadrature:solve_quadrature", two_agents=True),
    "collocation": Method(f"{_HERE}.collocation:solve_collocation"),
    "planner": Method(f"{_HERE}.planner:solve_planner"),
    "leading-order": Method(f"{_HERE}.leading_order:solve_leading_order", two_agents=True, exact=False),
    "adversarial": Method(
        f"{_HERE}.adversarial:solve_adversarial", learns=True, settings=f"{_HERE}.adversarial:AdversarialSettings"
    ),
}
"""The methods by name. One of your own stands beside them as ``METHODS["mine"] = Method(my_solver)``."""


def default_method(problem: EquilibriumProblem) -> str:
    """The exact method: "modal" for quadratic costs, "quadrature" for two agents, else "collocation"."""
    if problem.power == 2:
        return "modal"
    return "quadrature" if problem.n_agents == 2 else "collocation"


def methods_for(problem: EquilibriumProblem, *, learning: bool = False) -> list[str]:
    """The methods that take the problem, those that learn only if wanted; `exact` of each tells which are truths."""
    return [name for name, method in METHODS.items() if method.takes(problem) and (learning or not method.learns)]


def solve(
    problem: EquilibriumProblem | str | Path, *, method: str | None = None, **options: Any
) -> EquilibriumSolution:
    """Find the equilibrium of agents who trade one asset at a cost.

    Parameters
    ----------
    problem
        An `EquilibriumProblem`, the name of one in ``models/`` (such as "lq-10") or a TOML file.
    method
        A name in `METHODS`; without one the exact solver of `default_method`.
    options
        Of the chosen solver, as its function lists them.

    Raises
    ------
    ParameterError
        Where the method is not known or does not take this problem.

    Examples
    --------
    >>> found = solve("lq-5")
    >>> found.method, round(found.price, 6), round(found.volatility, 6)
    ('modal', 0.341273, 1.063802)
    """
    if not isinstance(problem, EquilibriumProblem):
        problem = load_problem(problem)
    name = default_method(problem) if method is None else method
    check_names([name], METHODS, "a method")
    return _resolved(METHODS[name].solver)(problem, **options)


@dataclass(frozen=True, eq=False)
class Solved:
    """One method's solution, and the CPU seconds it took; on fresh paths its errors and, where wanted, its checks.

    Neither is there for a solution that failed.
    """

    solution: EquilibriumSolution
    errors: EquilibriumErrors | None
    seconds: float
    checks: Checks | None = None

    def row(self) -> dict[str, Any]:
        """The numbers of a table: those at time 0, then goal, clearing and terminal error with standard errors."""
        found, errors = self.solution, self.errors
        row: dict[str, Any] = {
            "method": found.method, "price": found.price, "drift": found.drift, "volatility": found.volatility,
        }  # fmt: skip
        for name in ("goal", "goal_se", "clearing", "clearing_se", "terminal", "terminal_se"):
            row[name] = None if errors is None else getattr(errors, name)
        return {**row, "seconds": self.seconds, "status": found.status}

    def summary(self) -> dict[str, pd.DataFrame]:
        """Tables of numbers as text, by title."""
        from simcal.equilibrium.report import summary_of_one

        return summary_of_one(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        errors, checks = (None if x is None else x.to_dict() for x in (self.errors, self.checks))
        return {**self.solution.to_dict(), "errors": errors, "seconds": self.seconds, "checks": checks}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Methods on one problem, and the rows published for it (none for a problem of one's own).

    `seed` and `n_paths` are those of the paths on which goals and errors were measured.
    """

    problem: EquilibriumProblem
    solved: list[Solved]
    published: list[PublishedRow]
    seed: int = 0
    n_paths: int = 3000

    def table(self) -> pd.DataFrame:
        """One row per method, those published last; the column ``source`` says which is which."""
        import pandas as pd

        rows = [{"source": "simcal", **x.row()} for x in self.solved]
        rows += [{"source": "published", **asdict(x)} for x in self.published]
        return pd.DataFrame(rows, columns=list(rows[0]))

    def summary(self) -> dict[str, pd.DataFrame]:
        """Tables of numbers as text, by title."""
        from simcal.equilibrium.report import summary_of_all

        return summary_of_all(self)

    def sections(self) -> list[Section]:
        """What a report shows: numbers, figures over time, checks and the problem."""
        from simcal.equilibrium.report import sections_of_all

        return sections_of_all(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "problem": self.problem.to_dict(), "solved": [x.row() for x in self.solved],
            "published": [asdict(x) for x in self.published],
        }  # fmt: skip


def solve_and_measure(
    problem: EquilibriumProblem, method: str | None = None, *, seed: int = 0, n_paths: int = 3000,
    checks: bool = False, options: Mapping[str, Any] | None = None,
) -> Solved:  # fmt: skip
    """`solve` with `options`, timed, and its errors on `n_paths` fresh paths; `checks` on others, as many or fewer."""
    start = time.process_time()
    found = solve(problem, method=method, **options or {})
    seconds = time.process_time() - start
    if found.failed:
        return Solved(found, None, seconds)
    errors = found.errors(seed, n_paths)
    sizes = {"n_paths": min(max(n_paths, 2), 2000), "n_fit": min(max(n_paths, 50), 1000)}
    return Solved(found, errors, seconds, check(found, **sizes) if checks else None)


def compare(
    problem: EquilibriumProblem,
    methods: Sequence[str] | None = None,
    *,
    seed: int = 0,
    n_paths: int = 3000,
    checks: bool = False,
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

    Other Parameters
    ----------------
    checks
        Whether each solution is checked as well.
    training
        Options of every method that learns, such as ``{"budget": 60.0}``, seconds for each.
    listen
        Called with the name of each method before it starts.
    """
    solved = []
    for method in methods_for(problem, learning=training is not None) if methods is None else methods:
        if listen is not None:
            listen(method)
        options = training if METHODS[method].learns else None
        solved.append(solve_and_measure(problem, method, seed=seed, n_paths=n_paths, checks=checks, options=options))
    return Comparison(problem, solved, published_rows(problem), seed, n_paths)


def _resolved(thing: Any) -> Any:
    return pkgutil.resolve_name(thing) if isinstance(thing, str) else thing
