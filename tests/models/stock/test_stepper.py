"""One step at a time: the kernel's paths bit for bit, demand from outside, paths begun anew."""

import numpy as np
import pytest

import simcal

MARKETS = ["stock", "stock-hard", "stock-sp500"]


def play(stepper, n_steps, outside=None):
    """Prices (n_paths, n_steps + 1)."""
    first = stepper.prices.copy()
    later = [stepper.advance(None if outside is None else outside[t]).copy() for t in range(n_steps)]
    return np.array([first, *later]).T


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", MARKETS)
def test_steps_make_the_bits_of_simulate(name, dtype):
    market = simcal.load(name)
    expected = simcal.simulate(market, 600, 150, seed=3, first_path=5, dtype=dtype).prices
    np.testing.assert_array_equal(play(market.stepper(3, 5, 600, dtype=dtype), 150), expected)


def test_demand_from_outside_moves_the_price_by_equation_2():
    market = simcal.load("stock")
    silent, loud = market.stepper(1, 0, 20), market.stepper(1, 0, 20)
    without, extra = silent.advance().copy(), np.linspace(-3, 3, 20)
    moved = loud.advance(extra)
    np.testing.assert_allclose(moved - without, market.initial_price * market.impact / 15 * extra, atol=1e-12)


def test_traders_answer_to_a_price_that_was_moved():
    market = simcal.load("stock")
    outside = np.zeros((80, 2000))
    outside[10:15] = 5.0
    difference = play(market.stepper(2, 0, 2000), 80, outside) - play(market.stepper(2, 0, 2000), 80)
    assert (difference[:, :11] == 0).all()
    assert difference[:, 15].mean() > 5
    assert abs(difference[:, 80].mean()) < 0.1 * difference[:, 15].mean()  # traders on value bring it back


@pytest.mark.parametrize("name", MARKETS)
def test_a_path_begun_anew_is_the_path_of_its_number(name):
    market = simcal.load(name)
    stepper = market.stepper(7, 0, 600)
    play(stepper, 37)
    places, numbers = np.array([0, 3, 511, 512, 599]), np.array([9, 2**40, 1, 77, 600])
    stepper.restart(places, numbers)
    assert (stepper.ages[places] == 0).all()
    assert (stepper.prices[places] == market.initial_price).all()
    found = play(stepper, 90)[places]
    for path, number in zip(found, numbers, strict=True):
        expected = simcal.simulate(market, 1, 90, seed=7, first_path=int(number)).prices[0]
        np.testing.assert_allclose(path, expected, rtol=1e-11)
    others = simcal.simulate(market, 600, 127, seed=7).prices[1, 37:]
    np.testing.assert_allclose(others[-1], stepper.prices[1], rtol=1e-11)


def test_a_path_that_fails_says_when_and_leaves_the_others_alone():
    market = simcal.load("stock")
    stepper = market.stepper(0, 0, 3)
    outside = np.zeros((4, 3))
    outside[2, 1] = -1e4
    prices = play(stepper, 4, outside)
    assert stepper.failed.tolist() == [0, 3, 0]
    np.testing.assert_array_equal(prices[[0, 2]], simcal.simulate(market, 3, 4).prices[[0, 2]])


@pytest.mark.parametrize("name", MARKETS)
def test_a_path_adopted_from_another_stepper_goes_on(name):
    market = simcal.load(name)
    stepper, other = market.stepper(7, 0, 600), market.stepper(7, 1000, 20)
    play(stepper, 37)
    play(other, 70)
    places, theirs = np.array([0, 511, 512, 599]), np.array([3, 0, 19, 7])
    stepper.adopt(places, other, theirs)
    np.testing.assert_array_equal(stepper.prices[places], other.prices[theirs])
    assert (stepper.ages[places] == 70).all()
    found = play(stepper, 80)[places]
    expected = simcal.simulate(market, 20, 150, seed=7, first_path=1000).prices[theirs, 70:]
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    others = simcal.simulate(market, 600, 117, seed=7).prices[1, 37:]
    np.testing.assert_allclose(others[-1], stepper.prices[1], rtol=1e-11)
