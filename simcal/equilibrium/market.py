"""From a solution to a market that simulates like every other."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.problem import Timing
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.equilibrium.solution_market import SolutionMarket
from simcal.errors import ParameterError
from simcal.models.trading_costs import EquilibriumMarket

_MOST = 100  # agents: beyond, the tables of the file become too large


def to_market(solution: EquilibriumSolution, *, initial_price: float = 100.0) -> EquilibriumMarket | SolutionMarket:
    """The market of a solution: it simulates, and its paths go wherever those of other markets go.

    Where rates are linear in the state and volatility depends on time only, as `solve` finds for quadratic costs, it
    is tables that can be saved, an `EquilibriumMarket`; else it lives in memory, a `SolutionMarket`. Its first period
    has the price changes of ``solution.simulate`` of the same seed.

    Parameters
    ----------
    solution
        Of any method.
    initial_price
        The price at the start; the solution says by how much it changes from there.

    Raises
    ------
    ParameterError
        Where the solution has failed.
    """
    problem = solution.problem
    if solution.failed:
        raise ParameterError(f"The solution by {solution.method!r} has failed, so it makes no market.")
    if problem.n_agents > _MOST:
        return SolutionMarket(solution, initial_price)
    start, agents = problem.initial_positions, problem.n_agents
    # Deviations that sum to zero, as those of all states do: one agent's against what the others hold on average.
    away = np.eye(agents) - 1 / agents
    random = np.random.default_rng(0).normal(size=(1, agents + 1))
    random[:, :-1] -= random[:, :-1].mean()
    psi = np.vstack([np.zeros((2, agents)), away, random[:, :-1]])
    w = np.array([0.0, 1.0, *np.zeros(agents), random[0, -1]])
    volatility, feedback, hedge = [], [], []
    # Which positions the drift counts: "riccati" knows no timing and counts those before the trade.
    timings: dict[Timing, bool] = {"pre-trade": True, "post-trade": True}
    for k in range(problem.n_steps):
        sigma, drift, rates = solution.policy(k, start + psi, w)
        sigma = np.broadcast_to(sigma, len(w))
        for timing in timings:
            held = start + psi + (rates * problem.step if timing == "post-trade" else 0)
            required = sigma[0] * ((sigma[0] * held + w[:, None] * problem.xi) @ problem.gamma) / agents
            timings[timing] &= bool(np.allclose(drift, required, rtol=1e-9, atol=1e-9))
        matrix, slope = -(rates[2:-1] - rates[0]).T, rates[0] - rates[1]
        guess = -(psi @ matrix.T + w[:, None] * slope)
        size = np.abs(rates).max() + 1e-300
        if np.ptp(sigma) > 1e-9 or np.abs(guess - rates).max() > 1e-9 * size or not any(timings.values()):
            return SolutionMarket(solution, initial_price)
        volatility.append(float(sigma[0]))
        feedback.append(matrix.tolist())
        hedge.append(slope.tolist())
    timing: Timing = problem.timing if timings[problem.timing] else next(t for t, holds in timings.items() if holds)
    return EquilibriumMarket(
        problem.risk_aversion, problem.exposure, volatility, feedback, hedge, cost=problem.cost_factor,
        horizon=problem.horizon, supply=problem.supply, initial_price=initial_price, timing=timing,
    )  # fmt: skip
