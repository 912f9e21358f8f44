"""The discrete scheme, written once: a feedback for volatility, drift and rates becomes paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.noise import normals

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
        held = positions if problem.timing == "pre-trade" else after
        now = Step(
            brownian, prices, positions, np.broadcast_to(volatility, n_paths), np.broadcast_to(drift, n_paths),
            rates, held, brownian + increment, prices + drift * delta + volatility * increment, after,
        )  # fmt: skip
        yield now
        brownian, prices, positions = now.next_brownian, now.next_price, now.next_positions


def simulate(
    problem: EquilibriumProblem, policy: Policy, price: float, seed: int, n_paths: int, first_path: int = 0
) -> EquilibriumPaths:
    """All steps, kept; memory grows as n_paths * n_steps * n_agents."""
    n, agents = problem.n_steps, problem.n_agents
    paths = EquilibriumPaths(
        problem,
        brownian=np.zeros((n_paths, n + 1)),
        price=np.full((n_paths, n + 1), float(price)),
        positions=np.tile(problem.initial_positions, (n_paths, n + 1, 1)),
        volatility=np.empty((n_paths, n)),
        drift=np.empty((n_paths, n)),
        rates=np.empty((n_paths, n, agents)),
    )
    for k, step in enumerate(steps(problem, policy, price, seed, n_paths, first_path)):
        paths.volatility[:, k], paths.drift[:, k], paths.rates[:, k] = step.volatility, step.drift, step.rates
        paths.brownian[:, k + 1], paths.price[:, k + 1] = step.next_brownian, step.next_price
        paths.positions[:, k + 1] = step.next_positions
    return paths
