"""A weak prior on shapes, for tables that tell little of them.

Without one, a few thousand requests often fit best with a client whose law is uniform, or has a spike: the shape is the
last thing that a table tells. The prior, log shape ~ N(log 2, deviation^2), is worth one observation; where the table
tells the shape, it moves it by a small part of its standard error.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CENTRE = 2.0
"""The normal law's shape."""


def prior_terms(names: Sequence[str], values: np.ndarray, deviation: float | None) -> np.ndarray:
    """Standardised distances of the shapes among the values from the prior's centre; empty without a prior.

    Half the sum of their squares is minus the log density.
    """
    if deviation is None:
        return np.empty(0)
    shapes = [value for name, value in zip(names, values, strict=True) if name.endswith("_shape")]
    return np.log(np.array(shapes) / CENTRE) / deviation
