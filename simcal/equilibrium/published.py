"""What the paper's authors published for the cases in ``models/``, for tables that put it beside the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simcal.equilibrium.problem import EquilibriumProblem, load_problem

_STEPS = 100  # of all published runs


@dataclass(frozen=True)
class PublishedRow:
    """One row of the published tables, ``published.csv``; means over 3000 paths, with their standard errors.

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


def published_rows(problem: EquilibriumProblem) -> list[PublishedRow]:
    """The rows published for this problem, whatever its name, steps and timing; none for a problem of one's own."""
    import pandas as pd

    rows = pd.read_csv(Path(__file__).parent / "published.csv")
    for name, case in rows.groupby("case", sort=False):
        published = load_problem(str(name))
        same = problem.replace(name=name, n_steps=published.n_steps, timing=published.timing)
        if problem.power != 2:  # the published baselines take another cost scale than their evaluation
            same = same.replace(cost_scale=published.cost_scale)
        if same == published:
            sums = case[["goal", "goal_se"]] * (problem.n_agents * _STEPS * problem.horizon)
            return [PublishedRow(**row) for row in case.drop(columns="case").assign(**sums).to_dict("records")]
    return []
