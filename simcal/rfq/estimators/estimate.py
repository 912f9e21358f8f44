"""What one method found: values, their covariance, and a sentence on how it ended; and several beside each other."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd

from simcal.rfq.market import RfqMarket

LARGEST_CONDITION = 1e10  # of an information matrix scaled to a unit diagonal; beyond, some direction is not seen


@dataclass(frozen=True, eq=False)
class Estimate:
    """Estimated parameters of the client's and the rivals' laws.

    Attributes
    ----------
    method
        "likelihood", "moments" or "adversarial".
    names, values
        The parameters and their estimates.
    covariance
        Of the estimates, (len(names), len(names)); NaN where the table does not identify the parameters.
    status
        One sentence on how it ended.
    succeeded
        True where the values are an optimum with finite standard errors.
    seconds
        Wall time.
    n
        Requests that were used.
    """

    method: str
    names: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray = field(repr=False)
    status: str
    succeeded: bool
    seconds: float
    n: int

    @property
    def standard_errors(self) -> np.ndarray:
        """Square roots of the variances, NaN where there are none."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.diag(self.covariance))

    def value(self, name: str) -> float:
        """One estimate."""
        return float(self.values[self.names.index(name)])

    def table(self) -> pd.DataFrame:
        """One row per parameter: parameter, method, estimate, standard error, seconds."""
        columns = {"parameter": self.names, "method": self.method, "estimate": self.values}
        return pd.DataFrame(columns | {"standard error": self.standard_errors, "seconds": self.seconds})

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        plain = {"names": list(self.names), "values": self.values.tolist(), "covariance": self.covariance.tolist()}
        return {f.name: plain.get(f.name, getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Estimate:
        """The inverse of `to_dict`."""
        k = len(values["names"])
        arrays = {
            "names": tuple(values["names"]),
            "values": np.array(values["values"], dtype=float),
            "covariance": np.array(values["covariance"], dtype=float).reshape(k, k),
        }
        return cls(**(values | arrays))


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
    """The estimates of several methods under each other; error: estimate less truth in standard errors."""
    tables = []
    for fit in fits:
        table = fit.table()
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
