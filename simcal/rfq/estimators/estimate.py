"""What several methods found beside each other, and beside the truth; and standard errors from information."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simcal.calibration.estimate import Estimate as Estimate
from simcal.rfq.market import RfqMarket

LARGEST_CONDITION = 1e10  # of an information matrix scaled to a unit diagonal; beyond, some direction is not seen


def unit_diagonal(information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An information matrix scaled to a unit diagonal, and by what its rows and columns were multiplied."""
    scale = 1 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    return information * np.outer(scale, scale), scale


def inverse_information(information: np.ndarray) -> np.ndarray | None:
    """The covariance that an information matrix gives; None where it is singular or has a negative direction."""
    if not np.isfinite(information).all() or (np.diag(information) <= 0).any():
        return None
    scaled, scale = unit_diagonal(information)
    values, vectors = np.linalg.eigh(scaled)
    if values[0] <= values[-1] / LARGEST_CONDITION:
        return None
    return (vectors / values) @ vectors.T * np.outer(scale, scale)


def true_values(truth: RfqMarket, names: tuple[str, ...]) -> np.ndarray:
    """What the estimates should be: of the dealers' parameters the mean over the rivals."""
    return np.array(
        [float(np.mean(truth.vector(n)[1:])) if truth.SPECS[n].group else float(getattr(truth, n)) for n in names]
    )


def estimates_table(fits: tuple[Estimate, ...], truth: RfqMarket | None = None) -> pd.DataFrame:
    """A row per method and parameter: estimate, standard error, seconds; and the error in standard errors."""
    tables = []
    for fit in fits:
        columns = {"parameter": fit.names, "method": fit.method, "estimate": fit.values}
        table = pd.DataFrame(columns | {"standard error": fit.standard_errors, "seconds": fit.seconds})
        if truth is not None:
            true = true_values(truth, fit.names)
            table = table.assign(truth=true, error=(fit.values - true) / fit.standard_errors)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def disagreements(fits: tuple[Estimate, ...], chosen: str) -> list[str]:
    """A sentence for each method whose estimates lie more than four standard errors from the chosen one's."""
    first, said = next(f for f in fits if f.method == chosen), []
    for fit in fits:
        shared = [n for n in fit.names if n in first.names]
        if fit is first or not shared:
            continue
        here, there = [fit.names.index(n) for n in shared], [first.names.index(n) for n in shared]
        spread = np.hypot(fit.standard_errors[here], first.standard_errors[there])
        far = np.abs(fit.values[here] - first.values[there]) > 4 * spread
        if far.any():
            names = ", ".join(n for n, f in zip(shared, far, strict=True) if f)
            said.append(
                f"The method {fit.method} gives values for {names} that lie more than four standard errors from those "
                f"of the method {chosen}: the market does not describe all of what the table shows."
            )
    return said
