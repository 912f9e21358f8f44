"""The statistics of days whose law is known."""

import numpy as np
import pytest

from simcal.learning.emergence import STATISTICS, Bars, statistics, z_scores

DAYS, BARS = 300, 301


def bars_of(returns: np.ndarray, volumes: np.ndarray | None = None) -> Bars:
    closes = np.exp(np.concatenate([np.zeros((len(returns), 1)), np.cumsum(returns, axis=1)], axis=1))
    return Bars(closes, np.ones(closes.shape) if volumes is None else volumes)


@pytest.mark.parametrize("seed", [1, 2])
def test_gaussian_days(seed):
    found = statistics(bars_of(np.random.default_rng(seed).normal(0, 0.01, (DAYS, BARS - 1))), 0.03)
    n = DAYS * (BARS - 1)
    assert set(found) == set(STATISTICS)
    assert found["mispricing"] == 0.03
    # Within a day of T returns the kurtosis of z-scores is 3 (T - 1) / (T + 1), a correlation -1 / T.
    assert found["kurtosis"] == pytest.approx(-6 / BARS, abs=4 * np.sqrt(24 / n))
    assert found["acf_return"] == pytest.approx(-1 / BARS, abs=4 / np.sqrt(n))
    for name in ("acf_1", "acf_10", "acf_30"):
        assert abs(found[name]) < 4 / np.sqrt(n)
    assert np.isnan(found["volume"])  # all volumes are equal


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("index", [3.0, 4.5])
def test_pareto_days_have_their_tail_index(seed, index):
    generator = np.random.default_rng(seed)
    sizes = generator.pareto(index, (DAYS, BARS - 1)) + 1.0
    signs = generator.choice([-1.0, 1.0], sizes.shape)
    found = statistics(bars_of(1e-3 * signs * sizes), 0.0)
    k = 0.05 * sizes.size
    # The deviation differs from day to day, which moves the index by some per cent.
    assert found["hill"] == pytest.approx(index, rel=4 / np.sqrt(k) + 0.06)
    assert found["hill_left"] == pytest.approx(found["hill_right"], rel=4 * 2 / np.sqrt(k))


def test_volatility_that_lasts_is_seen_at_its_lag():
    generator = np.random.default_rng(3)
    calm = np.repeat(np.where(np.arange(6) % 2 == 0, 1.0, 3.0), 50)
    returns = calm * generator.normal(0, 1e-3, (DAYS, 300))
    found = statistics(bars_of(returns), 0.0)
    # |r| = v |n| with v of 1 or 3: the variance of the level over the whole variance, times its autocorrelation at
    # a lag, 1 - 2 lag / 50 on a level that changes every 50 bars (but for the end).
    share = 1.0 / (1.0 + (1 - 2 / np.pi) * 5.0 / (2 / np.pi))
    assert found["acf_1"] == pytest.approx(share * (1 - 2 / 50), abs=0.02)
    assert found["acf_10"] == pytest.approx(share * (1 - 20 / 50), abs=0.03)


def test_volume_is_set_beside_the_return_of_its_bar():
    generator = np.random.default_rng(4)
    returns = generator.normal(0, 0.01, (50, 300))
    volumes = np.concatenate([np.ones((50, 1)), np.exp(np.abs(z_scores(bars_of(returns).closes)))], axis=1)
    assert statistics(bars_of(returns, volumes), 0.0)["volume"] == pytest.approx(1.0)


def test_days_without_returns_have_no_statistics():
    found = statistics(Bars(np.full((4, 100), 300.0), np.ones((4, 100))), 0.5)
    assert found.pop("mispricing") == 0.5
    assert all(np.isnan(value) for value in found.values())
