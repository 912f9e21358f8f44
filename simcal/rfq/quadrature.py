"""Integrals of functions made of exponential power laws, which may have cusps at their means, edges and far tails.

Gauss-Legendre in cells: on each a function is a polynomial through the nodes, whose integral is known at every point.
Cells end where the laws are not smooth. There are two ways to cut the line:

* `Cells.fast`, for likelihoods: few cells of low order; relative errors about 1e-9 for shapes from 0.3 to 20.
* `Cells.exact`, for closed forms: cells that shrink geometrically towards each mean; errors near rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.polynomial import legendre

from simcal.rfq.laws import tail_distance

Law = tuple[float, float, float]
"""Mean, scale and shape."""

_FAST, _EXACT = 10, 24  # nodes per cell
# Fast cells: where |z|^a / a is so much along a tail, up to exp(-40), which is nothing; next to the cusp they grow.
_ALONG_TAIL = np.array([1e-5, 3e-4, 3e-3, 0.03, 0.2, 0.7, 1.5, 3.0, 5.0, 8.0, 12, 18, 27, 40.0])
_GROWTH, _MOST_NEAR = 3.0, 30
# Exact cells: half octaves of the scale down to which they shrink towards a mean; the shape from which on a density
# falls from near its height to nothing within a few of them; the probability beyond which a tail is left out.
_FINEST, _STEEP, _NOTHING = -40, 8, 1e-22


class Cells:
    """A partition of the line, and nodes in it; functions are given by their values there.

    Attributes
    ----------
    edges
        Ends of the cells, (cells + 1,).
    x
        The nodes, (cells, order).
    """

    def __init__(self, edges: np.ndarray, order: int) -> None:
        nodes, self._weights, self._to_integral = _rule(order)
        self.edges = edges
        self._halves = np.diff(edges) / 2
        self.x = edges[:-1, None] + self._halves[:, None] * (1 + nodes)

    @classmethod
    def fast(cls, laws: Iterable[Law], also: Iterable[float] = ()) -> Self:
        """Cells for many integrals; `also` names further edges, where a function changes fast."""
        edges = [np.array([*also], dtype=float)]
        for mean, scale, shape in laws:
            along = (shape * _ALONG_TAIL) ** (1 / shape)
            # Next to the cusp a function is off by about |z|^a on a cell as wide.
            near = 10 ** (-10 / (1 + shape)) * _GROWTH ** np.arange(_MOST_NEAR)
            offsets = scale * np.concatenate([[0.0], np.sort(np.concatenate([near[near < along[-1]], along]))])
            edges.append(np.concatenate([mean - offsets[:0:-1], mean + offsets]))
        return cls(np.unique(np.concatenate(edges)), _FAST)

    @classmethod
    def exact(cls, laws: Iterable[Law]) -> Self:
        """Cells for exact numbers."""
        edges = []
        for mean, scale, shape in set(laws):
            end = tail_distance(_NOTHING, shape)
            steps = 2.0 ** (np.arange(_FINEST, math.ceil(2 * math.log2(end)) + 1) / 2)
            if shape > _STEEP:
                steps = np.concatenate([steps, np.linspace(0.5, end, math.ceil(shape))])
            edges += [mean - scale * steps, [mean], mean + scale * steps]
        return cls(np.unique(np.concatenate(edges)), _EXACT)

    def total(self, values: Any) -> float:
        """The integral over the whole line."""
        return float(((values @ self._weights) * self._halves).sum())

    def up_to(self, values: np.ndarray, x: Any) -> np.ndarray:
        """The integral from below up to each x, of any shape; zero below the first edge, the total beyond the last."""
        before = np.concatenate([[0.0], np.cumsum((values @ self._weights) * self._halves)])
        cell, part = self._part(values, x)
        return before[cell] + part

    def beyond(self, values: np.ndarray, x: Any) -> np.ndarray:
        """The integral from each x on, summed from above: what lies below x does not round it."""
        rest = np.cumsum(((values @ self._weights) * self._halves)[::-1])[::-1]
        cell, part = self._part(values, x)
        return rest[cell] - part

    def _part(self, values: np.ndarray, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """The cell of each x, and the integral from the cell's lower edge up to it."""
        cell = np.clip(np.searchsorted(self.edges, x, side="right") - 1, 0, len(self._halves) - 1)
        place = np.clip((x - self.edges[cell]) / self._halves[cell] - 1, -1.0, 1.0)
        coefficients = (values @ self._to_integral.T * self._halves[:, None])[cell]
        return cell, legendre.legval(place, np.moveaxis(coefficients, -1, 0), tensor=False)


@cache
def _rule(order: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes and weights on [-1, 1], and from values there to the Legendre coefficients of the integral from -1."""
    nodes, weights = legendre.leggauss(order)
    to_legendre = ((np.arange(order) + 0.5) * legendre.legvander(nodes, order - 1) * weights[:, None]).T
    return nodes, weights, np.stack([legendre.legint(row, lbnd=-1) for row in np.eye(order)], axis=1) @ to_legendre
