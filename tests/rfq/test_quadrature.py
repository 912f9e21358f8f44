"""Integrals of exponential power laws against their closed forms and an adaptive integrator."""

import numpy as np
import pytest
from scipy import special

from simcal.rfq.laws import pdf, sf
from simcal.rfq.quadrature import Cells

SHAPES = (0.3, 0.7, 1.0, 1.2, 2.0, 5.0, 20.0, 50.0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("m", [1, 4, 8])
def test_density_of_the_best_of_several_integrates_to_its_distribution(shape, m):
    laws = [(0.2, 1.0, 2.0), (0.6, 0.8, shape)]
    panels = Cells.fast(laws)
    values = m * pdf(panels.x, *laws[1]) * sf(panels.x, *laws[1]) ** (m - 1)
    x = np.concatenate([np.linspace(-4, 5, 2001), 0.6 + np.array([-1e-9, 0.0, 1e-9])])
    below = 1 - sf(x, *laws[1]) ** m
    np.testing.assert_allclose(panels.up_to(values, x), below, atol=1e-9)
    np.testing.assert_allclose(panels.beyond(values, x), 1 - below, atol=1e-9)
    assert panels.total(values) == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize(("client", "quote"), [(0.3, 0.3), (0.3, 20.0), (20.0, 0.3), (1.0, 1.2), (2.0, 5.0)])
def test_integral_of_two_laws_agrees_with_one_on_a_far_finer_partition(client, quote):
    f, g = (0.2, 1.0, client), (0.6, 0.8, quote)
    panels = Cells.fast([f, g])
    values = 4 * pdf(panels.x, *g) * sf(panels.x, *g) ** 3 * sf(panels.x, *f)
    y = np.array([-1.0, 0.1, 0.3, 0.55, 0.61, 0.9, 1.7])
    away = 10.0 ** np.linspace(-12, 4, 400)
    edges = np.unique(np.concatenate([0.2 - away, 0.2 + away, 0.6 - away, 0.6 + away, np.linspace(-3, 4, 701), y]))
    nodes, weights = np.polynomial.legendre.leggauss(12)
    halves = np.diff(edges)[:, None] / 2
    x = edges[:-1, None] + halves * (1 + nodes)
    pieces = (4 * pdf(x, *g) * sf(x, *g) ** 3 * sf(x, *f) * halves) @ weights
    total = np.concatenate([[0.0], np.cumsum(pieces)])
    np.testing.assert_allclose(panels.up_to(values, y), total[np.searchsorted(edges, y)], rtol=1e-8, atol=1e-9)


def test_tail_beyond_a_far_point_keeps_its_relative_accuracy():
    g = (0.0, 1.0, 2.0)
    panels = Cells.fast([g])
    x = np.array([3.0, 5.0, 6.0])
    np.testing.assert_allclose(panels.beyond(pdf(panels.x, *g), x), special.ndtr(-x), rtol=1e-5)
