"""The fundamental value's numbers in the form that the compiled loops use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def fundamental_fields(numbers: Mapping[str, np.ndarray], dtype: Any) -> dict[str, Any]:
    """Fields of a market's coefficients, in one precision, from its parameters by name."""
    real, correlation = np.dtype(dtype).type, numbers["leverage_correlation"]
    return {
        "mean": real(numbers["fundamental_mean"]),  # mu1
        "reversion": real(numbers["fundamental_reversion"]),  # v1
        "start": real(numbers["fundamental_start"]),
        "variance_mean": real(numbers["variance_mean"]),  # mu2
        "variance_reversion": real(numbers["variance_reversion"]),  # v2
        "variance_start": real(numbers["variance_start"]),
        "vol_of_vol": real(numbers["vol_of_vol"]),  # xi
        "correlation": real(correlation),
        "orthogonal": real(np.sqrt(np.maximum(1 - correlation * correlation, 0))),
    }
