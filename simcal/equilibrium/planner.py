"""The equilibrium as a planner's problem: rates of least risk and cost; the multiplier of clearing is the price.

Each round runs states through the present rates, finds the planner's gradient there, and moves the rates against it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simcal.equilibrium.numerics import cleared, clearing_rates, normal_rule
from simcal.equilibrium.planner_features import Features, Fitted
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumSolution, Policy
from simcal.errors import ParameterError

_COARSE = 4  # first rounds with few features: far from the solution more would be unstable
_NODES, _WEIGHTS = normal_rule(4, 0.9)
_WIDEST = 1.8  # times the true one, the Brownian motion of the widest path
_DISPLACED, _KICKED = 0.5, 0.1  # of an agent's typical displacement, noise on the positions of half of the paths
_RATES, _VALUES = 0, 1  # functions of the agents
_DISCOUNT, _VOLATILITY, _DRIFT = 0, 1, 2  # functions of the market


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
                return EquilibriumSolution.failure(
                    problem,
                    "planner",
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
    return EquilibriumSolution.of(
        problem, "planner", found.price, policy, status, details, drift=found.drift, volatility=found.volatility
    )


def _policy(problem: EquilibriumProblem, fits: list[Fitted]) -> Policy:
    start = problem.initial_positions

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        marginal, market = fits[k](positions - start, brownian, _RATES)
        rates = clearing_rates(problem, marginal)[1]
        volatility, drift = market[:, _VOLATILITY], market[:, _DRIFT]
        if problem.clears_at_mean:
            drift = problem.required_drift(volatility, problem.held(positions, rates), brownian)
        return volatility, drift, rates

    return policy


@dataclass(frozen=True, eq=False)
class Round:
    """What a round found: fits of all steps, S_0, mu_0, sigma_0, and by how much marginal costs were wrong."""

    fits: list[Fitted]
    price: float
    drift: float
    volatility: float
    mean_volatility: float
    residual: float


@dataclass(frozen=True, eq=False)
class States:
    """Of all steps: deviations, W, marginal costs and rates, shapes (n_steps, states[, agents])."""

    psi: np.ndarray
    w: np.ndarray
    marginal: np.ndarray
    rates: np.ndarray


def reversion(problem: EquilibriumProblem) -> float:
    """The speed at which agents return to what they want to hold, had they a quadratic cost as large as theirs."""
    risk, hedge = problem.gamma.mean() * problem.dividend_volatility**2, problem.xi / problem.dividend_volatility
    cost, speed = problem.cost_factor, 0.0
    for _ in range(60):
        speed = math.sqrt(risk / cost)
        rate = speed * _typical(problem, hedge, speed).mean()
        if rate > 0:
            cost = math.sqrt(cost * problem.cost_factor * rate ** (problem.power - 2))
    return speed / (1 + speed * problem.step)


def explore(
    problem: EquilibriumProblem, fits: list[Fitted] | None, hedge: np.ndarray, speed: float, n_points: int, seed: int
) -> States:
    """States on simulated paths under the rates of `fits`, or under linear reversion at `speed`.

    The first path is the true one at time 0. The others have a Brownian motion up to 1.8 times too wide, and every
    second one random displacements of its positions, so that no state a fresh path may reach lies outside.
    """
    random, steps, agents = np.random.default_rng(seed), problem.n_steps, problem.n_agents
    moves = (
        random.normal(size=(steps, n_points // 2)) * math.sqrt(problem.step) * np.linspace(1, _WIDEST, n_points // 2)
    )
    moves = np.stack([moves, -moves], axis=2).reshape(steps, -1)
    size = np.maximum(_typical(problem, hedge, speed), 0.1 * _typical(problem, hedge, speed).max())
    noise = random.normal(size=(steps, n_points // 2, agents)) * size * _KICKED
    noise[0] *= _DISPLACED / _KICKED
    noise -= noise.mean(axis=2, keepdims=True)
    n = moves.shape[1]
    found = States(*(np.zeros((steps, n, *tail)) for tail in ((agents,), (), (agents,), (agents,))))
    psi, w = np.zeros((n, agents)), np.zeros(n)
    for k in range(steps):
        psi = psi.copy()
        psi[1::2] += noise[k]
        found.psi[k], found.w[k] = psi, w
        if fits is None:
            x = psi + w[:, None] * hedge
            found.rates[k] = -speed * (x - x.mean(axis=1, keepdims=True))
            found.marginal[k] = problem.marginal_cost(found.rates[k])
        else:
            found.marginal[k], found.rates[k] = clearing_rates(problem, fits[k](psi, w, _RATES)[0])
        psi, w = psi + found.rates[k] * problem.step, w + moves[k]
    return found


def improve(
    problem: EquilibriumProblem, states: States, hedge: np.ndarray, *, fine: bool, caution: float = 1.0
) -> Round:
    """The planner's gradient in these states, backwards, and marginal costs moved towards where it vanishes.

    `fine` is that of `Features`; `caution` below 1 shortens the steps.
    """
    gamma, xi, delta = problem.gamma, problem.xi, problem.step
    post, share, alpha = problem.timing == "post-trade", problem.aggregate_risk_aversion, problem.dividend_volatility
    fits: list[Fitted] = []
    missed = size = 0.0

    def risk(volatility: np.ndarray, psi: np.ndarray, w: np.ndarray) -> np.ndarray:
        sigma = volatility[:, None]
        return -gamma * sigma * (sigma * psi + xi * w[:, None]) * delta

    value, discount, drift, sigma = np.empty(0), np.empty(0), np.empty(0), np.empty(0)
    for k in range(problem.n_steps - 1, -1, -1):
        psi, w, rates = states.psi[k], states.w[k], states.rates[k]
        after = psi + rates * delta
        mean, slope = np.zeros_like(psi), np.zeros_like(psi)
        mean_discount, slope_discount = np.zeros_like(w), np.zeros_like(w)
        if fits:
            at, positions = (w[:, None] + math.sqrt(delta) * _NODES).ravel(), np.repeat(after, _NODES.size, axis=0)
            later, market = fits[-1](positions, at, _VALUES)
            later = later if post else later + risk(market[:, _VOLATILITY], positions, at)
            later = cleared(later, problem.power)
            later = later.reshape(len(w), _NODES.size, -1)
            ahead = market[:, _DISCOUNT].reshape(len(w), -1)
            tilt = _WEIGHTS * _NODES / math.sqrt(delta)
            mean, slope = np.einsum("i,pin->pn", _WEIGHTS, later), np.einsum("i,pin->pn", tilt, later)
            mean_discount, slope_discount = ahead @ _WEIGHTS, ahead @ tilt
        sigma = np.clip(alpha - slope_discount - share * slope @ (1 / gamma), alpha / 5, 5 * alpha)
        target = cleared(mean + risk(sigma, after, w) if post else mean, problem.power)
        value = target if post else cleared(target + risk(sigma, psi, w), problem.power)
        gained = (value - mean - risk(sigma, after if post else psi, w)).mean(axis=1)
        discount = share * problem.supply * sigma**2 * delta + mean_discount
        drift = share * problem.supply * sigma**2 + gained / delta
        missed, size = missed + np.mean((target - states.marginal[k]) ** 2), size + np.mean(target**2)
        part = caution * _step_length(problem, psi + w[:, None] * hedge, rates, problem.horizon - k * delta)
        moved = states.marginal[k] + part * (target - states.marginal[k])
        if not all(np.isfinite(x).all() for x in (moved, discount, drift)):
            nan = float("nan")
            return Round([], nan, nan, nan, nan, nan)
        fits.append(Fitted.to(Features.of(hedge, psi, w, fine), psi, w, [moved, target], [discount, sigma, drift]))
    price = problem.dividend_mean * problem.horizon - discount[0] - share * value[0] @ (1 / gamma)
    fits.reverse()
    typical = [
        f(psi, w, _RATES)[1][:, _VOLATILITY].mean() for f, psi, w in zip(fits, states.psi, states.w, strict=True)
    ]
    residual = math.sqrt(missed / size) if size > 0 else 0.0
    return Round(fits, float(price), float(drift[0]), float(sigma[0]), float(np.mean(typical)), residual)


def _typical(problem: EquilibriumProblem, hedge: np.ndarray, speed: float) -> np.ndarray:
    """The spread of displacements that return at this speed, shape (agents,)."""
    return np.abs(hedge) * math.sqrt(min(1 / (2 * speed), problem.horizon))


def _step_length(problem: EquilibriumProblem, x: np.ndarray, rates: np.ndarray, left: float) -> float:
    r"""How far to move: the step of Newton's method if rates were :math:`-\kappa x` and marginal costs a power of x.

    Rates that are all too fast by a factor a make positions return faster, and marginal values fall: by
    :math:`a^{-g p}` with p the elasticity of rates in marginal values and g between 0 (at the end) and 1, more where
    positions return within few steps.
    """
    total = float((x**2).sum())
    speed = max(-float((rates * x).sum()) / total, 0.0) if total > 0 else 0.0
    z = speed * left
    g = 1 - z / math.expm1(z) if 1e-9 < z < 500 else float(z >= 500)
    g /= max(1 - speed * problem.step, 0.1)
    return 1 / (1 + g / (problem.power - 1))
