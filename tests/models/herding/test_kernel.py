"""The herding market's kernel and stepper: equal to the plain reference, the same bits however the work is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import herding as reference

import simcal
from simcal import HerdingMarket, noise

EXTENSIONS = {
    "published": {},
    "tilt": {"misalignment_tilt": -3.0},
    "trend": {"trend_attraction": 10.0, "trend_memory": 0.9, "trend_sensitivity": 20.0},
    "falls": {"fall_response": 30.0},
    "tails": {"fundamental_tail": 0.1, "chartist_tail": 0.3},
    "walk": {"variance_mean": 1e-4},
    "level": {"fundamental_reversion": 0.02, "fundamental_start": 80.0, "fundamental_mean": 120.0, "share_start": 0.9},
    "heston": {"variance_mean": 1e-4, "vol_of_vol": 5e-3, "leverage_correlation": -0.7, "fundamental_reversion": 0.01},
}
EXTENSIONS["all"] = {name: value for changes in EXTENSIONS.values() for name, value in changes.items()}
EVERYTHING = ("prices", *HerdingMarket.OUTPUTS)


def run(market, seed=0, first_path=0, n_paths=300, n_steps=200, dtype="float64", **options):
    options = {"save": HerdingMarket.OUTPUTS, **options}
    return market.simulate_chunk(seed, first_path, n_paths, n_steps, dtype=dtype, **options)


@pytest.mark.parametrize("seed", [0, 1, 2**63])
@pytest.mark.parametrize("name", EXTENSIONS)
def test_float64_kernel_agrees_with_the_reference_to_1e_12(name, seed):
    market = HerdingMarket(**EXTENSIONS[name])
    normals = noise.normals(seed, 0, 300, 1, 200, market.draws_per_step)
    kernel, truth = run(market, seed), reference.simulate(market, normals)
    assert set(kernel) == {*truth, "failed_step"}
    assert not kernel["failed_step"].any()
    for output in EVERYTHING:
        np.testing.assert_allclose(kernel[output], truth[output].T, rtol=1e-12, atol=1e-12, err_msg=output)


@pytest.mark.parametrize("name", ["published", "all"])
def test_float32_kernel_is_close_to_the_float64_reference(name):
    market = HerdingMarket(**EXTENSIONS[name])
    kernel = run(market, dtype="float32")
    truth = reference.simulate(market, noise.normals(0, 0, 300, 1, 200, market.draws_per_step))
    assert kernel["prices"].dtype == np.float32
    assert np.median(np.abs(kernel["prices"] / truth["prices"].T - 1)) < 3e-6


def test_every_extension_does_something_and_zero_is_the_published_market():
    plain = run(HerdingMarket())["prices"]
    for name, changes in EXTENSIONS.items():
        market = HerdingMarket(**changes)
        assert (run(market)["prices"][:, -1] == plain[:, -1]).all() == (name == "published")
        off = dict.fromkeys(set(changes) - {"trend_sensitivity", "share_start"}, 0.0)
        kept = {"fundamental_start": None, "fundamental_mean": 100.0, "trend_sensitivity": 1.5, "share_start": 0.5}
        np.testing.assert_array_equal(run(market.replace(**{**off, **kept}))["prices"], plain)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@settings(max_examples=12, deadline=None)
@given(
    first_path=st.integers(0, 2**64 - 2000),
    n_paths=st.integers(1, 1100),
    threads=st.integers(1, 4),
    offset=st.integers(0, 1000),
)
def test_a_path_has_the_same_bits_whatever_stands_beside_it(dtype, first_path, n_paths, threads, offset):
    market = HerdingMarket(**EXTENSIONS["all"])
    offset %= n_paths
    many = run(market, 5, first_path, n_paths, 70, dtype, threads=threads)
    alone = run(market, 5, first_path + offset, 1, 70, dtype, threads=1)
    for name in EVERYTHING:
        np.testing.assert_array_equal(many[name][offset], alone[name][0])


@settings(max_examples=20, deadline=None)
@given(every=st.integers(1, 30), burn_in=st.integers(0, 40), n_steps=st.integers(30, 60))
def test_thinning_and_burn_in_only_choose_what_is_saved(every, burn_in, n_steps):
    market = HerdingMarket(**EXTENSIONS["all"])
    full = run(market, n_paths=3, n_steps=n_steps + burn_in)
    some = run(market, n_paths=3, n_steps=n_steps, every=every, burn_in=burn_in)
    for name in EVERYTHING:
        np.testing.assert_array_equal(some[name], full[name][:, burn_in::every])
    share = run(market, n_paths=3, n_steps=n_steps, save=("share_fundamental",))
    np.testing.assert_array_equal(share["share_fundamental"], full["share_fundamental"][:, : n_steps + 1])


def test_a_price_out_of_range_is_reported_with_its_step():
    market = HerdingMarket(trend_sensitivity=1e3, choice_intensity=0.0)  # else fundamentalists would take over
    saved = run(market, n_paths=4, n_steps=400, save=())
    first = np.argmax(~(np.isfinite(saved["prices"]) & (saved["prices"] > 0)), axis=1)
    assert (first > 0).all()
    np.testing.assert_array_equal(saved["failed_step"], first)


# -- the stepper ----------------------------------------------------------------------------------------------------


def play(stepper, n_steps, outside=None):
    first = stepper.prices.copy()
    later = [stepper.advance(None if outside is None else outside[t]).copy() for t in range(n_steps)]
    return np.array([first, *later]).T


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["published", "trend", "all"])
def test_steps_make_the_bits_of_simulate(name, dtype):
    market = HerdingMarket(**EXTENSIONS[name])
    saved = run(market, 3, 5, 600, 60, dtype)
    stepper = market.stepper(3, 5, 600, dtype=dtype)
    np.testing.assert_array_equal(play(stepper, 60), saved["prices"])
    np.testing.assert_array_equal(stepper.fundamental_value, saved["fundamental_value"][:, -1])


def test_one_unit_from_outside_moves_the_log_price_by_the_impact():
    market = HerdingMarket()
    silent, loud, extra = market.stepper(1, 0, 20), market.stepper(1, 0, 20), np.linspace(-3, 3, 20)
    moved = np.log(loud.advance(extra) / silent.advance())
    np.testing.assert_allclose(moved, 0.01 * extra, atol=1e-15)


def test_a_price_that_was_moved_calls_fundamentalists_in():
    market = HerdingMarket()
    outside = np.zeros((12, 500))
    outside[3] = 40.0
    quiet, moved = market.stepper(2, 0, 500), market.stepper(2, 0, 500)
    play(quiet, 12)
    play(moved, 12, outside)
    assert (moved.value("balance") > quiet.value("balance")).all()


def test_paths_begun_anew_or_adopted_are_the_paths_of_their_numbers():
    market = HerdingMarket(**EXTENSIONS["all"])
    stepper, other = market.stepper(7, 0, 600), market.stepper(7, 1000, 20)
    play(stepper, 37)
    play(other, 70)
    stepper.restart(np.array([0, 511, 599]), np.array([9, 2**40, 600]))
    stepper.adopt(np.array([3, 512]), other, np.array([0, 19]))
    assert stepper.ages[[0, 1, 3]].tolist() == [0, 37, 70]
    found = play(stepper, 40)
    for place, number, age in ((0, 9, 0), (511, 2**40, 0), (599, 600, 0), (3, 1000, 70), (512, 1019, 70), (1, 1, 37)):
        expected = simcal.simulate(market, 1, age + 40, seed=7, first_path=number).prices[0, age:]
        np.testing.assert_array_equal(found[place], expected)


def test_a_path_that_fails_says_when_and_leaves_the_others_alone():
    market = HerdingMarket()
    stepper, outside = market.stepper(0, 0, 3), np.zeros((4, 3))
    outside[2, 1] = -1e6
    prices = play(stepper, 4, outside)
    assert stepper.failed.tolist() == [0, 3, 0]
    np.testing.assert_array_equal(prices[[0, 2]], simcal.simulate(market, 3, 4).prices[[0, 2]])
