"""The solvers by name, and the verb `solve`. A solver's code is imported when it is asked for."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simcal.equilibrium.problem import EquilibriumProblem, load_problem
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.parameters import check_names


@dataclass(frozen=True)
class Method:
    """Where a solver lives and which problems it takes.

    Parameters
    ----------
    module, function
        In `simcal.equilibrium`; called with the problem and the solver's own options.
    quadratic, two_agents
        Whether it needs power 2, whether it needs two agents.
    exact
        Whether it finds the equilibrium itself, up to a discretisation or approximation that refines.
    learns
        Whether it trains a network, which takes minutes.
    """

    module: str
    function: str
    quadratic: bool = False
    two_agents: bool = False
    exact: bool = True
    learns: bool = False

    def takes(self, problem: EquilibriumProblem) -> bool:
        """Whether the method applies to the problem."""
        return (problem.power == 2 or not self.quadratic) and (problem.n_agents == 2 or not self.two_agents)


METHODS: dict[str, Method] = {
    "frictionless": Method("frictionless", "solve_frictionless", exact=False),
    "riccati": Method("riccati", "solve_riccati", quadratic=True),
    "discrete": Method("discrete", "solve_discrete", quadratic=True),
    "modal": Method("modal", "solve_modal", quadratic=True),
    "quadrature": Method("quadrature", "solve_quadrature", two_agents=True),
    "collocation": Method("collocation", "solve_collocation"),
    "planner": Method("planner.solver", "solve_planner"),
    "leading-order": Method("leading_order", "solve_leading_order", two_agents=True, exact=False),
    "adversarial": Method("adversarial", "solve_adversarial", learns=True),
    "combo": Method("baselines", "solve_combo", exact=False, learns=True),
    "fbsde": Method("baselines", "solve_fbsde", exact=False, learns=True),
}


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
    """
    if not isinstance(problem, EquilibriumProblem):
        problem = load_problem(problem)
    name = default_method(problem) if method is None else method
    check_names([name], METHODS, "a method")
    home = METHODS[name]
    return getattr(importlib.import_module(f"simcal.equilibrium.{home.module}"), home.function)(problem, **options)
