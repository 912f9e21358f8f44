import numpy as np
import pytest

import simcal.facts as facts

SEEDS = [0, 1]
N, PATHS = 4096, 60


def fractional_noise(d, seed):
    """ARFIMA(0, d, 0) by its moving average psi_j = psi_{j-1} (j - 1 + d) / j, as long as the sample before it."""
    j = np.arange(1, 2 * N)
    psi = np.concatenate([[1.0], np.cumprod((j - 1 + d) / j)])
    noise = np.random.default_rng(seed).normal(size=(PATHS, 4 * N))
    transform = np.fft.rfft(noise, axis=-1) * np.fft.rfft(psi, 4 * N)
    return np.fft.irfft(transform, 4 * N, axis=-1)[:, 2 * N : 3 * N]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("d", [-0.2, 0.0, 0.3, 0.45])
def test_local_whittle_and_log_periodogram_recover_the_memory_of_fractional_noise(d, seed):
    x = fractional_noise(d, seed)
    m_whittle, m_gph = int(N**0.65), int(N**0.5)
    for estimate, error in (
        (facts.local_whittle(x), 1 / (2 * np.sqrt(m_whittle))),
        (facts.gph(x), np.pi / np.sqrt(24 * m_gph)),
    ):
        assert abs(estimate.mean() - d) < 4 * error / np.sqrt(PATHS) + 0.01  # bias of finite samples
        assert 0.7 * error < estimate.std() < 1.5 * error


@pytest.mark.parametrize("d", [0.0, 0.3])
def test_dfa_slope_is_one_half_plus_the_memory(d):
    slope = facts.dfa(fractional_noise(d, 5))
    assert abs(slope.mean() - (0.5 + d)) < 0.04  # known upward bias of small boxes


def test_dfa_agrees_with_fitting_a_line_in_every_box():
    x = np.random.default_rng(0).normal(size=400)
    profile = np.cumsum(x - x.mean())
    sizes = np.unique(np.floor(np.geomspace(10, 100, 16) + 1e-9).astype(int))
    fluctuation = []
    for size in sizes:
        squares = []
        for box in range(400 // size):
            y, t = profile[box * size : (box + 1) * size], np.arange(size)
            squares.append(np.mean((y - np.polyval(np.polyfit(t, y, 1), t)) ** 2))
        fluctuation.append(np.sqrt(np.mean(squares)))
    expected = np.polyfit(np.log(sizes), np.log(fluctuation), 1)[0]
    assert facts.dfa(x) == pytest.approx(expected, rel=1e-8)


def test_decay_exponent_is_the_slope_through_the_positive_autocorrelations():
    x = np.abs(np.random.default_rng(1).standard_t(4, size=800))
    c = facts.autocorrelation(x, range(1, 101))
    assert (c <= 0).any()
    keep = c > 0
    expected = -np.polyfit(np.log(np.arange(1, 101)[keep]), np.log(c[keep]), 1)[0]
    assert facts.decay_exponent(x) == pytest.approx(expected, rel=1e-10)


def test_last_significant_lag_counts_the_first_run():
    x = np.convolve(np.random.default_rng(2).normal(size=5019), np.ones(20), "valid")  # correlated over 19 lags
    count = facts.last_significant_lag(x)
    c = facts.autocorrelation(x, range(1, 261))
    limit = 1.96 / np.sqrt(len(x))
    assert np.all(c[: int(count)] > limit)
    assert c[int(count)] <= limit
    assert count >= 15
