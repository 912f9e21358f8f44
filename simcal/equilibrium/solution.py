"""What every solver returns: the price process at time 0, a feedback, its paths, and how well it holds on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.noise import check_integer, normals

if TYPE_CHECKING:
    pass

# (step k, positions (n_paths, N), Brownian motion (n_paths,)) -> (volatility, drift, rates (n_paths, N)); the first two
# are numbers or arrays (n_paths,).
Policy = Callable[[int, np.ndarray, np.ndarray], tuple[np.ndarray | float, np.ndarray | float, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Step:
    """What happens from t_k to t_(k+1): arrays (n_paths,), of positions and rates (n_paths, N).

    `held` are the positions that the running reward counts: those before the trade in "pre-trade" timing, else those
    after it.
    """

    brownian: np.ndarray
    price: np.ndarray
    positions: np.ndarray
    volatility: np.ndarray
    drift: np.ndarray
    rates: np.ndarray
    held: np.ndarray
    next_brownian: np.ndarray
    next_price: np.ndarray
    next_positions: np.ndarray


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


def steps(
    problem: EquilibriumProblem, policy: Policy, price: float, seed: int, n_paths: int, first_path: int = 0
) -> Iterator[Step]:
    """The steps of `n_paths` paths that start at `price` and the initial positions.

    The increment of W from t_k to t_(k+1) is draw (seed, path, step k + 1, stream 0) of `simcal.noise`.
    """
    delta = problem.step
    increments = normals(seed, first_path, n_paths, 1, problem.n_steps, 1)[:, 0] * np.sqrt(delta)
    brownian, prices = np.zeros(n_paths), np.full(n_paths, float(price))
    positions = np.tile(problem.initial_positions, (n_paths, 1))
    for k, increment in enumerate(increments):
        volatility, drift, rates = policy(k, positions, brownian)
        after = positions + rates * delta
        now = Step(
            brownian, prices, positions, np.broadcast_to(volatility, n_paths), np.broadcast_to(drift, n_paths),
            rates, problem.held(positions, rates), brownian + increment,
            prices + drift * delta + volatility * increment, after,
        )  # fmt: skip
        yield now
        brownian, prices, positions = now.next_brownian, now.next_price, now.next_positions


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
        details: Mapping[str, Any],
    ) -> Self:  # fmt: skip
        """The solution with this price and policy; drift and volatility are those of the initial state."""
        start = policy(0, problem.initial_positions[None], np.zeros(1))
        volatility, drift = (float(np.ravel(x)[0]) for x in start[:2])
        if not problem.clears_at_mean:
            # The drift is a ratio of numbers near 0 there; as all marginal values vanish, this is its limit.
            drift = problem.aggregate_risk_aversion * problem.supply * volatility**2
        means = mean_volatility(problem, policy, price)
        return cls(problem, method, price, drift, volatility, means, policy, status, details)

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
        rows = list(steps(self.problem, self.policy, self.price, seed, n_paths, first_path))
        names = "brownian", "price", "positions", "volatility", "drift", "rates"
        table = {name: [getattr(row, name) for row in rows] for name in names}
        for name in names[:3]:
            table[name].append(getattr(rows[-1], f"next_{name}"))
        return EquilibriumPaths(self.problem, **{name: np.stack(x, axis=1) for name, x in table.items()})

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


def mean_volatility(problem: EquilibriumProblem, policy: Policy, price: float, n_paths: int = 2000) -> np.ndarray:
    """Mean of sigma_k over simulated paths of seed 0, shape (n_steps,), where volatility depends on the state."""
    return np.array([step.volatility.mean() for step in steps(problem, policy, price, 0, n_paths)])


def _standard_error(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1) / math.sqrt(values.size)) if values.size > 1 else None
