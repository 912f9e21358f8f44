"""Whether the steps resolve how fast agents trade."""

from __future__ import annotations

import numpy as np

from simcal.equilibrium.problem import EquilibriumProblem


def coarseness(problem: EquilibriumProblem, volatility: np.ndarray) -> str:
    r"""A sentence for the status of a solution with quadratic costs where the step is too long, else nothing.

    Deviations die out in the time :math:`\sqrt{\kappa \lambda / \gamma} / \sigma` far from the end. Steps longer than
    that make the explicit scheme swing or its equilibrium explode.

    Parameters
    ----------
    volatility
        E sigma_k, shape (n_steps,).
    """
    if not np.isfinite(volatility).all():
        return " The volatility overflows with steps so long: give more of them."
    time = float(np.sqrt(problem.cost_factor / max(problem.risk_aversion)) / np.abs(volatility).max())
    if problem.step <= time:
        return ""
    return (
        f" But a step of {problem.step:.2g} is longer than the time of {time:.2g} in which agents trade: "
        "the scheme is far from continuous time; give more steps."
    )
