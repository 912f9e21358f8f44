"""What each group of traders does to the order book, the openings of sessions, and what the description refuses."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

import simcal
from simcal import noise
from simcal.book import rules
from simcal.book.market import BookMarket
from simcal.errors import ParameterError

QUIET = {"variance_mean": 0.0, "n_fcn": 0}


def run(market, n_paths=40, n_steps=400, seed=0, **options):
    return market.simulate_chunk(seed, 0, n_paths, n_steps, **{"save": BookMarket.OUTPUTS, **options})


# -- rules ----------------------------------------------------------------------------------------------------------


@given(
    target=st.floats(10.0, 1e6), slope=st.floats(1e-12, 1e-3), shares=st.integers(0, 1000), cash=st.floats(0, 1e4),
    draw=st.floats(0.001, 0.999),
)  # fmt: skip
def test_a_risk_averse_order_is_what_brentq_finds(target, slope, shares, cash, draw):
    def wanted(x):
        return math.log(target / x) / (slope * x)

    satisfied = optimize.brentq(lambda x: math.log(target / x) - slope * x * shares, 1e-9, target, xtol=1e-12)
    lowest = optimize.brentq(
        lambda u: math.log(target) - u - slope * (cash + math.exp(u) * shares), -1e8, math.log(target) + 1e-9
    )
    x = math.exp(lowest) + (target - math.exp(lowest)) * draw
    side, price, volume = rules.cara_order(math.log(target), slope, float(shares), cash, draw, 0.0, math.inf)
    assert price == pytest.approx(x, rel=1e-9)
    if abs(x / satisfied - 1) > 1e-6:
        assert side == (rules.BUY if x < satisfied else rules.SELL)
        exact = abs(wanted(x) - shares)
        assert abs(volume - exact) <= 1 + 1e-6 * exact
    if side == rules.BUY:
        assert volume * price <= cash * (1 + 1e-6) + price
    else:
        assert volume <= shares


def test_a_risk_averse_order_does_not_cross_the_best_price_of_the_other_side():
    log_target, slope = math.log(100.0), 1e-5
    for draw in np.linspace(0.01, 0.99, 30):
        side, price, volume = rules.cara_order(log_target, slope, 50.0, 1e4, draw, 0.0, math.inf)
        ask = 0.9 * price
        clipped = rules.cara_order(log_target, slope, 50.0, 1e4, draw, 1.0, ask)
        if side == rules.BUY:
            assert clipped[1] >= ask
            assert clipped[2] >= volume
        bid = min(1.1 * price, 99.0)
        clipped = rules.cara_order(log_target, slope, 50.0, 1e4, draw, bid, 1e9)
        if side == rules.SELL and price < bid:
            assert clipped[1] == bid
            assert clipped[2] >= volume


@given(price=st.floats(0.5, 1000), low=st.integers(1, 100), width=st.integers(0, 800))
def test_prices_go_onto_the_grid_to_the_traders_advantage(price, low, width):
    high = low + width
    buy, sell = (rules.tick_of(side, price, low, high) for side in (rules.BUY, rules.SELL))
    assert low <= buy <= sell <= high
    if low + 1 <= price <= high - 1:
        assert buy <= price <= sell
        assert sell - buy <= 1


def test_horizons_grow_with_the_weight_of_value_and_shrink_with_that_of_the_trend():
    assert rules.horizon(100.0, 20.0, 10.0, 0.0) == 150
    assert rules.horizon(100.0, 20.0, 0.0, 5.0) == 80
    assert rules.risk_aversion(0.1, 1.0, 3.0, 1.0) == pytest.approx(0.2)


# -- groups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_traders_on_value_bring_the_price_to_it(seed):
    start = {"fundamental_start": 105.0, "fundamental_mean": 105.0}
    for group in ({"n_fcn": 100}, {"n_noise": 20, "n_fundamental": 20}):
        far = run(BookMarket(**{**QUIET, **group}, **start, orders_per_step=10), seed=seed)["mid"]
        assert np.abs(far[:, :3] / 105 - 1).mean() > 0.01
        assert np.abs(far[:, -1] / 105 - 1).mean() < 0.01


@pytest.mark.parametrize("seed", [0, 1])
def test_trend_followers_make_returns_persistent(seed):
    base = BookMarket(
        **QUIET, n_noise=40, n_fundamental=10, observation_sd=3.0, n_makers=5, orders_per_step=10, price="last"
    )
    crowd = base.replace(n_technical=40, trend_sensitivity=2.0)

    def growth(market):
        log = np.log(run(market, seed=seed, n_steps=1000)["prices"])
        return np.diff(log[:, ::100], axis=1).var() / np.diff(log[:, ::10], axis=1).var() / 10

    assert growth(crowd) > 1.3 * growth(base)


def test_market_makers_narrow_the_spread_and_hold_less_where_quotes_move_more():
    base = BookMarket(n_fcn=50, orders_per_step=5)
    with_makers = base.replace(n_makers=5, maker_spread=5e-4)
    assert run(with_makers)["spread"].mean() < 0.6 * run(base)["spread"].mean()

    def held(skew):
        stepper = with_makers.replace(maker_skew=skew, n_noise=50).stepper(0, 0, 20)
        for _ in range(300):
            stepper.advance()
        return np.abs(stepper.accounts[:, 100:105, 0]).mean()  # makers come last

    assert held(1e-3) < 0.5 * held(0.0)


def test_risk_averse_traders_never_go_short_nor_into_debt():
    market = simcal.load("book-cara")
    stepper = market.stepper(0, 0, 6)
    for _ in range(600):
        stepper.advance()
    accounts = stepper.accounts[:, :200]
    assert accounts[..., 0].min() >= 0
    assert accounts[..., 1].min() >= -1e-6
    assert np.abs(accounts[..., 0] - market.stepper(0, 0, 6).accounts[:, :200, 0]).max() > 5


def test_endowments_have_their_laws():
    uniform = BookMarket(n_fcn=4000).stepper(0, 0, 2).accounts[:, :4000]
    assert abs(uniform[..., 0].mean() - 49.5) < 4 * 100 / np.sqrt(12 * 8000)
    assert 0 <= uniform[..., 0].min() < uniform[..., 0].max() <= 100
    assert 10_000 <= uniform[..., 1].min() < uniform[..., 1].max() <= 30_000
    exponential = BookMarket(n_fcn=4000, endowment="exponential", warm_up=0).stepper(0, 0, 2).accounts[:, :4000]
    assert abs(exponential[..., 1].mean() / 20_000 - 1) < 4 / np.sqrt(8000)
    assert abs(exponential[..., 1].std() / 20_000 - 1) < 0.1
    assert (exponential[..., 0] == np.floor(exponential[..., 0])).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_log_value_walks_with_its_variance(seed):
    value = run(BookMarket(variance_mean=4e-6, warm_up=0), 200, 40, seed)["fundamental_value"]
    steps = np.diff(np.log(value / 100), axis=1)
    np.testing.assert_allclose(steps, 2e-3 * noise.normals(seed, 0, 200, 1, 40, 1)[:, 0].T, atol=1e-12)


# -- the exchange ---------------------------------------------------------------------------------------------------


def test_orders_only_rest_in_warm_up_and_breaks_and_an_auction_opens():
    market = BookMarket(n_fcn=0, n_cara=100, session_steps=50, break_steps=20, orders_per_step=5)
    saved = run(market, n_steps=200)
    trading = (np.arange(201) % 70 < 50).astype(float)
    np.testing.assert_array_equal(saved["trading"], np.tile(trading, (40, 1)))
    closed = np.flatnonzero(trading[1:] == 0) + 1
    inside = closed[(closed - 1) % 70 != 49]  # a session's last step ends it
    assert saved["volume"][:, inside].sum() == 0
    assert (np.diff(saved["last_price"][:, inside], axis=1)[:, np.diff(inside) == 1] == 0).all()
    assert saved["volume"][:, 70].mean() > 3 * saved["volume"][:, 71:120].mean()


def test_one_price_gives_all_trades_of_an_order_the_worst_of_its_prices():
    paid = {}
    for matching in ("each-level", "one-price"):
        stepper = BookMarket(n_makers=40, maker_volume=5, maker_skew=1e-3, matching=matching, warm_up=0).stepper(
            0, 0, 40
        )
        for _ in range(100):
            stepper.advance()
        stepper.advance(np.full(40, 2.0))
        assert (stepper.outside_shares == 20).all()
        paid[matching] = -stepper.outside_cash.mean() / 20
    assert paid["one-price"] > paid["each-level"]


def test_books_are_never_crossed_and_mids_are_inside_the_spread():
    market = BookMarket(n_fcn=50, n_makers=3, n_noise=20, orders_per_step=10)
    saved = run(market)
    assert (saved["spread"] >= 0.01 - 1e-12).all()
    assert (saved["volume"] >= saved["trades"]).all()
    assert (saved["buy_volume"] <= saved["volume"]).all()
    assert 0.3 < saved["buy_volume"].sum() / saved["volume"].sum() < 0.7
    on_grid = 200 * saved["mid"] - np.round(200 * saved["mid"])
    np.testing.assert_allclose(on_grid, 0, atol=1e-6)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_rescaling_makes_returns_about_so_many_times_as_large(factor):
    market = simcal.load("book").replace(tick=0.002)

    def size(m):
        return np.abs(np.diff(np.log(run(m, n_steps=600)["prices"]), axis=1)).mean()

    assert size(market.rescaled(factor)) / size(market) == pytest.approx(factor, rel=0.25)
    with pytest.raises(ParameterError, match="must be a positive number"):
        market.rescaled(0)


# -- the description ------------------------------------------------------------------------------------------------


def test_the_market_comes_back_from_its_dictionary():
    for name in ("book", "book-cara"):
        market = simcal.load(name)
        assert BookMarket.from_dict(market.to_dict()) == market
        assert [row["parameter"] for row in market.describe()] == list(BookMarket.SPECS)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_fnc": 3}, "'n_fnc' is not a parameter of the book market; did you mean 'n_fcn'"),
        ({"n_fcn": 0}, "The market has no traders; give at least one of n_fcn, n_cara"),
        ({"tick": 0}, "tick is 0, but must be a number above 0"),
        ({"tick": 50.0}, "a price must be from 10 to 4194304 ticks"),
        ({"matching": "fifo"}, "matching is 'fifo', but must be 'each-level' or 'one-price'"),
        ({"replace_orders": 1}, "replace_orders is 1, but must be true or false"),
        ({"break_steps": 5}, "without session_steps the session never ends"),
        ({"value_weight": 0, "trend_weight": 0, "noise_weight": 0}, "are all 0; give one of them a weight"),
        ({"n_technical": 2, "short_window": [5, 60]}, "Technical trader 1 has short_window 60"),
        ({"n_noise": 2, "public_weight": [1, 2, 3]}, "public_weight lists 3 values, but n_noise is 2"),
        ({"replace_orders": False, "orders_per_step": 100_000}, "orders could rest, but a book holds"),
        ({"market_share": 1.5}, "market_share is 1.5, but must be a number from 0 to 1"),
    ],
)
def test_what_is_not_allowed_is_refused_in_a_sentence(changes, sentence):
    with pytest.raises(ParameterError, match=sentence):
        BookMarket().replace(**changes)


def test_there_is_no_twin_and_calibration_says_so():
    market = simcal.load("book")
    with pytest.raises(ParameterError, match="no differentiable twin, because orders are whole shares"):
        market.twin(["noise_scale"])
