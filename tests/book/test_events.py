"""What events do to an order-book market, each beside the same noise without it."""

import numpy as np
import pytest

from simcal.book.events import FatFinger, PriceLimit, Shock, TradingHalt, events_of
from simcal.book.market import BookMarket
from simcal.errors import ParameterError

N, STEPS, AT = 40, 600, 300
BASE = BookMarket(n_fcn=60, n_makers=5, maker_volume=5, orders_per_step=5, variance_mean=1e-8, price="last")


def run(market, seed=0, **options):
    return market.simulate_chunk(seed, 0, N, STEPS, save=BookMarket.OUTPUTS, **options)


def same_before(one, other, step):
    for name in one:
        if name != "failed_step":
            np.testing.assert_array_equal(one[name][:, :step], other[name][:, :step], err_msg=name)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("change", [-0.05, 0.05])
def test_a_shock_moves_the_value_at_once_and_the_price_after_it(change, seed):
    without, shocked = run(BASE, seed), run(BASE.replace(events=[Shock(AT, change)]), seed)
    same_before(without, shocked, AT)
    ratio = shocked["fundamental_value"] / without["fundamental_value"]
    np.testing.assert_allclose(ratio[:, AT:], 1 + change, rtol=1e-12)
    moved = np.log(shocked["prices"] / without["prices"]).mean(axis=0)
    assert abs(moved[AT]) < 0.2 * abs(change)
    assert moved[-1] == pytest.approx(np.log(1 + change), abs=0.01)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_fat_finger_moves_the_price_which_comes_back(side):
    without, slipped = run(BASE), run(BASE.replace(events=[FatFinger(AT, 60, side)]))
    same_before(without, slipped, AT)
    np.testing.assert_array_equal(without["fundamental_value"], slipped["fundamental_value"])
    sign = 1 if side == "buy" else -1
    moved = sign * np.log(slipped["prices"] / without["prices"]).mean(axis=0)
    assert moved[AT] > 0.002
    assert abs(moved[-1]) < 0.3 * moved[AT]
    extra = (slipped["volume"] - without["volume"])[:, AT]
    assert 40 < extra.mean() <= 60
    bought = (slipped["buy_volume"] - without["buy_volume"])[:, AT]
    assert (bought.mean() > 40) == (side == "buy")


def test_a_price_limit_keeps_trades_and_quotes_in_its_band():
    shock = Shock(AT, -0.2)
    free, limited = run(BASE.replace(events=[shock])), run(BASE.replace(events=[shock, PriceLimit(0.04)]))
    reference = limited["last_price"][:, 0]  # at the opening
    relative = limited["last_price"] / reference[:, None] - 1
    assert relative.min() >= -0.04 - 1e-12
    assert relative.min() < -0.035
    assert (free["last_price"] / reference[:, None] - 1).min() < -0.1
    market_orders = BookMarket(n_fcn=20, events=[FatFinger(20, 10**6), PriceLimit(0.02)], price="last")
    fallen = run(market_orders)
    assert (fallen["prices"] >= 0.98 * fallen["prices"][:, :1] - 1e-9).all()


def test_a_price_limit_follows_the_openings_of_sessions():
    market = BASE.replace(events=[Shock(50, -0.2), PriceLimit(0.03)], session_steps=100, break_steps=10)
    price = run(market)["last_price"]
    opened = price[:, [0, 110, 220, 330]]  # the opening's price is that of the last step of a break
    for k in range(4):
        session = price[:, 110 * k : 110 * k + 101]
        assert (np.abs(session / opened[:, [k]] - 1) <= 0.03 + 1e-12).all()
    assert (price[:, 330] / price[:, 0]).mean() < 0.93


def test_a_halt_stops_trade_for_its_duration_and_opens_again():
    shock = Shock(AT, -0.1)
    halted = run(BASE.replace(events=[shock, TradingHalt(0.03, 50)]))
    stopped = halted["trading"] == 0
    assert stopped.any(axis=1).mean() > 0.9
    np.testing.assert_array_equal(stopped.any(axis=1), (stopped[:, AT:]).any(axis=1))
    for path in np.flatnonzero(stopped.any(axis=1)):
        first = int(np.argmax(stopped[path]))
        price = halted["last_price"][path]
        assert abs(price[first] / price[0] - 1) >= 0.03
        assert (np.abs(price[:first] / price[0] - 1) < 0.03).all()
        if first + 50 <= STEPS:
            assert stopped[path, first : first + 50].all()
            assert halted["trading"][path, first + 50] == 1
            assert (halted["volume"][path, first + 1 : first + 50] == 0).all()
            assert (price[first : first + 50] == price[first]).all()
            assert halted["volume"][path, first + 50] > 0  # the call auction that opens again


def test_a_halt_does_not_outlast_its_session():
    market = BASE.replace(events=[Shock(80, -0.2), TradingHalt(0.03, 500)], session_steps=200, break_steps=10)
    trading = run(market)["trading"]
    assert (trading[:, 150] == 0).mean() > 0.9
    assert (trading[:, 200:210] == 0).all()
    assert (trading[:, 210] == 1).all()


def test_events_compose_and_come_back_from_plain_values():
    market = BASE.replace(events=[
        {"kind": "shock", "step": 5, "change": 0.1}, {"kind": "shock", "step": 9, "change": -0.1},
        {"kind": "fat-finger", "step": 7, "volume": 10}, {"kind": "price-limit", "band": 0.1},
        {"kind": "trading-halt", "threshold": 0.05, "duration": 3},
    ])  # fmt: skip
    assert market.events == (
        Shock(5, 0.1), Shock(9, -0.1), FatFinger(7, 10, "sell"), PriceLimit(0.1), TradingHalt(0.05, 3)
    )  # fmt: skip
    assert BookMarket.from_dict(market.to_dict()) == market
    assert "events" not in BASE.to_dict()


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ("shock", "events is 'shock', but must be a list"),
        ([{"kind": "shok"}], "An event's kind is 'shok', but must be one of shock, fat-finger"),
        ([3], "An event's kind is None"),
        ([{"kind": "shock", "step": 3}], "The event 'shock' lacks change; give step and change"),
        ([{"kind": "shock", "step": 0, "change": 1.0}], "The event 'shock': step is 0, but must be a whole number"),
        ([{"kind": "shock", "step": 1, "change": -1.0}], "change is -1, but must be a number from -0.99"),
        ([{"kind": "shock", "stp": 1, "change": -1.0}], "'stp' is not a number of the event 'shock'; did you mean"),
        ([FatFinger(1, 5), {"kind": "fat-finger", "step": 1, "volume": 5, "side": "both"}], "side is 'both', but must"),
        ([PriceLimit(0.1), PriceLimit(0.2)], "There are several events 'price-limit'"),
    ],
)
def test_what_is_not_an_event_is_refused_in_a_sentence(events, sentence):
    with pytest.raises(ParameterError, match=sentence):
        events_of(events)
