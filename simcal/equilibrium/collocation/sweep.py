"""One pass backwards through the steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simcal.equilibrium.collocation.basis import Basis, displacements
from simcal.equilibrium.collocation.clearing import clearing_rates, clearing_shift
from simcal.equilibrium.collocation.clouds import Cloud
from simcal.equilibrium.problem import EquilibriumProblem

_NODES = np.arange(-6, 7) * 0.75  # a trapezoidal rule for dW: kinks of the rates cost it less than a Gauss rule
_WEIGHTS = np.exp(-(_NODES**2) / 2) / np.exp(-(_NODES**2) / 2).sum()
_NODES = _NODES / np.sqrt(_WEIGHTS @ _NODES**2)


@dataclass(frozen=True, eq=False)
class Fit:
    """What was fitted for a step k, as functions of (psi, w) before its trade.

    Columns of the coefficients: Y_k (agents), V_k, rates (agents), sigma_k, drift_k. `low` and `high` are the smallest
    and largest rates of each agent on the cloud, `residual` the root mean square errors.
    """

    basis: Basis
    coefficients: np.ndarray
    residual: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def values(self, psi: np.ndarray, w: np.ndarray) -> np.ndarray:
        """(states, agents + 1): Y and V."""
        return self.basis(psi, w) @ self.coefficients[:, : psi.shape[1] + 1]

    def feedback(self, psi: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rates (states, agents), which sum to zero, volatility and drift (states,).

        Rates are kept near what the cloud has shown: a path that leaves it shall not run away.
        """
        columns = self.basis(psi, w) @ self.coefficients[:, psi.shape[1] + 1 :]
        room = (self.high - self.low) / 2
        rates = np.clip(columns[:, :-2], self.low - room, self.high + room)
        return rates - rates.mean(axis=1, keepdims=True), columns[:, -2], columns[:, -1]


@dataclass(frozen=True, eq=False)
class Step:
    """The exact step of the scheme from states after the trade back to the states before it."""

    psi: np.ndarray
    rates: np.ndarray
    volatility: np.ndarray
    drift: np.ndarray
    value: np.ndarray
    variance: np.ndarray


def step_back(problem: EquilibriumProblem, following: Fit | None, psi: np.ndarray, w: np.ndarray) -> Step:
    r"""One step, given the fit of the step that follows (None: the dividend is paid).

    The states are psi after the trade, (states, agents), and w. As the rate follows from the marginal values after the
    trade, the position before it is known without solving an equation.
    """
    gamma, xi, dt = problem.gamma, problem.xi, problem.step
    share, agents = problem.aggregate_risk_aversion, problem.n_agents
    if following is None:
        mean, slope = np.zeros((2, len(w), agents + 1))
    else:
        nodes = (w[:, None] + np.sqrt(dt) * _NODES).ravel()
        later = following.values(np.repeat(psi, _NODES.size, axis=0), nodes).reshape(len(w), _NODES.size, -1)
        mean = np.einsum("g,sgn->sn", _WEIGHTS, later)
        slope = np.einsum("g,sgn->sn", _WEIGHTS * _NODES / np.sqrt(dt), later)
    volatility = problem.dividend_volatility - slope[:, -1] - share * slope[:, :-1] @ (1 / gamma)
    low, high = np.quantile(volatility, (0.05, 0.95))
    volatility = np.clip(volatility, low - (high - low), high + (high - low))  # no outlier shall feed on itself
    variance = share * problem.supply * volatility**2 * dt + mean[:, -1]

    def risk(held: np.ndarray) -> np.ndarray:
        sigma = volatility[:, None]
        return gamma * sigma * (sigma * held + xi * w[:, None]) * dt

    target = mean[:, :-1] - risk(psi) if problem.timing == "post-trade" else mean[:, :-1]
    marginal, rates = clearing_rates(problem, target)
    before = psi - rates * dt
    value = marginal
    if problem.timing == "pre-trade":
        value = marginal - risk(before)
        value = value + clearing_shift(problem, value)[:, None]
    # Everything that all agents' values gained alike is drift of the price; it is the same for each agent.
    gained = (value - mean[:, :-1] + risk(psi if problem.timing == "post-trade" else before))[:, 0]
    drift = share * problem.supply * volatility**2 + gained / dt
    return Step(before, rates, volatility, drift, value, variance)


def sweep(
    problem: EquilibriumProblem, clouds: list[Cloud], volatility: float, n_random: int, seed: int
) -> list[Fit] | None:
    """The fits of all steps, or None where the numbers grow without bound."""
    hedge, typical = problem.xi / volatility, clouds[problem.n_steps // 5]
    reference = displacements(hedge, typical.psi, typical.w).std(axis=0)
    floor = np.maximum(0.3 * reference, 1e-3 * np.append(np.full(problem.n_agents, reference[:-1].max()), 0.0))
    floor = np.where(floor > 0, floor, 1.0)
    fits: list[Fit] = []
    following = None
    with np.errstate(over="ignore", invalid="ignore"):
        for cloud in reversed(clouds):
            step = step_back(problem, following, cloud.psi, cloud.w)
            targets = np.column_stack([step.value, step.variance, step.rates, step.volatility, step.drift])
            if not np.isfinite(targets).all():
                return None
            kept = cloud.holds(problem.xi / problem.dividend_volatility, step.psi)
            if kept.mean() < 0.5:  # a first guess far from the truth: fit what there is
                kept[:] = True
            psi, w, rates = step.psi[kept], cloud.w[kept], step.rates[kept]
            basis = Basis.of(problem, volatility, psi, w, floor, n_random, seed)
            following = Fit(basis, *basis.fit(psi, w, targets[kept]), rates.min(axis=0), rates.max(axis=0))
            fits.append(following)
    return fits[::-1]
