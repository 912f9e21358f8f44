"""The numbers that certify a solution, and the table of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

GAP, GAIN, RESIDUAL = 1e-3, 1e-4, 1e-2
"""Of the planner's cost, of an agent's goal, of the marginal cost: below these a solution is called good."""
TERMINAL, CLEARING = 1e-5, 1e-10


@dataclass(frozen=True, eq=False)
class Certificate:
    """How far a solution is from an equilibrium, on fresh paths; no reference is used.

    Main arguments
    --------------
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

    Other arguments
    ---------------
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        values = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(self).items()}
        return {
            **values, "relative_gap": self.relative_gap, "exploitability": self.exploitability, "good": self.good,
        }  # fmt: skip

    def _rows(self) -> list[dict[str, Any]]:
        worst = int((self.gains / self._goal_size).argmax())
        rows: list[tuple[str, float, float | None, float | None]] = [
            ("duality gap, of the planner's cost", self.relative_gap, self.gap_se / self.cost, GAP),
            ("exploitability: gain of one agent, of its goal", self.exploitability,
             float(self.gains_se[worst] / self._goal_size[worst]), GAIN),
            ("first-order residual, of the marginal cost", self.residual, self.residual_se, RESIDUAL),
            ("S_0 less what volatility and marginal values imply", self.price_identity, self.price_identity_se, None),
            ("mean error of volatility", self.volatility_bias, self.volatility_bias_se, None),
            ("terminal: mean (S_T - dividend)^2", self.terminal, self.terminal_se, TERMINAL),
            ("clearing: mean (mean rate)^2", self.clearing, self.clearing_se, CLEARING),
        ]  # fmt: skip
        if self.drift_identity is not None:
            rows.insert(3, ("mu_0 / (gamma_bar s sigma_0^2) - 1", self.drift_identity, None, 1e-6))
        names = "quantity", "value", "standard_error", "limit"
        return [
            {**dict(zip(names, row, strict=True)),
             "holds": None if row[3] is None else bool(abs(row[1]) <= row[3] + 3 * (row[2] or 0))}
            for row in rows
        ]  # fmt: skip
