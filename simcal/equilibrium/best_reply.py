"""A small trader against the prices of an equilibrium: the best policy at its own cost, and what it gains exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simcal.equilibrium.market import EquilibriumMarket
from simcal.equilibrium.solution import EquilibriumPaths, EquilibriumSolution
from simcal.equilibrium.solution_market import to_market
from simcal.errors import ParameterError
from simcal.parameters import Parameter

_COST = Parameter("cost", 0.01, "c(v) = (cost / 2) v^2 of the small trader", low=0, open=True)
_RISK = Parameter("risk_aversion", 1.0, "of the small trader", low=0, open=True)
_EXPOSURE = Parameter("exposure", 0.0, "of the small trader's endowment per unit of W")
_POSITION = Parameter("position", 0.0, "of the small trader at the start")


@dataclass(frozen=True, eq=False)
class BestReply:
    """The best policy of one small trader, and what it is worth.

    Parameters
    ----------
    goal, holding
        Its goal J with this policy, and without any trade; exact expectations.
    volume, costs
        Root mean square rate over the horizon, and expected costs, in money.
    own, market
        The rate in step k is ``own[k] * position + market[k] @ (1, deviations of the agents, W)``, shapes (n_steps,)
        and (n_steps, n_agents + 2).
    position
        At the start.
    """

    solution: EquilibriumSolution
    position: float
    cost: float
    goal: float
    holding: float
    volume: float
    costs: float
    own: np.ndarray
    market: np.ndarray

    @property
    def gain(self) -> float:
        """What trading is worth: `goal` less `holding`, at least 0."""
        return self.goal - self.holding

    def follow(self, paths: EquilibriumPaths) -> tuple[np.ndarray, np.ndarray]:
        """Positions (n_paths, n_steps + 1) and profit after costs (n_paths, n_steps) along paths of the solution.

        The trader is small: its trades leave these prices as they are. Profit is that of the asset alone, without
        endowment, of the position that the running reward counts.
        """
        problem = self.solution.problem
        n, steps = paths.volatility.shape
        positions, profit = np.full((n, steps + 1), self.position), np.empty((n, steps))
        for k in range(steps):
            state = _state(paths.positions[:, k] - problem.initial_positions, paths.brownian[:, k])
            rate = self.own[k] * positions[:, k] + state @ self.market[k]
            positions[:, k + 1] = positions[:, k] + rate * problem.step
            held = positions[:, k + (problem.timing == "post-trade")]
            change = paths.price[:, k + 1] - paths.price[:, k]
            profit[:, k] = held * change - self.cost / 2 * rate**2 * problem.step
        return positions, profit

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without the policy."""
        names = ("position", "cost", "goal", "holding", "gain", "volume", "costs")
        return {name: getattr(self, name) for name in names}


def best_reply(
    solution: EquilibriumSolution,
    *,
    risk_aversion: float,
    exposure: float = 0.0,
    cost: float | None = None,
    position: float | None = None,
) -> BestReply:
    r"""The policy that maximises a small trader's goal against the prices of a solution with quadratic costs.

    The trader takes prices as given, sees what moves them, and pays its own cost. With :math:`z = (1, \psi, W)`, which
    it does not move, and its position p, values are :math:`-\tfrac12 a p^2 + p\, c \cdot z` plus what it does not
    choose; backwards, with :math:`z_{k+1} = M z_k` in the mean and in pre-trade timing,

    .. math:: v = \frac{c_{k+1} \cdot M z - a_{k+1} p}{\lambda + a_{k+1} \Delta}, \quad
        a_k = g \sigma^2 \Delta + \frac{\lambda a_{k+1}}{\lambda + a_{k+1} \Delta} .

    An agent of the equilibrium that is asked for its best reply does what it does: that is what equilibrium means. A
    trader so large that its trades move prices is another equilibrium: add it to the agents, and solve again.

    Parameters
    ----------
    solution
        Of "discrete" or "modal": exact for its steps, so that the reply is.
    risk_aversion, exposure
        Of the small trader.

    Other Parameters
    ----------------
    cost
        Of the small trader; that of the agents when absent.
    position
        At the start; the one it would hold without costs when absent.

    Raises
    ------
    ParameterError
        Where the solution has failed or has no linear policy, or a value is not allowed.
    """
    market, problem = to_market(solution), solution.problem
    if not isinstance(market, EquilibriumMarket):
        raise ParameterError(
            f"The best reply to the solution by {solution.method!r} is known for quadratic costs and at most 100 "
            "agents only; what an agent could gain against other solutions is measured by simcal.equilibrium.check."
        )
    g = float(np.ravel(_RISK.check(risk_aversion))[0])
    x = float(np.ravel(_EXPOSURE.check(exposure))[0])
    scale = float(np.ravel(_COST.check(problem.cost_factor if cost is None else cost))[0])
    frictionless = problem.aggregate_risk_aversion * problem.supply / g
    start = float(np.ravel(_POSITION.check(frictionless if position is None else position))[0])
    moves, drifts = _dynamics(market)
    own, others = _policy(market, moves, drifts, g, x, scale)
    goal, rates, costs = _expected(market, moves, drifts, own, others, (g, x, scale, start))
    holding = _expected(market, moves, drifts, 0 * own, 0 * others, (g, x, scale, start))[0]
    volume = float(np.sqrt(rates))
    return BestReply(solution, start, scale, goal, holding, volume, costs, own, others)


def _state(deviations: np.ndarray, brownian: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(brownian)), deviations, brownian])


def _dynamics(market: EquilibriumMarket) -> tuple[np.ndarray, np.ndarray]:
    """Mean of z after each step, (n_steps, m, m), and the drift as a function of z, (n_steps, m)."""
    agents, steps, delta = market.n_agents, market.steps_per_period, market.step
    gamma, xi, start = np.array(market.risk_aversion), np.array(market.exposure), market.initial_positions
    moves, drifts = np.tile(np.eye(agents + 2), (steps, 1, 1)), np.empty((steps, agents + 2))
    moves[:, 1:-1, 1:-1] -= np.array(market.feedback) * delta
    moves[:, 1:-1, -1] -= np.array(market.hedge) * delta
    for k, sigma in enumerate(market.volatility):
        held = np.eye(agents + 2) if market.timing == "pre-trade" else moves[k]
        drifts[k] = sigma / agents * (sigma * gamma @ held[1:-1])
        drifts[k, 0] += sigma**2 / agents * (gamma @ start)
        drifts[k, -1] += sigma / agents * (gamma @ xi)
    return moves, drifts


def _policy(
    market: EquilibriumMarket, moves: np.ndarray, drifts: np.ndarray, g: float, x: float, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    delta, post = market.step, market.timing == "post-trade"
    own, others = np.empty(len(moves)), np.empty_like(drifts)
    a, c = 0.0, np.zeros(drifts.shape[1])
    for k in range(len(moves) - 1, -1, -1):
        risk, earned = g * market.volatility[k] ** 2 * delta, drifts[k] * delta
        earned[-1] -= g * market.volatility[k] * x * delta
        after, ahead = (a + risk, c @ moves[k] + earned) if post else (a, c @ moves[k])
        share = 1 / (scale + after * delta)
        own[k], others[k] = -after * share, ahead * share
        a, c = scale * share * after, scale * share * ahead
        if not post:
            a, c = a + risk, c + earned
    return own, others


def _expected(
    market: EquilibriumMarket, moves: np.ndarray, drifts: np.ndarray, own: np.ndarray, others: np.ndarray,
    trader: tuple[float, float, float, float],
) -> tuple[float, float, float]:  # fmt: skip
    """Goal, mean squared rate and costs of a linear policy, from exact second moments of position and z."""
    g, x, scale, start = trader
    delta, size = market.step, drifts.shape[1]
    first = np.concatenate([[start, 1.0], np.zeros(size - 1)])
    second = np.outer(first, first)  # of (p, z)
    goal = squared = 0.0
    for k, sigma in enumerate(market.volatility):
        rate = np.concatenate([[own[k]], others[k]])
        step = np.zeros((size + 1, size + 1))
        step[0], step[1:, 1:] = rate * delta, moves[k]
        step[0, 0] += 1
        held = step[0] if market.timing == "post-trade" else np.eye(size + 1)[0]
        risk = sigma * held
        risk[-1] += x
        drift = np.concatenate([[0.0], drifts[k]])
        v = float(rate @ second @ rate)
        goal += delta * float(held @ second @ drift - g / 2 * risk @ second @ risk - scale / 2 * v)
        squared += v / len(moves)
        second = step @ second @ step.T
        second[-1, -1] += delta
    return goal, squared, scale / 2 * squared * delta * len(moves)
