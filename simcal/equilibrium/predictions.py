"""What the equilibrium predicts where trading costs change: volatility, price and volume against the cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.equilibrium.leading_order import POWERS, small_cost_scales, stationary_shape
from simcal.equilibrium.methods import default_method, solve
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumSolution, means
from simcal.errors import ParameterError
from simcal.noise import check_integer, check_seed

if TYPE_CHECKING:
    import pandas as pd

    from simcal.report import Section

# Quantity -> its exponent in the cost to leading order, in units of 1 / (q + 2).
EXPONENTS = {"excess_volatility": 2, "liquidity_discount": 2, "volume": -1, "costs": 2}
LABELS = {
    "excess_volatility": "excess volatility",
    "liquidity_discount": "liquidity discount of the price",
    "volume": "volume (shares per unit of time)",
    "costs": "costs paid per unit of time",
}
_FACTORS = tuple(10.0 ** (k / 2) for k in range(-4, 3))
_FINE, _MOST = 800, 4000  # steps: at least with quadratic costs, at most


@dataclass(frozen=True, eq=False)
class Predictions:
    """One row per cost, and how each quantity grows with it.

    Parameters
    ----------
    rows
        Cost, steps, method, ``volatility`` (mean over time and paths), ``excess_volatility`` (that less alpha),
        ``price``, ``liquidity_discount``, ``volume`` (half the sum of all agents' absolute rates, shares per time)
        and ``costs`` (paid by all, money per time) with standard errors ``volume_se``, ``costs_se``, and ``status``.
    leading_order
        The same quantities to leading order in the cost, by name, for two agents; else empty.
    """

    problem: EquilibriumProblem
    rows: list[dict[str, Any]]
    leading_order: dict[str, list[float]]

    def table(self) -> pd.DataFrame:
        """The rows as a frame."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def exponents(self) -> pd.DataFrame:
        """The exponent d ln(quantity) / d ln(cost), of theory and between neighbouring costs.

        Columns: quantity, theory (small costs), smallest costs, largest costs.
        """
        import pandas as pd

        found = []
        cost = np.log([row["cost"] for row in self.rows])
        for name, power in EXPONENTS.items():
            values = np.abs([row[name] for row in self.rows])
            with np.errstate(divide="ignore", invalid="ignore"):
                slopes = np.diff(np.log(values)) / np.diff(cost)
            found.append({
                "quantity": LABELS[name], "theory": power / (self.problem.power + 2), "smallest costs": slopes[0],
                "largest costs": slopes[-1],
            })  # fmt: skip
        return pd.DataFrame(found)

    def summary(self) -> dict[str, pd.DataFrame]:
        """Numbers and exponents, by title."""
        import pandas as pd

        shown = pd.DataFrame({k.replace("_", " "): [row[k] for row in self.rows] for k in ("cost", *EXPONENTS)})
        return {f"{self.problem.name} against its trading cost": shown, "d ln(quantity) / d ln(cost)": self.exponents()}

    def plot(self) -> np.ndarray:
        """Excess volatility, liquidity discount, volume and costs paid against the cost; panels of shape (2, 2)."""
        from simcal.equilibrium.figures import plot_cost_predictions

        return plot_cost_predictions(
            [row["cost"] for row in self.rows],
            {name: [row[name] for row in self.rows] for name in EXPONENTS},
            {name: power / (self.problem.power + 2) for name, power in EXPONENTS.items()},
            leading_order=self.leading_order,
            labels=LABELS,
            title=f"{self.problem.name}: against the trading cost",
        )

    def sections(self) -> list[Section]:
        """What a report shows: exponents with their figure, numbers, and how they were found."""
        from simcal.report import Picture, Section, Table

        prose = [
            "The same agents and the same dividend at other trading costs. Trading costs keep agents from their wanted "
            "positions; the gaps move the price beside the dividend (volatility), for which it must be cheaper "
            "(liquidity discount), and the dearer trading is, the less is traded.",
            "Volume is half the sum of absolute rates, costs are those of all agents; both with standard errors on the "
            "same noise at all costs.",
        ]
        exponents = Table(
            self.exponents(), "How many per cent one per cent of cost changes: d ln(quantity) / d ln(cost)."
        )
        numbers = self.table().drop(columns="status").rename(columns=_plain)
        statuses = [f"Cost {row['cost']:.4g}: {row['status']}" for row in self.rows]
        return [
            Section(
                "What the equilibrium predicts", prose, [exponents], [Picture(self.plot(), "Both axes logarithmic.")]
            ),
            Section("Numbers", tables=[Table(numbers, "", 4)]),
            Section("How they were solved", statuses),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "problem": self.problem.to_dict(), "rows": self.rows, "leading_order": self.leading_order,
            "exponents": self.exponents().to_dict(orient="records"),
        }  # fmt: skip


def predictions(
    problem: EquilibriumProblem,
    costs: Sequence[float] | None = None,
    *,
    method: str | None = None,
    n_paths: int = 400,
    seed: int = 0,
    listen: Callable[[float], None] | None = None,
    **options: Any,
) -> Predictions:
    r"""Solve one problem at several costs, all else equal, and measure what a market would show.

    For small costs agents keep positions within a distance of order :math:`\lambda^{1 / (q + 2)}` of those without
    costs, so that, with :math:`\lambda \to 0`,

    .. math:: E[\sigma] - \alpha \sim \lambda^{2 / (q + 2)}, \quad \text{discount} \sim \lambda^{2 / (q + 2)}, \quad
        \text{volume} \sim \lambda^{-1 / (q + 2)}, \quad \text{costs paid} \sim \lambda^{2 / (q + 2)} .

    Steps shrink with the cost as the time in which gaps close does, :math:`\lambda^{2 / (q + 2)}`.

    Parameters
    ----------
    problem
        Its cost is replaced. Its steps belong to its own cost.
    costs
        At least two, increasing; without them seven from a hundredth of the problem's cost to ten times that.
    method
        Of `solve`, with `options`; the exact one without it.
    n_paths, seed
        Of the paths for volume and costs paid, the same noise at all costs.
    listen
        Called with each cost before it is solved.

    Raises
    ------
    ParameterError
        Where costs or method are not allowed.
    """
    check_integer("n_paths", n_paths, 2, 2**32 - 1)
    check_seed(seed)
    chosen = [problem.cost * f for f in _FACTORS] if costs is None else [float(c) for c in costs]
    if len(chosen) < 2 or any(not b > a > 0 for a, b in pairwise(chosen)):
        raise ParameterError(f"costs are {chosen}, but must be at least two positive numbers that increase.")
    rows, theory = [], []
    for cost in chosen:
        if listen is not None:
            listen(cost)
        at = problem.replace(cost=cost, n_steps=_steps(problem, cost))
        found = solve(at, method=method or default_method(at), **options)
        rows.append({"cost": cost, "n_steps": at.n_steps, "method": found.method, **_measured(found, n_paths, seed)})
        if problem.n_agents == 2 and POWERS[0] <= problem.power <= POWERS[1] and problem.exposure[0] != 0:
            theory.append(_leading_order(at))
    names = list(theory[0]) if theory else []
    return Predictions(problem, rows, {name: [row[name] for row in theory] for name in names})


def _steps(problem: EquilibriumProblem, cost: float) -> int:
    finer = (problem.cost / cost) ** (2 / (problem.power + 2))
    wanted = problem.n_steps * max(finer, 1.0)
    return min(math.ceil(max(wanted, _FINE) if problem.power == 2 else wanted), _MOST)


def _measured(found: EquilibriumSolution, n_paths: int, seed: int) -> dict[str, Any]:
    problem = found.problem
    volatility = float(np.mean(found.mean_volatility))
    told = {
        "volatility": volatility, "excess_volatility": volatility - problem.dividend_volatility, "price": found.price,
        "liquidity_discount": found.liquidity_discount,
    }  # fmt: skip
    lost = {name: np.full(2, np.nan) for name in ("volume", "costs")}
    measured = lost if found.failed else found.measured(seed, n_paths)
    return {**told, **means(measured, *lost), "status": found.status}


def _leading_order(problem: EquilibriumProblem) -> dict[str, float]:
    """The stationary means of two agents to leading order; rates as in `solve_leading_order`."""
    from scipy.integrate import cumulative_trapezoid

    found, q, scale = solve(problem, method="leading-order"), problem.power, problem.cost_factor
    speed = small_cost_scales(problem, problem.dividend_volatility)[2]
    x = np.linspace(0.0, 10.0, 20_001)
    scaled = np.abs(stationary_shape(q).value(x) / q) ** (1 / (q - 1))  # rate over `speed`, and fall of ln density
    density = np.exp(-cumulative_trapezoid(scaled, x, initial=0.0))
    density[[0, -1]] /= 2
    density /= density.sum()
    return {
        "excess_volatility": float(np.mean(found.mean_volatility)) - problem.dividend_volatility,
        "liquidity_discount": found.liquidity_discount,
        "volume": float(speed * (density @ scaled)),
        "costs": float(problem.n_agents * scale / q * speed**q * (density @ scaled**q)),
    }  # fmt: skip


def _plain(heading: str) -> str:
    return heading.replace("_se", " s.e.").replace("n_steps", "steps").replace("_", " ")
