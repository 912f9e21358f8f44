"""What the paper's authors published for the cases in ``models/``, for tables that put it beside the truth."""

from __future__ import annotations

import csv
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
    with (Path(__file__).parent / "published.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in dict.fromkeys(row["case"] for row in rows):
        published = load_problem(name)
        same = problem.replace(name=name, n_steps=published.n_steps, timing=published.timing)
        if problem.power != 2:  # the published baselines take another cost scale than their evaluation
            same = same.replace(cost_scale=published.cost_scale)
        if same == published:
            return [_row(row, problem.n_agents * _STEPS * problem.horizon) for row in rows if row["case"] == name]
    return []


def _row(texts: dict[str, str], unit: float) -> PublishedRow:
    numbers = {name: float(text) for name, text in texts.items() if name not in ("case", "method")}
    return PublishedRow(texts["method"], **numbers | {name: numbers[name] * unit for name in ("goal", "goal_se")})
