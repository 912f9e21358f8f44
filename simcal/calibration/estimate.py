"""What one method found in one sample: values, their covariance, and a sentence on how it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Estimate:
    """Estimated parameters.

    Attributes
    ----------
    method
        "moments", "adversarial", "likelihood" or another estimator.
    names, values
        The parameters and their estimates, (parameters,).
    covariance
        Of the estimates, (parameters, parameters); NaN where it is not known.
    status
        One sentence on how it ended.
    succeeded
        Whether it ended well.
    seconds
        Wall time.
    n
        Observations that were used.
    start
        Where the search began, (parameters,); NaN where it began nowhere in particular.
    objective
        What was minimised: n g' W g of the moments, the energy distance of the game.
    replication
        Which of several samples was used.
    details
        What else is to be known of it, plain values by name; ``values`` has the raw ones, a tuple for parameters with a
        value per trader.
    """

    method: str
    names: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray = field(repr=False)
    status: str
    succeeded: bool
    seconds: float
    n: int = 0
    start: np.ndarray = field(default_factory=lambda: np.array(math.nan))
    objective: float = math.nan
    replication: int = 0
    details: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def standard_errors(self) -> np.ndarray:
        """Square roots of the variances, NaN where there are none."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.diag(self.covariance))

    def value(self, name: str) -> float:
        """One estimate."""
        return float(self.values[self.names.index(name)])

    def began(self, name: str) -> float:
        """Where the search for one estimate began."""
        return float(np.broadcast_to(self.start, len(self.names))[self.names.index(name)])

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "method": self.method, "replication": self.replication, "names": list(self.names),
            "start": np.broadcast_to(self.start, len(self.names)).tolist(), "values": self.values.tolist(),
            "covariance": self.covariance.tolist(), "objective": self.objective, "status": self.status,
            "succeeded": self.succeeded, "seconds": self.seconds, "n": self.n, "details": self.details,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Estimate:
        """The inverse of `to_dict`, also after a way through JSON, and of the fits of earlier recoveries."""
        found = values["values"]
        names = tuple(values.get("names", found))

        def numbers(given: Any) -> np.ndarray:
            return np.array([given[n] for n in names] if isinstance(given, dict) else given, dtype=float)

        k, objective = len(names), values.get("objective", math.nan)
        return cls(
            values["method"], names, numbers(found), numbers(values.get("covariance", unknown(k))).reshape(k, k),
            values["status"], values["succeeded"], values["seconds"], values.get("n", 0),
            start=numbers(values.get("start", [math.nan] * k)), objective=math.inf if objective is None else objective,
            replication=values.get("replication", 0), details=_restored(values.get("details", {})),
        )  # fmt: skip


def _restored(details: Mapping[str, Any]) -> dict[str, Any]:
    """As before the way through JSON, which has neither tuples nor infinity."""
    back = {k: math.inf if v is None else tuple(v) if isinstance(v, list) else v for k, v in details.items()}
    return {k: _restored(v) if isinstance(v, Mapping) else v for k, v in back.items()}


def unknown(k: int) -> np.ndarray:
    """The covariance of `k` estimates of which none is known."""
    return np.full((k, k), math.nan)
