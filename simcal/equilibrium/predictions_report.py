"""Figure and report of an equilibrium at several trading costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simcal.equilibrium.predictions import EXPONENTS, LABELS, Predictions
from simcal.report import Picture, Section, Table, write_report
from simcal.report.cost_predictions import plot_cost_predictions


def plot_predictions(found: Predictions) -> np.ndarray:
    """Excess volatility, liquidity discount, volume and costs paid against the cost; panels of shape (2, 2)."""
    return plot_cost_predictions(
        [row["cost"] for row in found.rows],
        {name: [row[name] for row in found.rows] for name in EXPONENTS},
        {name: power / (found.problem.power + 2) for name, power in EXPONENTS.items()},
        leading_order=found.leading_order,
        labels=LABELS,
        title=f"{found.problem.name}: against the trading cost",
    )


def write_predictions_report(folder: str | Path, found: Predictions) -> Path:
    """Write ``predictions.html`` into a folder and return its path.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    problem, table = found.problem, found.table()
    prose = [
        "The same agents and the same dividend at other trading costs. Trading costs keep agents from their wanted "
        "positions; the gaps move the price beside the dividend (volatility), for which it must be cheaper (liquidity "
        "discount), and the dearer trading is, the less is traded.",
        "Volume is half the sum of absolute rates, costs are those of all agents; both with standard errors on the "
        "same noise at all costs.",
    ]
    caption = "How many per cent one per cent of cost changes: d ln(quantity) / d ln(cost)."
    statuses = [f"Cost {row['cost']:.4g}: {row['status']}" for row in found.rows]
    return write_report(
        Path(folder) / "predictions.html",
        f"Equilibrium {problem.name} against its trading cost",
        [
            Section(
                "What the equilibrium predicts", prose, [Table(found.exponents(), caption)],
                [Picture(plot_predictions(found), "Both axes logarithmic.")],
            ),
            Section("Numbers", tables=[Table(table.drop(columns="status").rename(columns=_plain), "", 4)]),
            Section("How they were solved", statuses),
        ],
        subtitle=f"{problem.n_agents} agents, trading costs of power {problem.power:g}, {problem.timing} timing",
    )  # fmt: skip


def _plain(heading: str) -> str:
    return heading.replace("_se", " s.e.").replace("n_steps", "steps").replace("_", " ")
