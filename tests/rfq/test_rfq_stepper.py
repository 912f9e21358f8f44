"""One request at a time: the kernel's paths bit for bit, and paths begun anew."""

import numpy as np
import pytest
from numba import njit

import simcal

MARKETS = {
    "rfq": {},
    "rfq-desk": {},
    "rfq-example": {},
    "ticks": {"tick": 0.02},
    "smoothed": {"rule": "smoothed"},
}
SAVED = ("side", "size", "n_dealers", "own_done", "own_inventory")


def market_named(name):
    return simcal.load(name) if not MARKETS[name] else simcal.load("rfq-desk").replace(**MARKETS[name])


def quote(side, size, n_dealers, mid, half_spread, inventory, step):
    return 0.4 + 0.01 * n_dealers - 0.02 * side * inventory + 0.001 * step


compiled_quote = njit(quote)


def play(stepper, n_steps, first_step=1):
    """What `simulate` saves, (n_steps, n_paths) each."""
    seen = {name: [] for name in ("prices", *SAVED)}
    for t in range(first_step, first_step + n_steps):
        now = (stepper.mid, stepper.side, stepper.size, stepper.n_dealers, None, stepper.inventory)
        margins = quote(now[1], now[2], now[3], now[0], stepper.market.half_spread, now[5], t)
        done = stepper.answer(margins)
        for name, value in zip(seen, (*now[:4], done, now[5]), strict=True):
            seen[name].append(value)
    return {name: np.array(values) for name, values in seen.items()}


@pytest.mark.parametrize("name", MARKETS)
def test_requests_make_the_bits_of_simulate(name):
    market = market_named(name)
    expected = market.simulate_chunk(3, 5, 520, 40, save=SAVED, quoting=compiled_quote)
    for what, found in play(market.request_stepper(3, 5, 520), 40).items():
        np.testing.assert_array_equal(found.T, expected[what][:, 1:], err_msg=what)


def test_a_quote_that_is_none_trades_nothing():
    stepper = simcal.load("rfq-desk").request_stepper(0, 0, 50)
    done = stepper.answer(np.where(np.arange(50) % 2 == 0, np.nan, -5.0))
    assert (done[::2] == 0).all()
    assert (done[1::2] == 1).all()
    assert (stepper.inventory[::2] == 0).all()


@pytest.mark.parametrize("name", ["rfq", "rfq-desk"])
def test_a_path_begun_anew_is_the_path_of_its_number_and_the_others_go_on(name):
    market = market_named(name)
    stepper, silent = market.request_stepper(7, 0, 520), market.request_stepper(7, 0, 520)
    play(stepper, 13)
    play(silent, 13)
    places, numbers = np.array([0, 511, 519]), np.array([2**40, 77, 600])
    stepper.restart(places, numbers)
    assert (stepper.inventory[places] == 0).all()
    assert (stepper.ages[places] == 0).all()
    others = np.setdiff1d(np.arange(520), places)
    found, undisturbed = play(stepper, 20, 1), play(silent, 20, 1)
    for what, values in found.items():
        np.testing.assert_array_equal(values[:, others], undisturbed[what][:, others], err_msg=what)
        for place, number in zip(places, numbers, strict=True):
            alone = market.simulate_chunk(7, int(number), 1, 20, save=SAVED, quoting=quote)
            np.testing.assert_array_equal(values[:, place], alone[what][0, 1:], err_msg=what)


def test_a_mid_that_fails_says_when():
    market = simcal.load("rfq-desk").replace(initial_price=1.0, mid_volatility=0.5)
    stepper = market.request_stepper(0, 0, 300)
    play(stepper, 30)
    expected = market.simulate_chunk(0, 0, 300, 31)["failed_step"]
    np.testing.assert_array_equal(stepper.failed, expected)
    assert 0 < (expected > 0).sum() < 300
