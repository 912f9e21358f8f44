import numpy as np
import pytest
from scipy.optimize import curve_fit

import simcal.facts as facts
from simcal.errors import ParameterError


def leveraged_returns(seed, kappa=0.3, paths=200, n=3000):
    """r_t = s_t z_t with s_t^2 = 1 - kappa z_{t-1}: volatility rises after a fall."""
    z = np.random.default_rng(seed).uniform(-np.sqrt(3), np.sqrt(3), size=(paths, n + 1))
    return np.sqrt(1 - kappa * z[:, :-1]) * z[:, 1:]


@pytest.mark.parametrize("seed", [0, 1])
def test_leverage_of_a_known_process_is_its_closed_form(seed):
    # E r_t r_{t+1}^2 = E s_t z_t (1 - kappa z_t) E z^2 = -kappa E s, and E r^2 = 1
    kappa = 0.3
    u = np.linspace(-np.sqrt(3), np.sqrt(3), 200_001)
    expected = -kappa * np.sqrt(1 - kappa * u).mean()
    values = facts.leverage(leveraged_returns(seed, kappa), [1, 2, -1])
    error = values.std(axis=0) / np.sqrt(len(values))
    assert np.all(np.abs(values.mean(axis=0) - [expected, 0.0, 0.0]) < 4 * error + 1e-3)


def test_leverage_agrees_with_its_definition_on_both_sides():
    r = np.random.default_rng(0).standard_t(5, size=200)
    power = np.mean(r**2)
    after = (np.mean(r[:-3] * r[3:] ** 2) - r.mean() * power) / power**2
    before = (np.mean(r[3:] * r[:-3] ** 2) - r.mean() * power) / power**2
    assert facts.leverage(r, [3, -3]) == pytest.approx([after, before], rel=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_leverage_fit_is_the_least_squares_optimum(seed):
    r = np.random.default_rng(seed).normal(size=3000)
    r[1:] *= np.sqrt(np.exp(-0.5 * np.convolve(r, np.exp(-np.arange(60) / 12.0))[: r.size - 1]))
    values = facts.leverage(r, range(1, 51))
    amplitude, time = facts.leverage_fit(r)
    lags = np.arange(1, 51)
    expected, _ = curve_fit(lambda lag, a, t: -a * np.exp(-lag / t), lags, values, p0=(amplitude, time))
    assert [amplitude, time] == pytest.approx(expected, rel=1e-3)


def test_coarse_fine_correlation_agrees_with_its_definition():
    r = np.random.default_rng(1).standard_t(4, size=300)
    fine = np.array([np.abs(r[t - 4 : t + 1]).sum() for t in range(4, 300)])
    coarse = np.array([abs(r[t - 4 : t + 1].sum()) for t in range(4, 300)])
    ahead = np.corrcoef(fine[10:], coarse[:-10])[0, 1]
    behind = np.corrcoef(fine[:-10], coarse[10:])[0, 1]
    assert facts.coarse_fine(r, [2, 0, -2]) == pytest.approx(
        [ahead, np.corrcoef(fine, coarse)[0, 1], behind], rel=1e-10
    )


def test_reversing_time_turns_the_coarse_fine_asymmetry_round():
    r = np.random.default_rng(2).standard_t(4, size=(3, 400))
    forward, backward = facts.coarse_fine_asymmetry(r, 5), facts.coarse_fine_asymmetry(r[:, ::-1].copy(), 5)
    assert forward == pytest.approx(-backward, abs=1e-12)


def test_passage_times_are_those_of_a_search_from_every_start():
    path = np.cumsum(np.random.default_rng(3).normal(size=300))
    expected = []
    for start in range(300):
        for step in range(1, min(40, 299 - start) + 1):
            if path[start + step] - path[start] >= 2.0:
                expected.append(step)
                break
    assert sorted(facts.passage_times(path, 2.0, longest=40)) == sorted(expected)


def test_gains_and_losses_change_places_when_returns_change_sign():
    r = np.random.default_rng(4).standard_t(4, size=(2, 800))
    one, other = facts.gain_loss(r), facts.gain_loss(-r)
    assert np.array_equal(one.gain_mode, other.loss_mode)
    assert np.array_equal(one.loss_median, other.gain_median)
    assert one.ratio == pytest.approx(1 / other.ratio, rel=1e-12)
    assert one.gain_mode.shape == (2,)


def test_a_level_out_of_reach_gives_nan():
    r = 0.01 * np.random.default_rng(5).normal(size=200)
    assert np.isnan(facts.gain_loss(r, level=10.0).gain_mode)
    with pytest.raises(ParameterError, match="needs a level"):
        facts.gain_loss(r, deviations=None)
