"""The solvers by name, and the verb `solve`."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simcal.equilibrium.problem import EquilibriumProblem, load_problem
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import check_names
from simcal.registry import Registry

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
METHODS: Registry[Method] = Registry("simcal.solvers", "a method")
"""The methods by name; one of your own stands beside them as ``METHODS["mine"] = Method(my_solver)``.

Other packages bring theirs as entry points of that group.
"""

METHODS.update(
    {
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
)


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


def _resolved(thing: Any) -> Any:
    return pkgutil.resolve_name(thing) if isinstance(thing, str) else thing
