"""The stock market's laws in closed form, and what its description refuses."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.stock import STREAM_PUBLIC, STREAM_VARIANCE
from scipy import stats

from simcal import StockMarket, noise
from simcal.errors import ParameterError


def binomial_scores(successes, trials, probability, signal):
    """Departures from Binomial(trials, probability) in standard errors: of the mean, of its slope in the signal that
    the probability depends on, and of the dispersion."""
    variance = trials * probability * (1 - probability)
    keep = variance > 0.05  # elsewhere the fourth moment of the dispersion is too large for a normal approximation
    residual, variance, signal = (successes - trials * probability)[keep], variance[keep], signal[keep]
    dispersion = residual**2 / variance - 1
    kurtosis = 2 + (1 - 6 * variance / trials) / variance
    return np.array([
        residual.sum() / np.sqrt(variance.sum()),
        (residual * signal).sum() / np.sqrt((variance * signal**2).sum()),
        dispersion.sum() / np.sqrt(kurtosis.sum()),
    ])  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_hard_demands_are_binomial_given_the_public_signal_and_the_value(seed, dtype):
    market = StockMarket(
        rule="hard", n_noise=9, n_fundamental=4, public_weight=-0.7, private_weight=0.4, public_sd=1.5, private_sd=2.0,
        observation_sd=1.3, impact=0.02,
    )  # fmt: skip
    n_steps, n_paths = 25, 2000
    names = ("demand_noise", "demand_fundamental", "fundamental_value")
    saved = market.simulate_chunk(seed, 0, n_paths, n_steps, save=names, dtype=dtype)
    public = noise.normals(seed, 0, n_paths, 1, n_steps, 3)[:, STREAM_PUBLIC].T
    buyers = (saved["demand_noise"][:, 1:] + 9) / 2
    probability = stats.norm.cdf(-0.7 * 1.5 * public / (0.4 * 2.0))
    assert np.abs(binomial_scores(buyers, 9, probability, public)).max() < 4
    gap = saved["fundamental_value"][:, 1:].astype(float) - saved["prices"][:, :-1]
    buyers = (saved["demand_fundamental"][:, 1:] + 4) / 2
    assert np.abs(binomial_scores(buyers, 4, stats.norm.cdf(gap / 1.3), gap)).max() < 4


def test_the_binomial_test_would_see_a_private_deviation_of_a_tenth_more():
    market = StockMarket(rule="hard", n_noise=9, private_sd=3.3)
    saved = market.simulate_chunk(0, 0, 2000, 25, save=("demand_noise",))
    public = noise.normals(0, 0, 2000, 1, 25, 3)[:, STREAM_PUBLIC].T
    buyers = (saved["demand_noise"][:, 1:] + 9) / 2
    assert np.abs(binomial_scores(buyers, 9, stats.norm.cdf(public / 3.0), public)).max() > 6


@pytest.mark.parametrize("seed", [0, 7])
def test_value_and_variance_have_their_stationary_moments_where_truncation_does_not_bind(seed):
    n, v1, v2, mean, xi = 20_000, 0.2, 0.15, 0.8, 0.05
    market = StockMarket(
        fundamental_reversion=v1, variance_reversion=v2, variance_mean=mean, variance_start=None, vol_of_vol=xi,
        fundamental_mean=50.0, fundamental_start=50.0,
    )  # fmt: skip
    saved = market.simulate_chunk(
        seed, 0, n, 120, save=("fundamental_value", "fundamental_variance"), every=120, burn_in=0
    )
    variance, value = saved["fundamental_variance"][:, -1], saved["fundamental_value"][:, -1]
    assert variance.min() > 0
    of_variance = xi**2 * mean / (1 - (1 - v2) ** 2)
    of_value = mean / (1 - (1 - v1) ** 2)
    for sample, centre, spread in ((variance, mean, of_variance), (value, 50.0, of_value)):
        assert abs(sample.mean() - centre) < 4 * np.sqrt(spread / n)
        fourth = np.mean((sample - sample.mean()) ** 4)
        assert abs(sample.var() - spread) < 4 * np.sqrt((fourth - spread**2) / n)


@pytest.mark.parametrize("correlation", [-0.7, 0.0, 0.4, 1.0])
def test_shocks_to_value_and_variance_have_the_leverage_correlation(correlation):
    market = StockMarket(leverage_correlation=correlation, variance_mean=1.0, variance_start=None, vol_of_vol=0.1)
    n_paths, n_steps = 1000, 40
    saved = market.simulate_chunk(0, 0, n_paths, n_steps, save=("fundamental_value", "fundamental_variance"))
    value, variance = saved["fundamental_value"], saved["fundamental_variance"]
    shock = (value[:, 1:] - value[:, :-1] - 0.1 * (100 - value[:, :-1])) / np.sqrt(variance[:, 1:])
    other = (variance[:, 1:] - variance[:, :-1] - 0.1 * (1 - variance[:, :-1])) / (0.1 * np.sqrt(variance[:, :-1]))
    np.testing.assert_allclose(other, noise.normals(0, 0, n_paths, 1, n_steps, 2)[:, STREAM_VARIANCE].T, atol=1e-9)
    error = np.corrcoef(shock.ravel(), other.ravel())[0, 1] - correlation
    assert abs(error) < 4 * (1 - correlation**2) / np.sqrt(shock.size) + 1e-9
    assert abs(shock.var() - 1) < 4 * np.sqrt(2 / shock.size)


def test_the_truncated_variance_feels_no_shock_below_zero():
    saved = StockMarket().simulate_chunk(0, 0, 2000, 50, save=("fundamental_variance",))
    variance = saved["fundamental_variance"]
    below = variance[:, :-1] < 0
    assert below.mean() > 0.05  # the paper's parameters cross zero often
    np.testing.assert_allclose(
        variance[:, 1:][below], (0.9 * variance[:, :-1] + 0.1 * 0.01)[below], rtol=1e-12, atol=1e-15
    )


def test_price_moves_by_impact_times_mean_demand():
    market = StockMarket(impact=0.3)
    saved = market.simulate_chunk(0, 0, 50, 60, save=("demand_noise", "demand_technical", "demand_fundamental"))
    demand = saved["demand_noise"] + saved["demand_technical"] + saved["demand_fundamental"]
    np.testing.assert_allclose(
        saved["prices"][:, 1:], saved["prices"][:, :-1] * (1 + 0.3 * demand[:, 1:] / 15), rtol=1e-14
    )


def test_one_hard_trend_follower_without_threshold_drives_an_exponential_path():
    market = StockMarket(
        rule="hard", n_noise=0, n_fundamental=0, n_technical=1, short_window=2, long_window=5, impact=0.01
    )
    prices = market.simulate_chunk(0, 0, 1, 1000)["prices"][0]
    growing = np.maximum(np.arange(1001) - 4, 0)  # equal prices give M = 0, which buys
    np.testing.assert_allclose(prices, 100 * 1.01**growing, rtol=1e-12)


ALLOWED = {
    "impact": st.floats(0, 1, exclude_min=True, exclude_max=True),
    "public_sd": st.floats(0, 1e6),
    "variance_reversion": st.floats(0, 1),
    "leverage_correlation": st.floats(-1, 1),
}
REFUSED = {
    "impact": st.one_of(st.floats(max_value=0), st.floats(min_value=1), st.just(float("nan"))),
    "public_sd": st.one_of(st.floats(max_value=-1e-300), st.sampled_from([float("inf"), float("nan"), "1", None])),
    "variance_reversion": st.one_of(st.floats(min_value=1, exclude_min=True), st.floats(max_value=-1e-300)),
    "leverage_correlation": st.one_of(st.floats(min_value=1, exclude_min=True), st.just([0.1, 0.2])),
    "n_noise": st.one_of(st.integers(max_value=-1), st.just(1.5)),
    "trend_sensitivity": st.one_of(st.floats(max_value=0), st.lists(st.just(0.5), min_size=1, max_size=4)),
    "short_window": st.one_of(st.integers(max_value=0), st.integers(min_value=10), st.just(2.5)),
}


@settings(max_examples=40)
@given(st.fixed_dictionaries({}, optional=ALLOWED))
def test_allowed_parameters_build_a_market_that_comes_back_from_its_dictionary(changes):
    market = StockMarket().replace(**changes)
    assert StockMarket.from_dict(market.to_dict()) == market


@settings(max_examples=20)
@given(st.data())
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_allowed_is_refused_in_a_sentence_that_names_the_parameter(name, data):
    with pytest.raises(ParameterError) as refusal:
        StockMarket(**{name: data.draw(REFUSED[name])})
    sentence = str(refusal.value)
    assert name in sentence
    assert re.search(r"must be|give one number|lists", sentence)
    assert sentence.endswith(".")


def test_an_unknown_parameter_is_refused_with_the_nearest_name():
    with pytest.raises(ParameterError, match="'impacts' is not a parameter of the stock market; did you mean 'impact'"):
        StockMarket().replace(impacts=0.2)


def test_a_market_without_traders_and_an_unknown_rule_are_refused():
    with pytest.raises(ParameterError, match="has no traders"):
        StockMarket(n_noise=0, n_technical=0, n_fundamental=0, short_window=1, long_window=2)
    with pytest.raises(ParameterError, match="rule is 'soft', but must be"):
        StockMarket(rule="soft")
