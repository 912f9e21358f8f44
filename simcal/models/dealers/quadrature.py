"""Integrals over laws that may have a cusp at their mean and far tails: Gauss-Legendre in cells that fit them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.polynomial import legendre

from simcal.models.dealers.exponential_power import tail_distance
from simcal.models.dealers.panels import Law

ORDER = 24  # nodes per cell
FINEST = -40  # half octaves of the scale down to which cells shrink towards a mean, where the density may have a cusp
STEEP = 8  # the shape from which on the density falls from near its height to nothing within a few cells
NOTHING = 1e-22  # probability beyond which a tail is left out


class Cells:
    """Gauss-Legendre nodes x, shape (cells, ORDER), in cells that shrink geometrically towards the mean of each law."""

    def __init__(self, laws: Iterable[Law]) -> None:
        edges = []
        for mean, scale, shape in set(laws):
            end = tail_distance(NOTHING, shape)
            steps = 2.0 ** (np.arange(FINEST, math.ceil(2 * math.log2(end)) + 1) / 2)
            if shape > STEEP:
                steps = np.concatenate([steps, np.linspace(0.5, end, math.ceil(shape))])
            edges += [mean - scale * steps, [mean], mean + scale * steps]
        self._edges = np.unique(np.concatenate(edges))
        self._half = np.diff(self._edges)[:, None] / 2
        self.x = self._edges[:-1, None] + self._half * (_NODES + 1)

    def integral(self, values: Any) -> float:
        """The integral of a function from its values at the nodes."""
        return float(np.sum(values * self._half * _WEIGHTS))

    def antiderivative(self, values: np.ndarray) -> Callable[[Any], np.ndarray]:
        """The integral up to any x (any shape), exact for polynomials of degree ORDER - 1 in each cell."""
        coefficients = legendre.legint(values @ _TO_COEFFICIENTS, lbnd=-1, axis=1) * self._half
        below = np.concatenate([[0.0], np.cumsum(coefficients.sum(axis=1))])  # a Legendre polynomial is 1 at 1

        def up_to(x: Any) -> np.ndarray:
            x = np.clip(x, self._edges[0], self._edges[-1])
            cell = np.clip(np.searchsorted(self._edges, x, side="right") - 1, 0, len(self._half) - 1)
            place = (x - self._edges[cell]) / self._half[cell, 0] - 1
            return below[cell] + legendre.legval(place, np.moveaxis(coefficients[cell], -1, 0), tensor=False)

        return up_to


_NODES, _WEIGHTS = legendre.leggauss(ORDER)
_TO_COEFFICIENTS = np.linalg.inv(legendre.legvander(_NODES, ORDER - 1)).T  # of Legendre polynomials, from values
