"""The law of what a dealer learns: against simulated frequencies, and against the identities of a likelihood."""

from dataclasses import replace

import numpy as np
import pytest
from rfq_samples import TRUTH, law, simulate

from simcal.rfq.estimators.likelihood import Laws, log_probabilities, quote_log_densities
from simcal.rfq.estimators.maximise import differences, observed_information
from simcal.rfq.estimators.sample import Event, Sample

OTHERS = [
    np.array([0.5, 2.0, 1.0, 0.2, 0.3, 0.7]),
    np.array([0.0, 1.0, 0.4, 0.5, 1.0, 5.0]),
    np.array([0.2, 0.7, 12.0, 0.8, 0.5, 18.0]),
]


def probabilities(event, y, m, values, other=np.nan):
    y = np.atleast_1d(np.asarray(y, dtype=float))
    n = len(y)
    other = np.broadcast_to(other, n).astype(float)
    sample = Sample(y, np.full(n, m), np.full(n, event), other, np.ones(n), np.ones(n))
    return np.exp(log_probabilities(sample, Laws.of(values)))


@pytest.mark.parametrize("values", [TRUTH, *OTHERS])
@pytest.mark.parametrize("m", [0, 1, 4, 8])
def test_done_away_and_not_traded_add_to_one(values, m):
    y = np.linspace(-2, 3, 41)
    ends = [Event.DONE, Event.NOT_TRADED, *([Event.AWAY] if m else [])]
    np.testing.assert_allclose(sum(probabilities(e, y, m, values) for e in ends), 1.0, atol=1e-9)
    np.testing.assert_allclose(
        probabilities(Event.LOST, y, m, values), 1 - probabilities(Event.DONE, y, m, values), atol=1e-12
    )


@pytest.mark.parametrize("values", [TRUTH, *OTHERS])
def test_second_place_and_behind_add_to_traded_away(values):
    y = np.linspace(-1, 2, 21)
    away = probabilities(Event.AWAY, y, 4, values)
    both = probabilities(Event.SECOND, y, 4, values) + probabilities(Event.BEHIND, y, 4, values)
    np.testing.assert_allclose(both, away, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(
        probabilities(Event.SECOND, y, 1, values), probabilities(Event.AWAY, y, 1, values), atol=1e-15
    )


@pytest.mark.parametrize("values", [TRUTH, *OTHERS])
@pytest.mark.parametrize("m", [1, 3])
def test_densities_of_told_prices_integrate_to_the_events(values, m):
    y = 0.7
    grid, weights = np.polynomial.legendre.leggauss(400)
    far = values[3] + values[4] * np.array([-40, -8, -2, -1, -0.1, 0.1, 1, 2, 8, 40])
    edges = np.unique([*far, values[0], values[3], y])
    x = ((edges[:-1] + edges[1:]) / 2)[:, None] + (np.diff(edges) / 2)[:, None] * grid
    w = ((np.diff(edges) / 2)[:, None] * weights).ravel()
    x = x.ravel()

    def integral(event, of):
        return float((probabilities(event, np.full(x.size, y), m, values, x) * w)[of].sum())

    events = [(Event.DONE, Event.DONE_COVER, x > y), (Event.AWAY, Event.AWAY_AT, x < y)]
    events += [(Event.SECOND, Event.SECOND_AT, x < y), (Event.BEHIND, Event.BEHIND_AT, x < y)]
    for event, told, of in events:
        assert integral(told, of) == pytest.approx(probabilities(event, y, m, values)[0], abs=2e-5)


@pytest.mark.parametrize("values", [TRUTH, *OTHERS])
@pytest.mark.parametrize("m", [1, 4])
def test_probabilities_are_the_frequencies_of_a_simulation(values, m):
    n, y = 200_000, 0.55
    rng = np.random.default_rng(m)
    value = law(*values[:3]).rvs(n, random_state=rng)
    quotes = np.sort(law(*values[3:]).rvs((n, m), random_state=rng), axis=1)
    best = np.minimum(quotes[:, 0], y)
    traded = best < value
    away = traded & (quotes[:, 0] < y)
    second = away & (y < (quotes[:, 1] if m > 1 else np.inf))
    for event, happened in (
        (Event.DONE, traded & ~away), (Event.AWAY, away), (Event.SECOND, second), (Event.NOT_TRADED, ~traded),
    ):  # fmt: skip
        p = probabilities(event, y, m, values)[0]
        assert happened.mean() == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / n) + 1e-9)


def test_a_shared_second_place_is_the_limit_of_small_ticks():
    # Another rival within h of the own quote, and one traded below: probability 2 h times the density.
    n, y, h, m = 400_000, 0.9, 0.02, 3
    rng = np.random.default_rng(5)
    value = law(*TRUTH[:3]).rvs(n, random_state=rng)
    quotes = np.sort(law(*TRUTH[3:]).rvs((n, m), random_state=rng), axis=1)
    happened = (quotes[:, 0] < y) & (quotes[:, 0] < value) & (np.abs(quotes[:, 1] - y) < h)
    p = 2 * h * probabilities(Event.SHARED, y, m, TRUTH)[0]
    assert happened.mean() == pytest.approx(p, abs=4 * np.sqrt(p / n) + 0.02 * p)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("covers", [True, False])
def test_scores_have_mean_zero_at_the_truth(seed, covers):
    sample = simulate(20_000, n_dealers=np.random.default_rng(seed).integers(1, 7, 20_000), seed=seed, covers=covers)
    scores = differences(lambda v: log_probabilities(sample, Laws.of(v)), TRUTH)
    z = scores.sum(axis=0) / np.sqrt((scores**2).sum(axis=0))
    assert np.all(np.abs(z) < 3.5)
    off = differences(lambda v: log_probabilities(sample, Laws.of(v)), TRUTH + 0.15 * np.eye(6)[3])
    assert np.abs(off.sum(axis=0) / np.sqrt((off**2).sum(axis=0))).max() > 4  # the check can fail


@pytest.mark.parametrize("seed", [0, 1])
def test_curvature_and_products_of_scores_agree_at_the_truth(seed):
    sample = simulate(40_000, seed=seed)

    def rows(v):
        return log_probabilities(sample, Laws.of(v))

    scores = differences(rows, TRUTH)
    products, curvature = scores.T @ scores, observed_information(rows, TRUTH)
    size = np.sqrt(np.diag(products))
    apart = (curvature - products) / np.outer(size, size)
    others = np.delete(np.delete(apart, 2, 0), 2, 1)
    assert np.abs(others).max() < 0.04
    assert np.abs(apart).max() < 0.3  # the client's shape, of which few clients tell much


def test_scores_do_not_depend_on_the_step():
    sample = simulate(500, seed=3)

    def rows(v):
        return log_probabilities(sample, Laws.of(v))

    np.testing.assert_allclose(differences(rows, TRUTH, 1e-5), differences(rows, TRUTH, 2e-4), atol=3e-4)


def test_what_cannot_happen_has_a_logarithm():
    assert np.isfinite(np.log(probabilities(Event.AWAY, -1e6, 3, TRUTH)))


def test_a_platform_sees_every_quote():
    sample = simulate(50, n_dealers=np.arange(50) % 4 + 1, seed=1)
    assert quote_log_densities(sample, TRUTH[3:]).size == sample.rivals.sum()
    bare = replace(sample, quotes=None)
    np.testing.assert_array_equal(log_probabilities(bare, Laws.of(TRUTH)), log_probabilities(sample, Laws.of(TRUTH)))
