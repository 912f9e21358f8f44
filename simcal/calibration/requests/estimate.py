"""What one method found: values, their covariance, and a sentence on how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

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
        return pd.DataFrame(
            {
                "parameter": self.names,
                "method": self.method,
                "estimate": self.values,
                "standard error": self.standard_errors,
                "seconds": self.seconds,
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "method": self.method, "names": list(self.names), "values": self.values.tolist(),
            "covariance": self.covariance.tolist(), "status": self.status, "succeeded": self.succeeded,
            "seconds": self.seconds, "n": self.n,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Estimate:
        """The inverse of `to_dict`."""
        k = len(values["names"])
        return cls(
            values["method"], tuple(values["names"]), np.array(values["values"], dtype=float),
            np.array(values["covariance"], dtype=float).reshape(k, k), values["status"], values["succeeded"],
            values["seconds"], values["n"],
        )  # fmt: skip


def inverse_information(information: np.ndarray) -> np.ndarray | None:
    """The covariance that an information matrix gives; None where it is singular or has a negative direction."""
    diagonal = np.diag(information)
    if not np.isfinite(information).all() or (diagonal <= 0).any():
        return None
    scale = 1 / np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(information * np.outer(scale, scale))
    if values[0] <= values[-1] / LARGEST_CONDITION:
        return None
    return (vectors / values) @ vectors.T * np.outer(scale, scale)
