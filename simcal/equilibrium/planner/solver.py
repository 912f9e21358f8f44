"""The planner: rounds of descent until the rates are optimal for the volatility that they make."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.mean_volatility import mean_volatility
from simcal.equilibrium.planner.descent import DRIFT, RATES, VOLATILITY, Round, explore, improve, reversion
from simcal.equilibrium.planner.features import Fitted
from simcal.equilibrium.planner.multiplier import cleared, rates_of
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.simulation import Policy
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import ParameterError

_COARSE = 4  # first rounds with few features: far from the solution more would be unstable


def solve_planner(
    problem: EquilibriumProblem,
    *,
    n_rounds: int = 15,
    n_points: int = 1000,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> EquilibriumSolution:
    r"""The equilibrium as the allocation of least risk and cost, for any number of agents and any power q > 1.

    For a given volatility the rates of the equilibrium are those that minimise

    .. math:: \sum_n E \int \tfrac{\gamma_n}{2} (\sigma \varphi^n + \xi_n W)^2 + c(\dot\varphi^n)\, dt, \qquad
        \sum_n \dot\varphi^n = 0,

    which is convex; what all agents' marginal values must have in common so that the rates clear is the multiplier
    :math:`m_t = E_t \int_t^{\bar T} \mu`, and :math:`S_t = E_t[S_{\bar T}] - m_t` gives the volatility. No agent and
    no price is simulated to find it. Each round runs simulated states through the present rates, computes backwards
    the expected marginal risk that the rates leave, and moves the marginal costs :math:`c'(\dot\varphi)` towards it by
    a step that Newton's method would take in a simpler problem; volatility follows in the same pass. Marginal costs
    are regressions on features of the state, expectations over the next increment are sums over 9 nodes.

    Parameters
    ----------
    n_rounds
        At most so many.
    n_points
        States per step.
    tolerance
        It ends when a round changes price and volatility by less, relative to the dividend's volatility over the whole
        time and to that of its path.
    seed
        Of the states.

    Source: the first welfare theorem, section 1.2 of the model.

    Raises
    ------
    ParameterError
        Where an argument is too small.
    """
    for name, number, least in (("n_rounds", n_rounds, 1), ("n_points", n_points, 400), ("seed", seed, 0)):
        if number < least:
            raise ParameterError(f"{name} is {number}, but must be at least {least}.")
    alpha, speed = problem.dividend_volatility, reversion(problem)
    scale = np.array([alpha * np.sqrt(problem.horizon), alpha])
    typical, caution, found = alpha, 1.0, None
    history: list[tuple[float, float]] = []
    with np.errstate(over="ignore", invalid="ignore"):
        for number in range(n_rounds):
            hedge = problem.xi / typical
            states = explore(problem, found.fits if found else None, hedge, speed, n_points, seed)
            before = found.residual if found else np.inf
            found = improve(problem, states, hedge, fine=number >= _COARSE, caution=caution)
            if not np.isfinite(found.price):
                return _failed(
                    problem,
                    f"The marginal values grew without bound in round {number + 1}. "
                    "Use more steps, or a power nearer to 2.",
                )
            if number > _COARSE and found.residual > 0.8 * before:  # it swings
                caution = max(0.7 * caution, 0.2)
            typical = found.mean_volatility
            history.append((found.price, found.volatility))
            if number > _COARSE and np.all(np.abs(np.diff(history[-2:], axis=0)[0]) < tolerance * scale):
                break
    assert found is not None
    return _solution(problem, found, history)


def _solution(problem: EquilibriumProblem, found: Round, history: list[tuple[float, float]]) -> EquilibriumSolution:
    policy = _policy(problem, found.fits)
    status = f"Solved for the scheme with {problem.n_steps} steps in {problem.timing} timing in {len(history)} rounds."
    if len(history) > 1:
        changes = np.abs(np.diff(history[-2:], axis=0)[0])
        status += f" The last changed the price by {changes[0]:.1g} and the volatility by {changes[1]:.1g}."
    details = {
        "prices": tuple(x[0] for x in history), "volatilities": tuple(x[1] for x in history),
        "residual": found.residual,
    }  # fmt: skip
    return EquilibriumSolution(
        problem, "planner", found.price, found.drift, found.volatility,
        mean_volatility(problem, policy, found.price), policy, status, details,
    )  # fmt: skip


def _policy(problem: EquilibriumProblem, fits: list[Fitted]) -> Policy:
    start, gamma, xi = problem.initial_positions, problem.gamma, problem.xi
    explicit = problem.power == 2 or problem.n_agents == 2

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        marginal, market = fits[k](positions - start, brownian, RATES)
        rates = rates_of(problem, cleared(problem, marginal))
        volatility, drift = market[:, VOLATILITY], market[:, DRIFT]
        if explicit:  # marginal values sum to zero, so the drift is the mean of what each agent requires
            held = positions + rates * problem.step if problem.timing == "post-trade" else positions
            risk = volatility[:, None] * held + brownian[:, None] * xi
            drift = (gamma * volatility[:, None] * risk).mean(axis=1)
        return volatility, drift, rates

    return policy


def _failed(problem: EquilibriumProblem, status: str) -> EquilibriumSolution:
    nan = float("nan")

    def policy(_: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[float, float, np.ndarray]:
        return nan, nan, np.full(positions.shape, nan)

    return EquilibriumSolution(problem, "planner", nan, nan, nan, np.full(problem.n_steps, nan), policy, status)
