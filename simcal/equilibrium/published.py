"""What the paper's authors published for the cases in ``models/``, for tables that put it beside the truth."""

from __future__ import annotations

from dataclasses import dataclass

from simcal.equilibrium.problem import EquilibriumProblem, load_problem

_STEPS = 100  # of all published runs


@dataclass(frozen=True)
class PublishedRow:
    """One row of a published table; means over 3000 paths, with their standard errors.

    `goal` is the sum of all J_n; the published column, labelled so, is this divided by N T Tbar. Clearing is the mean
    of (mean rate)^2, terminal the mean of (S_T - dividend)^2, `price`, `drift` and `volatility` are those at time 0.
    """

    method: str
    goal: float
    goal_se: float
    clearing: float
    clearing_se: float
    terminal: float
    terminal_se: float
    price: float
    drift: float
    volatility: float


# As in the tables of the published code: goal, clearing and terminal error with standard errors, S_0, mu_0, sigma_0.
_NAN = float("nan")
_TABLES: dict[str, dict[str, tuple[float, ...]]] = {
    "lq-10": {
        "GAN (mu unknown)": (-0.208734, 0.00328784, 2.3025e-05, 4.83396e-07, 2.72563e-07, 6.10779e-08,
                             0.361286, 0.135988, 1.2648),
        "GAN (mu known)": (-0.209297, 0.00327991, 2.21215e-03, 3.25147e-05, 2.31749e-05, 1.01185e-06,
                           0.357614, 0.222534, 1.26472),
        "Combo (mu unknown)": (-0.206753, 0.00331907, 0.0190646, 0.000276838, 6.05377e-06, 1.6821e-07,
                               0.344366, 5.53827, 1.28915),
        "Combo (mu known)": (-0.0486367, 0.000425709, 0.742542, 0.0123051, 2.61436, 0.0696106,
                             -1.09868, 0.617393, 2.10657),
        "FBSDE (mu unknown)": (-0.383613, 0.00827438, 2.56413e-03, 2.35203e-05, 0.138817, 0.00310223,
                               0.0, 1.6145, 1.27129),
        "FBSDE (mu known)": (-0.382733, 0.00824515, 2.41207e-04, 5.38011e-06, 0.218588, 0.00468646,
                             0.0, 0.22628, 1.27532),
        "Ground truth": (-0.208162, 0.00313547, 2.11049e-13, 3.39357e-15, 2.95319e-17, 2.38952e-18,
                         0.361213, 0.215771, 1.24535),
    },
    "power-2": {
        "GAN (mu unknown)": (-0.000562287, 2.21451e-05, 2.18753e-06, 6.53594e-09, 1.30433e-05, 3.38481e-07,
                             0.458334, 0.775102, 1.08251),
        "GAN (mu known)": (-0.000374105, 2.20821e-05, 0.0107345, 3.24247e-07, 2.70923e-05, 6.71764e-07,
                           0.446021, 0.78647, 1.08614),
        "Combo (mu unknown)": (-0.00223744, 4.63242e-05, 0.0677695, 0.00329528, 8.07914e-08, 3.14446e-09,
                               0.544013, 0.904701, 1.19029),
        "Combo (mu known)": (2.61494, 0.00205512, 116.886, 0.0826974, 6.5862, 0.135299,
                             -45.289, 1.24036e-05, 0.0043134),
        "FBSDE (mu unknown)": (_NAN, _NAN, _NAN, _NAN, _NAN, _NAN, 0.0, -0.0621412, 0.0301396),
        "FBSDE (mu known)": (_NAN, _NAN, _NAN, _NAN, _NAN, _NAN, 0.0, 0.000128042, 0.0138587),
        "Leading order": (-0.000893813, 1.70483e-05, 1.89458e-11, 5.66309e-13, 0.00746792, 0.000102925,
                          0.41504, 0.766268, 1.07209),
    },
    "power-10": {
        "GAN (mu unknown)": (-0.0945602, 0.00102056, 9.32134e-05, 1.1826e-06, 5.04112e-06, 2.37562e-07,
                             0.365308, 0.163917, 1.09994),
        "Combo (mu unknown)": (-0.376367, 0.00810445, 86.2751, 0.505756, 3.24739e-07, 4.36441e-08,
                               0.361119, 0.241755, 1.32394),
        "FBSDE (mu unknown)": (-194.751, 22.6446, 7.54447e08, 1.53901e08, 0.301971, 0.00678462,
                               0.0, -0.0140068, 0.0813129),
        "Frictionless": (-0.479819, 0.000951784, 2.29598e-09, 4.21774e-11, 0.0291062, 2.39144e-09,
                         0.201569, 0.139126, 1.0),
    },
}  # fmt: skip


def published_rows(problem: EquilibriumProblem) -> list[PublishedRow]:
    """The rows published for this problem, whatever its name, steps and timing; none for a problem of one's own."""
    for name, table in _TABLES.items():
        published = load_problem(name)
        same = problem.replace(name=name, n_steps=published.n_steps, timing=published.timing)
        if problem.power != 2:  # the published baselines take another cost scale than their evaluation
            same = same.replace(cost_scale=published.cost_scale)
        if same == published:
            unit = problem.n_agents * _STEPS * problem.horizon
            return [PublishedRow(method, row[0] * unit, row[1] * unit, *row[2:]) for method, row in table.items()]
    return []
