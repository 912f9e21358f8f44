"""What every solver returns: the price process at time 0, a feedback, and how well it holds on simulated paths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.simulation import EquilibriumPaths, Policy, simulate, steps
from simcal.noise import check_integer


@dataclass(frozen=True, eq=False)
class EquilibriumErrors:
    """Errors and goals on simulated paths, each mean with its standard error (None for a single path).

    Parameters
    ----------
    terminal, terminal_se
        Mean of (S_T - dividend)^2.
    terminal_bias
        Mean of S_T - dividend.
    clearing, clearing_se
        Mean over paths and steps of (mean over agents of the rates)^2, the published measure.
    excess
        Largest distance of the sum of positions from the supply.
    goals, goals_se
        J_n of each agent, shape (n_agents,).
    goal, goal_se
        Sum of J_n over the agents.
    published_goal
        `goal` / (n_agents * n_steps * horizon), as the published tables show it.
    """

    n_paths: int
    seed: int
    terminal: float
    terminal_se: float | None
    terminal_bias: float
    clearing: float
    clearing_se: float | None
    excess: float
    goals: np.ndarray
    goals_se: np.ndarray | None
    goal: float
    goal_se: float | None
    published_goal: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values; the goals of the single agents as lists."""
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(self).items()}


@dataclass(frozen=True, eq=False)
class EquilibriumSolution:
    """An equilibrium as one solver found it.

    Parameters
    ----------
    problem, method
        What was solved and how.
    price, drift, volatility
        S_0, mu_0, sigma_0.
    mean_volatility
        E sigma_k of each step, shape (n_steps,).
    policy
        ``policy(k, positions, brownian)`` gives volatility, drift and rates of step k for positions (n_paths, N) and
        W (n_paths,).
    status
        A sentence: what happened. A solver that fails says so here and leaves NaN.
    details
        What only this solver knows, by name.
    """

    problem: EquilibriumProblem
    method: str
    price: float
    drift: float
    volatility: float
    mean_volatility: np.ndarray
    policy: Policy
    status: str = "Solved."
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether a number is missing; `status` says why."""
        numbers = (self.price, self.drift, self.volatility)
        return not (all(map(math.isfinite, numbers)) and bool(np.isfinite(self.mean_volatility).all()))

    @property
    def liquidity_discount(self) -> float:
        """How far S_0 lies below the price without trading costs."""
        p = self.problem
        return (
            p.dividend_mean - p.aggregate_risk_aversion * p.supply * p.dividend_volatility**2
        ) * p.horizon - self.price

    def simulate(self, seed: int = 0, n_paths: int = 1000, *, first_path: int = 0) -> EquilibriumPaths:
        """Paths of W, S, positions and rates in the timing of the problem; path k is the same whatever their number."""
        check_integer("n_paths", n_paths, 1, 2**32 - 1)
        return simulate(self.problem, self.policy, self.price, seed, n_paths, first_path)

    def errors(self, seed: int = 0, n_paths: int = 3000, *, first_path: int = 0) -> EquilibriumErrors:
        """Terminal and clearing error and goals on fresh paths, with standard errors.

        The goals count the costs of the rates and the price dynamics of the solution, right or wrong.
        """
        check_integer("n_paths", n_paths, 1, 2**32 - 1)
        p = self.problem
        goals, clearing, excess = np.zeros((n_paths, p.n_agents)), np.zeros(n_paths), 0.0
        price, brownian = np.empty(0), np.empty(0)
        for step in steps(p, self.policy, self.price, seed, n_paths, first_path):
            risk = step.volatility[:, None] * step.held + p.xi * step.brownian[:, None]
            reward = step.held * step.drift[:, None] - p.gamma / 2 * risk**2 - p.cost_of(step.rates)
            goals += reward * p.step
            clearing += step.rates.mean(axis=1) ** 2 / p.n_steps
            excess = max(excess, float(np.abs(step.next_positions.sum(axis=1) - p.supply).max()))
            price, brownian = step.next_price, step.next_brownian
        miss = price - (p.dividend_mean * p.horizon + p.dividend_volatility * brownian)
        total = goals.sum(axis=1)
        return EquilibriumErrors(
            n_paths, seed,
            terminal=float(np.mean(miss**2)), terminal_se=_standard_error(miss**2), terminal_bias=float(miss.mean()),
            clearing=float(clearing.mean()), clearing_se=_standard_error(clearing), excess=excess,
            goals=goals.mean(axis=0),
            goals_se=goals.std(axis=0, ddof=1) / math.sqrt(n_paths) if n_paths > 1 else None,
            goal=float(total.mean()), goal_se=_standard_error(total),
            published_goal=float(total.mean()) / (p.n_agents * p.n_steps * p.horizon),
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the problem, the method, the numbers, the status and the details."""
        return {
            "problem": self.problem.to_dict(), "method": self.method, "status": self.status, "price": self.price,
            "drift": self.drift, "volatility": self.volatility, "liquidity_discount": self.liquidity_discount,
            "mean_volatility": self.mean_volatility.tolist(), "details": dict(self.details),
        }  # fmt: skip


def _standard_error(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1) / math.sqrt(values.size)) if values.size > 1 else None
