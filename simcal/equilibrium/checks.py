"""How good a solution is, measured on fresh paths without knowing the true one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.equilibrium.deviations import Deviation, find_deviation, look_back
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumPaths, EquilibriumSolution, means
from simcal.errors import ParameterError
from simcal.noise import check_integer, check_seed

if TYPE_CHECKING:
    import pandas as pd

_LIMITS = {"gap": 1e-3, "gain": 1e-4, "residual": 1e-2, "drift": 1e-6, "terminal": 1e-5, "clearing": 1e-10}
"""Of the planner's cost, of an agent's goal, of the marginal cost, ...: below these a solution is called good."""
_FITTED = 2**40  # number of the first path of those for regressions, far from those of the measurement


@dataclass(frozen=True, eq=False)
class Checks:
    """How far a solution is from an equilibrium, on fresh paths; no reference is used.

    Parameters
    ----------
    cost, cost_se
        The planner's cost: E sum_n of risk and trading cost.
    gaps, gaps_se
        Upper bound of what each agent could gain by any other policy against the frozen price, shape (n_agents,).
    gap, gap_se
        Their sum. For rates that clear it is the planner's cost minus the lower bound that the multiplier gives.
    gains, gains_se
        What a better policy, found by regression, did gain, shape (n_agents,): a lower bound of the same.
    goals
        J_n, shape (n_agents,).
    residual, residual_se
        Root mean square of E_k[marginal value] - c'(v_k), relative to that of c'(v_k).
    residual_by_step
        The same step by step in units of money per share, shape (n_steps,).

    Other Parameters
    ----------------
    drift_identity
        mu_0 / (gamma_bar s sigma_0^2) - 1; None where it need not hold (power not 2 and more than two agents).
    price_identity, price_identity_se
        S_0 minus (beta Tbar - gamma_bar s E int sigma^2 - gamma_bar sum_n Y^n_0 / gamma_n).
    volatility_bias, volatility_bias_se
        Root mean square over the steps of E[(S_T - dividend) dW_k] / Delta, the mean error of sigma_k, less its noise.
    terminal, terminal_se, clearing, clearing_se, excess
        As of `EquilibriumErrors`.
    """

    method: str
    n_paths: int
    seed: int
    cost: float
    cost_se: float
    gap: float
    gap_se: float
    gaps: np.ndarray
    gaps_se: np.ndarray
    gains: np.ndarray
    gains_se: np.ndarray
    goals: np.ndarray
    residual: float
    residual_se: float
    residual_by_step: np.ndarray
    drift_identity: float | None
    price_identity: float
    price_identity_se: float
    volatility_bias: float
    volatility_bias_se: float
    terminal: float
    terminal_se: float
    clearing: float
    clearing_se: float
    excess: float

    @property
    def relative_gap(self) -> float:
        """`gap` per planner's cost."""
        return self.gap / self.cost

    @property
    def exploitability(self) -> float:
        """The largest of `gains` per |J_n| (of the mean |J_n| where an agent's own is smaller)."""
        return float((self.gains / self._goal_size).max())

    @property
    def good(self) -> bool:
        """Whether every row of `table` holds."""
        return all(row["holds"] for row in self._rows() if row["holds"] is not None)

    @property
    def _goal_size(self) -> np.ndarray:
        size = np.abs(self.goals)
        return np.maximum(size, size.mean())

    def table(self) -> pd.DataFrame:
        """Columns quantity, value, standard_error, limit, holds: within the limit, give or take three errors."""
        import pandas as pd

        rows = self._rows()
        return pd.DataFrame(rows, columns=list(rows[0]), dtype=object)

    def summary(self) -> dict[str, pd.DataFrame]:
        """`table` as text, by title."""
        table = self.table()
        for column in ("value", "standard_error", "limit"):
            table[column] = ["" if x is None else format(x, ".2g") for x in table[column]]
        table["holds"] = ["" if x is None else "yes" if x else "no" for x in table["holds"]]
        return {f"Checks, on {self.n_paths} fresh paths": table.rename(columns=lambda name: name.replace("_", " "))}

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        values = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(self).items()}
        return {
            **values, "relative_gap": self.relative_gap, "exploitability": self.exploitability, "good": self.good,
        }  # fmt: skip

    def _rows(self) -> list[dict[str, Any]]:
        worst = int((self.gains / self._goal_size).argmax())
        rows: list[tuple[str, float, float | None, float | None]] = [
            ("duality gap, of the planner's cost", self.relative_gap, self.gap_se / self.cost, _LIMITS["gap"]),
            ("exploitability: gain of one agent, of its goal", self.exploitability,
             float(self.gains_se[worst] / self._goal_size[worst]), _LIMITS["gain"]),
            ("first-order residual, of the marginal cost", self.residual, self.residual_se, _LIMITS["residual"]),
            ("S_0 less what volatility and marginal values imply", self.price_identity, self.price_identity_se, None),
            ("mean error of volatility", self.volatility_bias, self.volatility_bias_se, None),
            ("terminal: mean (S_T - dividend)^2", self.terminal, self.terminal_se, _LIMITS["terminal"]),
            ("clearing: mean (mean rate)^2", self.clearing, self.clearing_se, _LIMITS["clearing"]),
        ]  # fmt: skip
        if self.drift_identity is not None:
            rows.insert(3, ("mu_0 / (gamma_bar s sigma_0^2) - 1", self.drift_identity, None, _LIMITS["drift"]))
        names = "quantity", "value", "standard_error", "limit"
        return [
            {**dict(zip(names, row, strict=True)),
             "holds": None if row[3] is None else bool(abs(row[1]) <= row[3] + 3 * (row[2] or 0))}
            for row in rows
        ]  # fmt: skip


def check(solution: EquilibriumSolution, *, seed: int = 1, n_paths: int = 2000, n_fit: int = 1000) -> Checks:
    r"""Measure on fresh paths how far a solution is from an equilibrium, without knowing one.

    For given price dynamics each agent's problem is convex. Let :math:`Y_k` be the expected sum of what a share more,
    bought in step k, will gain. Then, with c* the conjugate of c, for every other policy

    .. math:: J_n(v') - J_n(v) \le E \sum_k \bigl[ c(v_k) + c^*(Y_k) - Y_k v_k \bigr] \Delta ,

    which is zero exactly where :math:`c'(v) = Y`. Summed over the agents, and where rates clear, it is the duality gap
    of the planner who minimises all risk and costs at this volatility, with :math:`\mu` as the multiplier. Conditional
    expectations are replaced by unbiased estimates along the path; by convexity their noise can only widen the bound.
    It falls with the square of the error of the rates, and the exploitability, a lower bound of the same by a policy
    fitted to `n_fit` other paths, with it.

    Parameters
    ----------
    solution
        From any method.
    seed, n_paths
        Of the paths for the measurement.

    Other Parameters
    ----------------
    n_fit
        Paths for regressions: of control variates, and of the better policy.

    Raises
    ------
    ParameterError
        Where the solution has failed, or there are too few paths.

    Examples
    --------
    >>> from simcal.equilibrium import solve
    >>> check(solve("lq-5"), n_paths=50, n_fit=50).good
    True
    """
    check_integer("n_paths", n_paths, 2, 2**32 - 1)
    check_integer("n_fit", n_fit, 50, 2**32 - 1)
    check_seed(seed)
    if solution.failed:
        raise ParameterError(f"The solution by {solution.method!r} has failed, so there is nothing to check.")
    problem = solution.problem
    deviation = find_deviation(solution, solution.simulate(seed, n_fit, first_path=_FITTED))
    m = solution.measured(seed, n_paths, lambda paths: _measure(solution, paths, deviation))
    m["gap"] = m["gaps"].sum(axis=1)
    missed, spread = m["residual"].mean(axis=1), m["marginal"]
    ratio = missed.mean() / spread.mean() if spread.any() else 0.0
    ratio_se = means({"x": missed - ratio * spread}, "x")["x_se"] / spread.mean() if spread.any() else 0.0
    sensitivity = m["sensitivity"]
    noise = sensitivity.var(axis=0, ddof=1) / n_paths
    bias = float((sensitivity.mean(axis=0) ** 2 - noise).mean())
    bias_se = math.sqrt(float(noise.mean()))
    implied = problem.aggregate_risk_aversion * problem.supply * float(m["volatility"].mean()) ** 2
    known = (problem.power == 2 or problem.n_agents == 2) and implied > 0
    return Checks(
        method=solution.method, n_paths=n_paths, seed=seed,
        **means(m, "cost", "gap", "gaps", "gains", "terminal", "clearing", "price_identity"),
        goals=m["goals"].mean(axis=0),
        residual=math.sqrt(ratio), residual_se=ratio_se / (2 * math.sqrt(ratio)) if ratio > 0 else 0.0,
        residual_by_step=np.sqrt(m["residual"].mean(axis=0)),
        drift_identity=float(m["drift"].mean()) / implied - 1 if known else None,
        volatility_bias=math.sqrt(max(bias, 0.0)), volatility_bias_se=bias_se, excess=float(m["excess"].max()),
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
    share, found = problem.aggregate_risk_aversion, paths.measures()
    implied = problem.dividend_mean * problem.horizon - share * (first @ (1 / problem.gamma))
    implied = implied - share * problem.supply * (paths.volatility**2).sum(axis=1) * delta
    return {
        **found, "gaps": gaps, "gains": deviation.gain(problem, paths, targets), "residual": residual,
        "marginal": marginal, "price_identity": solution.price - implied, "drift": paths.drift[:, 0],
        "volatility": paths.volatility[:, 0],
        "sensitivity": found["miss"][:, None] * np.diff(paths.brownian, axis=1) / delta,
    }  # fmt: skip


def _conjugate(problem: EquilibriumProblem, marginal: np.ndarray) -> np.ndarray:
    """c*(y) = sup_v (y v - c(v)), of the shape of `marginal`."""
    return (1 - 1 / problem.power) * marginal * problem.rate_of(marginal)
