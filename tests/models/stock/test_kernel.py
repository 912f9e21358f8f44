"""The kernel: equal to the plain NumPy reference on the same noise, and the same bits however the work is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import stock as reference

from simcal import StockMarket, noise

VARIED = {
    "n_noise": 4,
    "n_technical": 3,
    "n_fundamental": 2,
    "impact": 0.05,
    "public_weight": (1.5, -0.5, 0.1, 2.0),
    "private_weight": (0.2, -1.0, 3.0, 0.7),
    "short_window": (1, 7, 20),
    "long_window": (2, 30, 61),
    "trend_sensitivity": (0.1, 1.5, 0.4),
    "trend_threshold": (0.0, 0.2, 0.05),
    "value_sensitivity": (0.3, 2.0),
    "observation_sd": (0.5, 2.5),
    "variance_mean": 0.2,
    "vol_of_vol": 0.4,
    "leverage_correlation": -0.6,
    "fundamental_start": 95.0,
}
MARKETS = {
    "paper": StockMarket(),
    "varied": StockMarket(**VARIED),
    "noise only": StockMarket(n_technical=0, n_fundamental=0, short_window=2, long_window=5),
    "technical only": StockMarket(n_noise=0, n_fundamental=0, initial_price=80.0),
    "fundamental only": StockMarket(n_noise=0, n_technical=0, short_window=2, long_window=5, leverage_correlation=1.0),
}
EVERYTHING = ("prices", *StockMarket.OUTPUTS)


def run(market, seed=0, first_path=0, n_paths=300, n_steps=200, dtype="float64", **options):
    options = {"save": StockMarket.OUTPUTS, **options}
    return market.simulate_chunk(seed, first_path, n_paths, n_steps, dtype=dtype, **options)


def plain(market, seed=0, first_path=0, n_paths=300, n_steps=200, dtype="float64"):
    normals = noise.normals(seed, first_path, n_paths, 1, n_steps, market.draws_per_step, dtype=dtype)
    return {name: values.T for name, values in reference.simulate(market, normals).items()}


@pytest.mark.parametrize("seed", [0, 1, 2**63])
@pytest.mark.parametrize("rule", ["smoothed", "hard"])
@pytest.mark.parametrize("name", MARKETS)
def test_float64_kernel_agrees_with_the_reference_to_1e_12(name, rule, seed):
    market = MARKETS[name].replace(rule=rule)
    kernel, truth = run(market, seed), plain(market, seed)
    assert set(kernel) == {*truth, "failed_step"}
    assert not kernel["failed_step"].any()
    np.testing.assert_allclose(kernel["prices"], truth["prices"], rtol=1e-12)
    for (
        output
    ) in StockMarket.OUTPUTS:  # a demand answers to differences of prices, so their rounding errors come through
        np.testing.assert_allclose(kernel[output], truth[output], rtol=1e-12, atol=1e-12 * market.initial_price)


@pytest.mark.parametrize("name", MARKETS)
def test_float32_kernel_is_close_to_the_float64_reference(name):
    market = MARKETS[name]
    kernel, truth = run(market, n_steps=50, dtype="float32"), plain(market, n_steps=50)
    assert kernel["prices"].dtype == np.float32
    error = np.abs(kernel["prices"] / truth["prices"] - 1)
    # A first uniform next to 1 makes an exceptional draw that float32 cannot resolve, and trends feed back on it.
    assert np.median(error) < 3e-6
    assert np.quantile(error, 0.99) < 1e-4


def test_hard_float32_kernel_takes_the_same_decisions_as_the_reference_in_float32():
    market = MARKETS["varied"].replace(rule="hard")
    kernel, truth = run(market, dtype="float32"), plain(market, dtype="float32")
    for output in ("demand_noise", "demand_technical", "demand_fundamental"):
        assert (kernel[output] == truth[output]).mean() > 0.9999


def test_moving_averages_do_not_drift_in_float32_over_ten_thousand_steps():
    market = StockMarket(n_technical=1, short_window=3, long_window=50)
    saved = run(market, n_paths=4, n_steps=10_000, dtype="float32", save=("demand_technical",))
    prices = saved["prices"].astype(float)
    means = [
        np.lib.stride_tricks.sliding_window_view(prices, length, axis=1).mean(axis=-1)[:, 50 - length : -1]
        for length in (3, 50)
    ]
    expected = reference.smoothed_order(0.5 * (means[0] - means[1]))
    error = np.abs(saved["demand_technical"][:, 50:] - expected)
    assert error.max() < 1e-4
    assert error[:, -1000:].mean() < 3 * error[:, :1000].mean()


def test_technical_traders_act_from_the_step_of_their_long_window_on():
    market = StockMarket(n_technical=2, short_window=(1, 2), long_window=(4, 9))
    volume = run(market, save=("volume_technical",))["volume_technical"]
    assert (volume[:, :4] == 0).all()
    assert (volume[:, 4:9] > 0).all()
    assert (volume[:, 4:9] < 1).all()
    assert volume[:, 9:].max() > 1


@pytest.mark.parametrize("rule", ["smoothed", "hard"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=12, deadline=None)
@given(
    first_path=st.integers(0, 2**64 - 2000),
    n_paths=st.integers(1, 1100),
    threads=st.integers(1, 4),
    offset=st.integers(0, 1000),
)
def test_a_path_has_the_same_bits_whatever_stands_beside_it(rule, dtype, first_path, n_paths, threads, offset):
    market = MARKETS["varied"].replace(rule=rule)
    offset %= n_paths
    many = run(market, 5, first_path, n_paths, 70, dtype, threads=threads)
    alone = run(market, 5, first_path + offset, 1, 70, dtype, threads=1)
    for name in EVERYTHING:
        np.testing.assert_array_equal(many[name][offset], alone[name][0])


@settings(max_examples=20, deadline=None)
@given(every=st.integers(1, 30), burn_in=st.integers(0, 40), n_steps=st.integers(30, 60))
def test_thinning_and_burn_in_only_choose_what_is_saved(every, burn_in, n_steps):
    market = MARKETS["paper"]
    full = run(market, n_paths=3, n_steps=n_steps + burn_in)
    some = run(market, n_paths=3, n_steps=n_steps, every=every, burn_in=burn_in, save=("volume_noise",))
    assert set(some) == {"prices", "volume_noise", "failed_step"}
    for name in ("prices", "volume_noise"):
        np.testing.assert_array_equal(some[name], full[name][:, burn_in::every])
