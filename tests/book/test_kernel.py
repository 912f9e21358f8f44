"""The order-book market's kernel: trade by trade the plain reference, and the same bits however the work is cut."""

import numpy as np
import pytest
import slow_market
from hypothesis import given, settings
from hypothesis import strategies as st

from simcal.book.market import BookMarket

COARSE = {"initial_price": 100.0, "tick": 0.05, "warm_up": 20}
ALL = {"n_fcn": 6, "n_cara": 6, "n_noise": 4, "n_technical": 3, "n_fundamental": 3, "n_makers": 2, "horizon": 20.0}
WILD = {"variance_mean": 1e-4}
HESTON = {"fundamental_reversion": 0.01, "vol_of_vol": 1e-4, "leverage_correlation": -0.5, "fundamental_start": 98.0}
MARKETS = {
    "fcn": {"n_fcn": 20, "horizon": 20.0, "order_margin": 0.002, "value_weight": 50.0, **WILD},
    "fcn-keeping": {"n_fcn": 10, "horizon": 20.0, "order_margin": 0.002, **WILD,
                    "replace_orders": False, "orders_per_step": 3},
    "cara": {"n_fcn": 0, "n_cara": 10, "horizon": 20.0, "variance_mean": 0.0},
    "cara-one-price": {"n_fcn": 0, "n_cara": 12, "horizon": 20.0, "matching": "one-price", "session_steps": 40,
                       "break_steps": 10},
    "noise": {"n_fcn": 0, "n_noise": 10, "public_weight": np.linspace(0, 1, 10).tolist()},
    "technical": {"n_fcn": 4, "n_noise": 2, "n_technical": 6, "short_window": [2, 3, 4, 5, 6, 7], "long_window": 9},
    "fundamental": {"n_fcn": 0, "n_noise": 4, "n_fundamental": 4, "n_makers": 1, "endowment": "exponential"},
    "hard": {**ALL, "rule": "hard", "trend_threshold": 0.05, "price": "last", **HESTON},
    "all": {**ALL, **HESTON, "orders_per_step": 4, "order_lifetime": 7, "session_steps": 30, "break_steps": 5},
    "all-keeping": {**ALL, "replace_orders": False, "order_lifetime": 3, "self_trade": "cancel-resting",
                    "session_steps": 25},
    "all-at-once": {**ALL, "warm_up": 0, "self_trade": "cancel-incoming", "matching": "one-price"},
    "events": {**ALL, "orders_per_step": 2, "events": [
        {"kind": "shock", "step": 20, "change": -0.1}, {"kind": "fat-finger", "step": 40, "volume": 60},
        {"kind": "fat-finger", "step": 50, "volume": 40, "side": "buy"}, {"kind": "price-limit", "band": 0.04},
        {"kind": "trading-halt", "threshold": 0.03, "duration": 9}]},
}  # fmt: skip
EVERYTHING = ("prices", *BookMarket.OUTPUTS)


def market_of(name):
    return BookMarket(**{**COARSE, **MARKETS[name]})


def run(market, seed=0, first_path=0, n_paths=3, n_steps=100, **options):
    options = {"save": BookMarket.OUTPUTS, **options}
    return market.simulate_chunk(seed, first_path, n_paths, n_steps, **options)


@pytest.mark.parametrize("seed", [0, 2**63])
@pytest.mark.parametrize("name", MARKETS)
def test_the_kernel_makes_the_trades_of_the_reference(name, seed):
    market = market_of(name)
    kernel = run(market, seed, 7, 1)
    truth = slow_market.simulate(market, seed, 7, 100)
    for output in EVERYTHING:
        expected = np.array([row[output] for row in truth.rows], float)
        np.testing.assert_allclose(kernel[output][0], expected, rtol=1e-11, atol=1e-12, err_msg=output)
    assert kernel["failed_step"].tolist() == [0]
    assert len(truth.fills) >= kernel["trades"].sum() > 3


@pytest.mark.parametrize("name", ["all", "events"])
def test_shares_and_cash_are_kept_trade_by_trade(name):
    """The stepper's accounts are those of the reference, and their sums those of the beginning."""
    market = market_of(name)
    stepper = market.stepper(1, 5, 2)
    before = stepper.accounts.sum(axis=1)
    outside = np.linspace(-1, 0.5, 60)
    for x in outside:
        stepper.advance(np.array([x, 0.0]))
    truth = slow_market.simulate(market, 1, 5, 60, outside)
    mine = np.array([[trader["shares"], trader["cash"]] for trader in truth.traders])
    np.testing.assert_allclose(stepper.accounts[0], mine, rtol=1e-10, atol=1e-7)
    after = stepper.accounts.sum(axis=1)
    np.testing.assert_array_equal(after[:, 0], before[:, 0])
    np.testing.assert_allclose(after[:, 1], before[:, 1], rtol=1e-12)
    assert stepper.outside_shares[0] != 0
    assert stepper.outside_shares[1] == 0


@settings(max_examples=10, deadline=None)
@given(
    first_path=st.integers(0, 2**64 - 2000),
    n_paths=st.integers(1, 9),
    threads=st.integers(1, 4),
    offset=st.integers(0, 8),
)
def test_a_path_has_the_same_bits_whatever_stands_beside_it(first_path, n_paths, threads, offset):
    market = market_of("all")
    offset %= n_paths
    many = run(market, 5, first_path, n_paths, 40, threads=threads)
    alone = run(market, 5, first_path + offset, 1, 40)
    for name in EVERYTHING:
        np.testing.assert_array_equal(many[name][offset], alone[name][0])


@settings(max_examples=10, deadline=None)
@given(every=st.integers(1, 30), burn_in=st.integers(0, 40), n_steps=st.integers(30, 60))
def test_thinning_and_burn_in_only_choose_what_is_saved(every, burn_in, n_steps):
    market = market_of("all")
    full = run(market, n_steps=n_steps + burn_in)
    some = run(market, n_steps=n_steps, every=every, burn_in=burn_in)
    for name in EVERYTHING:
        np.testing.assert_array_equal(some[name], full[name][:, burn_in::every])


def test_float32_rounds_what_was_computed_in_float64():
    market = market_of("all")
    np.testing.assert_array_equal(run(market, dtype="float32")["prices"], run(market)["prices"].astype(np.float32))


def test_a_price_that_leaves_the_grid_ends_its_path_with_its_step():
    market = BookMarket(
        initial_price=1.0, tick=0.1, fundamental_mean=1.0, variance_mean=0.3, value_weight=100.0, warm_up=0
    )
    saved = run(market, n_paths=20, n_steps=3000)
    failed = saved["failed_step"]
    assert (failed > 0).any()
    for prices, step in zip(saved["prices"], failed, strict=True):
        assert np.isfinite(prices[: step or None]).all()
        assert step == 0 or np.isnan(prices[step:]).all()


# -- the stepper ----------------------------------------------------------------------------------------------------


def play(stepper, n_steps, outside=None):
    first = stepper.prices.copy()
    later = [stepper.advance(None if outside is None else outside[t]).copy() for t in range(n_steps)]
    return np.array([first, *later]).T


@pytest.mark.parametrize("name", ["fcn", "all", "all-at-once", "events"])
def test_steps_make_the_bits_of_simulate(name):
    market = market_of(name)
    saved = run(market, 3, 5, 6, 60)
    stepper = market.stepper(3, 5, 6)
    np.testing.assert_array_equal(play(stepper, 60), saved["prices"])
    np.testing.assert_array_equal(stepper.fundamental_value, saved["fundamental_value"][:, -1])


def test_paths_begun_anew_or_adopted_are_the_paths_of_their_numbers():
    market = market_of("all")
    stepper, other = market.stepper(7, 0, 6), market.stepper(7, 1000, 3)
    play(stepper, 37)
    play(other, 70)
    stepper.restart(np.array([0, 5]), np.array([9, 2**40]))
    stepper.adopt(np.array([3]), other, np.array([2]))
    assert stepper.ages[[0, 1, 3]].tolist() == [0, 37, 70]
    found = play(stepper, 40)
    for place, number, age in ((0, 9, 0), (5, 2**40, 0), (3, 1002, 70), (1, 1, 37)):
        np.testing.assert_array_equal(found[place], run(market, 7, number, 1, age + 40)["prices"][0, age:])


def test_demand_from_outside_buys_whole_shares_and_what_is_left_waits():
    market = BookMarket()
    stepper, outside = market.stepper(0, 0, 4), np.array([0.04, 0.25, -0.05, 0.0])
    for _ in range(5):
        stepper.advance(outside)
    bought = stepper.outside_shares
    assert bought.tolist() == [2.0, 12.0, -2.0, 0.0]  # of 10 shares per unit, 2, 12.5, -2.5 and 0
    assert (np.sign(stepper.outside_cash) == -np.sign(bought)).all()


def test_a_large_order_walks_the_book_and_waits_where_it_is_empty():
    market = BookMarket(n_makers=10, maker_volume=20, maker_skew=1e-3)
    quiet, loud = market.stepper(2, 0, 20), market.stepper(2, 0, 20)
    without, moved = quiet.advance(), loud.advance(np.full(20, 5.0))
    assert (loud.outside_shares == 50).all()
    assert (moved >= without).all()
    assert (moved > without).sum() > 10
    assert (-loud.outside_cash / 50 > without).all()
    huge = market.stepper(2, 0, 1)
    huge.advance(np.array([1000.0]))  # more than all that rests
    first = huge.outside_shares[0]
    assert 100 < first < 10_000
    for _ in range(20):
        huge.advance()
    assert first < huge.outside_shares[0] < 10_000
