"""What every solver returns: the price process at time 0, a feedback, its paths, and how well it holds on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.noise import check_integer, normals

_NUMBERS = 4_000_000  # positions held in memory at a time
# (step k, positions (n_paths, N), Brownian motion (n_paths,)) -> (volatility, drift, rates (n_paths, N)); the first two
# are numbers or arrays (n_paths,).
Policy = Callable[[int, np.ndarray, np.ndarray], tuple[np.ndarray | float, np.ndarray | float, np.ndarray]]


@dataclass(frozen=True, eq=False)
class EquilibriumPaths:
    """Simulated paths of an equilibrium.

    Parameters
    ----------
    brownian, price
        W and S at the times of `time`, shape (n_paths, n_steps + 1).
    positions
        phi, shape (n_paths, n_steps + 1, n_agents).
    volatility, drift
        sigma and mu of each step, shape (n_paths, n_steps).
    rates
        Trading rates of each step, shape (n_paths, n_steps, n_agents), shares per unit of time.
    """

    problem: EquilibriumProblem
    brownian: np.ndarray
    price: np.ndarray
    positions: np.ndarray
    volatility: np.ndarray
    drift: np.ndarray
    rates: np.ndarray

    @property
    def time(self) -> np.ndarray:
        """t_0 to t_T, shape (n_steps + 1,)."""
        return np.linspace(0, self.problem.horizon, self.problem.n_steps + 1)

    def measures(self) -> dict[str, np.ndarray]:
        """What each path says of the solution, by name; the first axis are the paths.

        ``goals`` (n_paths, n_agents) and ``cost``, the risk and trading cost of all agents; ``miss`` and ``terminal``,
        the price at the end less the dividend, and its square; ``clearing``, the mean of (mean rate)^2; ``excess``, the
        largest distance of the sum of positions from the supply; ``volume`` and ``costs`` per unit of time.
        """
        p, paid = self.problem, self.problem.cost_of(self.rates)
        held = p.held(self.positions[:, :-1], self.rates)
        risk = self.volatility[..., None] * held + p.xi * self.brownian[:, :-1, None]
        losses = ((p.gamma / 2 * risk**2 + paid) * p.step).sum(axis=1)
        miss = self.price[:, -1] - p.dividend_mean * p.horizon - p.dividend_volatility * self.brownian[:, -1]
        return {
            "goals": (held * self.drift[..., None]).sum(axis=1) * p.step - losses,
            "cost": losses.sum(axis=1),
            "miss": miss,
            "terminal": miss**2,
            "clearing": (self.rates.mean(axis=2) ** 2).mean(axis=1),
            "excess": np.abs(self.positions.sum(axis=2) - p.supply).max(axis=1),
            "volume": np.abs(self.rates).sum(axis=2).mean(axis=1) / 2,
            "costs": paid.sum(axis=2).mean(axis=1),
        }


def means(measured: Mapping[str, np.ndarray], *names: str) -> dict[str, Any]:
    """Mean of each over the paths as `name`, and its standard error as `name`_se, None for a single path."""
    found: dict[str, Any] = {}
    for name in names:
        values = measured[name]
        error = values.std(axis=0, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else None
        for key, x in ((name, values.mean(axis=0)), (f"{name}_se", error)):
            found[key] = float(x) if x is not None and values.ndim == 1 else x
    return found


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
        return self.problem.frictionless_price - self.price

    @classmethod
    def of(
        cls, problem: EquilibriumProblem, method: str, price: float, policy: Policy, status: str,
        details: Mapping[str, Any], *, drift: float | None = None, volatility: float | None = None,
    ) -> Self:  # fmt: skip
        """The solution with this price and policy.

        Drift and volatility are those of the initial state unless they are known better; the mean of the volatility is
        over 2000 paths of seed 0.
        """
        start = [float(np.ravel(x)[0]) for x in policy(0, problem.initial_positions[None], np.zeros(1))[:2]]
        volatility = start[0] if volatility is None else volatility
        if drift is None:
            # Else it is a ratio of numbers near 0 there, and this, as all marginal values vanish, is its limit.
            limit = problem.aggregate_risk_aversion * problem.supply * volatility**2
            drift = start[1] if problem.clears_at_mean else limit
        unknown = np.full(problem.n_steps, np.nan)
        found = cls(problem, method, price, drift, volatility, unknown, policy, status, details)
        seen = found.measured(0, 2000, lambda paths: {"volatility": paths.volatility})
        return replace(found, mean_volatility=seen["volatility"].mean(axis=0))

    @classmethod
    def failure(
        cls, problem: EquilibriumProblem, method: str, status: str, details: Mapping[str, Any] | None = None
    ) -> Self:
        """What a solver hands back that found nothing: NaN, and the reason."""
        nan = float("nan")

        def policy(_: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            missing = np.full(len(brownian), nan)
            return missing, missing, np.full(positions.shape, nan)

        none = np.full(problem.n_steps, nan)
        return cls(problem, method, nan, nan, nan, none, policy, status, details or {})

    def simulate(self, seed: int = 0, n_paths: int = 1000, *, first_path: int = 0) -> EquilibriumPaths:
        """Paths of W, S, positions and rates in the timing of the problem; path k is the same whatever their number.

        Memory grows as n_paths * n_steps * n_agents.
        """
        check_integer("n_paths", n_paths, 1, 2**32 - 1)
        p, delta = self.problem, self.problem.step
        moves = normals(seed, first_path, n_paths, 1, p.n_steps, 1)[:, 0] * np.sqrt(delta)
        brownian = np.concatenate([np.zeros((1, n_paths)), moves.cumsum(axis=0)])
        positions = np.tile(p.initial_positions, (p.n_steps + 1, n_paths, 1))
        volatility, drift, rates = np.empty_like(moves), np.empty_like(moves), np.empty_like(positions[1:])
        for k in range(p.n_steps):
            volatility[k], drift[k], rates[k] = self.policy(k, positions[k], brownian[k])
            positions[k + 1] = positions[k] + rates[k] * delta
        changes = np.concatenate([np.full((1, n_paths), self.price), drift * delta + volatility * moves])
        tables = brownian, changes.cumsum(axis=0), positions, volatility, drift, rates
        return EquilibriumPaths(p, *(table.swapaxes(0, 1) for table in tables))

    def measured(
        self, seed: int, n_paths: int, measure: Callable[[EquilibriumPaths], dict[str, np.ndarray]] | None = None,
        *, first_path: int = 0,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """What `measure` says of each path (`EquilibriumPaths.measures`), of as many at a time as memory holds."""
        check_integer("n_paths", n_paths, 1, 2**32 - 1)
        size = max(_NUMBERS // (self.problem.n_steps * self.problem.n_agents), 1)
        parts = [
            (measure or EquilibriumPaths.measures)(
                self.simulate(seed, min(size, n_paths - first), first_path=first_path + first)
            )
            for first in range(0, n_paths, size)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def errors(self, seed: int = 0, n_paths: int = 3000, *, first_path: int = 0) -> EquilibriumErrors:
        """Terminal and clearing error and goals on fresh paths, with standard errors.

        The goals count the costs of the rates and the price dynamics of the solution, right or wrong.
        """
        p, found = self.problem, self.measured(seed, n_paths, first_path=first_path)
        found["goal"] = found["goals"].sum(axis=1)
        return EquilibriumErrors(
            n_paths, seed, **means(found, "terminal", "clearing", "goals", "goal"),
            terminal_bias=float(found["miss"].mean()), excess=float(found["excess"].max()),
            published_goal=float(found["goal"].mean()) / (p.n_agents * p.n_steps * p.horizon),
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the problem, the method, the numbers, the status and the details."""
        return {
            "problem": self.problem.to_dict(), "method": self.method, "status": self.status, "price": self.price,
            "drift": self.drift, "volatility": self.volatility, "liquidity_discount": self.liquidity_discount,
            "mean_volatility": self.mean_volatility.tolist(), "details": dict(self.details),
        }  # fmt: skip
