r"""Would the request have been done at another margin, given how it ended?

In reduced units (half spreads from the mid, on the dealer's side) a request has the client's value V with density f
and survival function S_f, and m = N - 1 rivals with densities g_j and survival functions S_j, all independent. The best
rival is B, S_B = prod S_j. The dealer quoted y and asks what y' = y + shift had done; the client takes the lowest quote
if it lies below V, so a margin x is DONE where x < min(B, V). Rivals and client do not see the dealer's quote, so that
their law given the outcome at y is their law restricted to it. With

.. math::
    h(x) &= S_f(x) S_B(x)                                  && \text{DONE at } x \\
    K(x) &= \int_{-\infty}^x f(v) S_B(v) dv                && V < x, V < B \\
    A(x) &= \int_{-\infty}^x g_B(b) S_f(b) db              && B < x, B < V \\
    A_j(x) &= \int_{-\infty}^x g_j(b) S_f(b) db

the probabilities of DONE at y' given what was seen at y are, for a higher quote (y' >= y), 0 unless DONE at y, and

* DONE, cover c known: B = c, V > y. 1{y' < c} S_f(max(y, y')) / S_f(y)
* DONE: h(max(y, y')) / h(y)
* NOT_TRADED: V < min(y, B). (K(y) - K(y')) / K(y) for y' < y: V in (y', y) and below B
* TRADED_AWAY at a known price b: B = b < V. 1{y' < b}
* TRADED_AWAY, of all that went elsewhere: (A(y) - A(y')) / A(y) for y' < y: B in (y', y) and below V
* COVER: one rival j below y and V, the others above y.
  sum_j (A_j(y) - A_j(y')) prod_{k != j} S_k(y), over the same with A_j(y') = 0. TIED_COVER likewise.
* TRADED_AWAY where COVER is told apart: numerator and denominator of the last but one less those of COVER
* TIED: B = y. 1 for y' < y
* lost, the reason unknown: (h(y') - h(y)) / (1 - h(y)) for y' < y

Where the rivals differ and fewer than all are asked, S_B, A, K and the sums are averages over who may have been asked.
Averaged over the outcomes at y these give h(y'): the law of total probability.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from simcal.models.dealers.exponential_power import pdf, quantile, sf

Law = tuple[float, float, float]  # mean, scale, shape
Panels = Sequence[tuple[float, tuple[int, ...]]]  # weight, laws of the rivals asked

_TAIL = 1e-15  # probability that is left out at either end
_NEAREST, _RATIO = 1e-7, 1.02  # of the grid: first distance from a mean in scales, and growth of the distances
_QUIET = np.errstate(over="ignore")  # far from a mean |z|^a may overflow; its exponential is 0 then, as it should be
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)


@dataclass(frozen=True, eq=False)
class PanelTables:
    """The integrals above for one panel size, as functions of reduced margins (arrays in, arrays out)."""

    client: Law
    laws: tuple[Law, ...]
    panels: Panels
    not_traded: Callable[[Any], np.ndarray]  # K
    away: Callable[[Any], np.ndarray]  # A
    beaten: tuple[Callable[[Any], np.ndarray], ...]  # A_j by law

    @_QUIET
    def client_above(self, x: Any) -> np.ndarray:
        """S_f."""
        return sf(x, *self.client)

    @_QUIET
    def rivals_above(self, x: Any) -> np.ndarray:
        """S_B."""
        return _rivals_above(x, self.laws, self.panels)

    def done(self, x: Any) -> np.ndarray:
        """h, the hit curve."""
        return self.client_above(x) * self.rivals_above(x)

    @_QUIET
    def cover(self, y: Any, x: Any) -> np.ndarray:
        """Probability that the best rival lies below y and V but above x, and all others above y (x <= y)."""
        above = [sf(y, *law) for law in self.laws]
        between = [self.beaten[j](y) - self.beaten[j](x) for j in range(len(self.laws))]
        total = np.zeros(np.shape(y))
        for weight, panel in self.panels:
            for place, j in enumerate(panel):
                others = [above[k] for k in (*panel[:place], *panel[place + 1 :])]
                total += weight * between[j] * np.prod(np.stack([np.ones(np.shape(y)), *others]), axis=0)
        return total


@_QUIET
def panel_tables(client: Law, rivals: Sequence[Law], n_dealers: int) -> PanelTables:
    """Tables for requests that ask `n_dealers` dealers, the own one and a run of neighbours in the ring of `rivals`."""
    laws = tuple(dict.fromkeys(rivals))
    m, count = n_dealers - 1, len(rivals)
    starts = range(count if 0 < m < count else 1)
    members = Counter(tuple(sorted(laws.index(rivals[(i + k) % count]) for k in range(m))) for i in starts)
    panels = [(number / len(starts), panel) for panel, number in members.items()]
    laws = laws if m else ()
    grid = _grid([client, *laws])

    def away_density(x: np.ndarray) -> np.ndarray:
        above, density = [sf(x, *law) for law in laws], [pdf(x, *law) for law in laws]
        total = np.zeros_like(x)
        for weight, panel in panels:
            for place, j in enumerate(panel):
                others = [above[k] for k in (*panel[:place], *panel[place + 1 :])]
                total += weight * density[j] * np.prod(np.stack([np.ones_like(x), *others]), axis=0)
        return total * sf(x, *client)

    return PanelTables(
        client, laws, panels,
        not_traded=_integral(lambda x: pdf(x, *client) * _rivals_above(x, laws, panels), grid),
        away=_integral(away_density, grid),
        beaten=tuple(_integral(lambda x, law=law: pdf(x, *law) * sf(x, *client), grid) for law in laws),
    )  # fmt: skip


def _rivals_above(x: Any, laws: Sequence[Law], panels: Panels) -> np.ndarray:
    x = np.asarray(x, float)
    above = [sf(x, *law) for law in laws]
    total = np.zeros_like(x)
    for weight, panel in panels:
        total += weight * np.prod(np.stack([np.ones_like(x), *(above[j] for j in panel)]), axis=0)
    return total


def _grid(laws: Sequence[Law]) -> np.ndarray:
    """Cells that grow with the distance from each law's mean, where densities of a shape below 1 have a cusp."""
    ends = [abs(quantile(_TAIL, 0.0, 1.0, shape)) for _, _, shape in laws]
    low = min(mean - scale * end for (mean, scale, _), end in zip(laws, ends, strict=True))
    high = max(mean + scale * end for (mean, scale, _), end in zip(laws, ends, strict=True))
    points = [np.array([low, high])]
    for (mean, scale, _), end in zip(laws, ends, strict=True):
        distance = scale * np.geomspace(_NEAREST, end, int(np.log(end / _NEAREST) / np.log(_RATIO)) + 2)
        points += [mean + distance, mean - distance, np.array([mean])]
    grid = np.unique(np.concatenate(points))
    return grid[np.concatenate([[True], np.diff(grid) > 1e-12 * (high - low)])]


def _integral(density: Callable[[np.ndarray], np.ndarray], grid: np.ndarray) -> Callable[[Any], np.ndarray]:
    """The integral of a density from the lower end up to x: cumulative Gauss-Legendre, then cubic interpolation."""
    left, width = grid[:-1, None], np.diff(grid)[:, None]
    mass = (density(left + 0.5 * width * (1 + _NODES)) * _WEIGHTS).sum(1) * 0.5 * width[:, 0]
    spline = CubicHermiteSpline(grid, np.concatenate([[0.0], np.cumsum(mass)]), density(grid))
    return lambda x: spline(np.clip(x, grid[0], grid[-1]))
