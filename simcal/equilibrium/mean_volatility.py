"""The mean volatility of each step, for solvers whose volatility depends on the state."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.simulation import Policy, steps


def mean_volatility(problem: EquilibriumProblem, policy: Policy, price: float, n_paths: int = 2000) -> np.ndarray:
    """Mean of sigma_k over simulated paths of seed 0, shape (n_steps,)."""
    return np.array([step.volatility.mean() for step in steps(problem, policy, price, 0, n_paths)])
