"""The verb `certify`."""

from __future__ import annotations

import math

import numpy as np

from simcal.equilibrium.certificates.certificate import Certificate
from simcal.equilibrium.certificates.deviations import Deviation, find_deviation
from simcal.equilibrium.certificates.marginal_values import look_back
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.simulation import EquilibriumPaths
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import ParameterError
from simcal.noise import check_integer, check_seed

_FITTED = 2**40  # number of the first path of those for regressions, far from those of the measurement
_NUMBERS = 4_000_000  # positions held in memory at a time


def certify(solution: EquilibriumSolution, *, seed: int = 1, n_paths: int = 2000, n_fit: int = 1000) -> Certificate:
    r"""Measure on fresh paths how far a solution is from an equilibrium, without knowing one.

    For given price dynamics each agent's problem is convex. Let :math:`Y_k` be the expected sum of what a share more,
    bought in step k, will gain. Then, with c* the conjugate of c, for every other policy

    .. math:: J_n(v') - J_n(v) \le E \sum_k \bigl[ c(v_k) + c^*(Y_k) - Y_k v_k \bigr] \Delta ,

    which is zero exactly where :math:`c'(v) = Y`. Summed over the agents, and where rates clear, it is the duality gap
    of the planner who minimises all risk and costs at this volatility, with :math:`\mu` as the multiplier. Conditional
    expectations are replaced by unbiased estimates along the path; by convexity their noise can only widen the bound.
    It falls with the square of the error of the rates, and the exploitability, a lower bound of the same by a policy
    fitted to `n_fit` other paths, with it.

    Main arguments
    --------------
    solution
        From any method.
    seed, n_paths
        Of the paths for the measurement.

    Other arguments
    ---------------
    n_fit
        Paths for regressions: of control variates, and of the better policy.

    Raises
    ------
    ParameterError
        Where the solution has failed, or there are too few paths.
    """
    check_integer("n_paths", n_paths, 2, 2**32 - 1)
    check_integer("n_fit", n_fit, 50, 2**32 - 1)
    check_seed(seed)
    if solution.failed:
        raise ParameterError(f"The solution by {solution.method!r} has failed, so there is nothing to certify.")
    problem = solution.problem
    deviation = find_deviation(solution, solution.simulate(seed, n_fit, first_path=_FITTED))
    size = max(_NUMBERS // (problem.n_steps * problem.n_agents), 1)
    parts = [
        _measure(solution, solution.simulate(seed, min(size, n_paths - first), first_path=first), deviation)
        for first in range(0, n_paths, size)
    ]
    m = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    gap, cost = m["gaps"].sum(axis=1), m["cost"]
    missed, spread = m["residual"].mean(axis=1), m["marginal"]
    ratio = missed.mean() / spread.mean() if spread.any() else 0.0
    ratio_se = _error(missed - ratio * spread) / spread.mean() if spread.any() else 0.0
    sensitivity = m["sensitivity"]
    noise = sensitivity.var(axis=0, ddof=1) / n_paths
    bias = float((sensitivity.mean(axis=0) ** 2 - noise).mean())
    bias_se = math.sqrt(float(noise.mean()))
    implied = problem.aggregate_risk_aversion * problem.supply * float(m["volatility"].mean()) ** 2
    known = (problem.power == 2 or problem.n_agents == 2) and implied > 0
    return Certificate(
        method=solution.method, n_paths=n_paths, seed=seed,
        cost=float(cost.mean()), cost_se=_error(cost), gap=float(gap.mean()), gap_se=_error(gap),
        gaps=m["gaps"].mean(axis=0), gaps_se=m["gaps"].std(axis=0, ddof=1) / math.sqrt(n_paths),
        gains=m["gains"].mean(axis=0), gains_se=m["gains"].std(axis=0, ddof=1) / math.sqrt(n_paths),
        goals=m["goals"].mean(axis=0),
        residual=math.sqrt(ratio), residual_se=ratio_se / (2 * math.sqrt(ratio)) if ratio > 0 else 0.0,
        residual_by_step=np.sqrt(m["residual"].mean(axis=0)),
        drift_identity=float(m["drift"].mean()) / implied - 1 if known else None,
        price_identity=float(m["price"].mean()), price_identity_se=_error(m["price"]),
        volatility_bias=math.sqrt(max(bias, 0.0)), volatility_bias_se=bias_se,
        terminal=float(m["terminal"].mean()), terminal_se=_error(m["terminal"]),
        clearing=float(m["clearing"].mean()), clearing_se=_error(m["clearing"]), excess=float(m["excess"].max()),
    )  # fmt: skip


def _measure(solution: EquilibriumSolution, paths: EquilibriumPaths, deviation: Deviation) -> dict[str, np.ndarray]:
    """Everything path by path, arrays whose first axis are the paths."""
    problem, delta = solution.problem, solution.problem.step
    n, steps, agents = paths.rates.shape
    targets = np.empty((steps, n, agents))
    gaps, residual, marginal = np.zeros((n, agents)), np.empty((n, steps)), np.zeros(n)
    first = np.zeros(agents)
    for look in look_back(solution, paths, deviation.corrections):
        k, rates = look.step, paths.rates[:, look.step]
        targets[k], first = look.target, look.now.rough
        gaps += (problem.cost_of(rates) + _conjugate(problem, look.target) - look.target * rates) * delta
        residual[:, k] = ((look.target - look.now.marginal) ** 2).mean(axis=1)
        marginal += (look.now.marginal**2).mean(axis=1) / steps
    held = paths.positions[:, 1:] if problem.timing == "post-trade" else paths.positions[:, :-1]
    risk = paths.volatility[..., None] * held + problem.xi * paths.brownian[:, :-1, None]
    costs = ((problem.gamma / 2 * risk**2 + problem.cost_of(paths.rates)) * delta).sum(axis=1)
    dividend = problem.dividend_mean * problem.horizon + problem.dividend_volatility * paths.brownian[:, -1]
    miss = paths.price[:, -1] - dividend
    share = problem.aggregate_risk_aversion
    implied = problem.dividend_mean * problem.horizon - share * (first @ (1 / problem.gamma))
    implied = implied - share * problem.supply * (paths.volatility**2).sum(axis=1) * delta
    return {
        "gaps": gaps, "gains": deviation.gain(problem, paths, targets), "residual": residual, "marginal": marginal,
        "cost": costs.sum(axis=1),
        "goals": (held * paths.drift[..., None]).sum(axis=1) * delta - costs,
        "price": solution.price - implied, "drift": paths.drift[:, 0], "volatility": paths.volatility[:, 0],
        "sensitivity": miss[:, None] * np.diff(paths.brownian, axis=1) / delta,
        "terminal": miss**2, "clearing": (paths.rates.mean(axis=2) ** 2).mean(axis=1),
        "excess": np.abs(paths.positions.sum(axis=2) - problem.supply).max(axis=1),
    }  # fmt: skip


def _conjugate(problem: EquilibriumProblem, marginal: np.ndarray) -> np.ndarray:
    """c*(y) = sup_v (y v - c(v)), of the shape of `marginal`."""
    return (1 - 1 / problem.power) * marginal * problem.rate_of(marginal)


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values))
