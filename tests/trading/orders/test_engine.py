"""Accounts and prices of strategies that trade in a market: closed forms, conservation, the bits of a simulation."""

from typing import Any

import numpy as np
import pytest

from simcal.errors import ParameterError
from simcal.models import load
from simcal.models.stock import StockMarket
from simcal.simulation import simulate
from simcal.trading.bands import Noise
from simcal.trading.orders import engine as engine_module
from simcal.trading.orders import play, replay, strategies_of, terms_of

SP500: Any = load("stock-sp500")
SILENT = StockMarket(
    n_technical=0, n_fundamental=0, public_weight=0, private_weight=0, short_window=1, long_window=2, initial_price=80.0
)
NOISE = Noise(seed=3, first_path=7, n_paths=30, n_steps=40, burn_in=25)


def terms(size: Any = 1.0, n=1, execution="next", fixed=0.0, proportional=0.0, quadratic=0.0):
    return terms_of(size, n, execution=execution, fixed=fixed, proportional=proportional, quadratic=quadratic)


def played(strategy, market=SP500, noise=NOISE, size: Any = 1.0, frozen=False, returns=None, **more):
    strategies = strategies_of(strategy, market, noise, None, returns)
    return play(strategies, market, noise, terms(size, len(strategies), **more), frozen=frozen)


def round_trip(prices, position, cash, step):
    """Buy a unit at step 2, sell it at step 5."""
    return 1.0 if 2 <= step < 5 else 0.0


def wild(prices, position, cash, step):
    """Trades at every step, by prices, position and cash."""
    return np.round(np.sin(1000 * prices[:, -1]) + 0.3 * np.cos(position) + 0.001 * cash, 3)


# -- closed forms in a market of silent traders -------------------------------------------------------------------


@pytest.mark.parametrize("size", [0.5, 3.0, 20.0])
@pytest.mark.parametrize(
    ("execution", "profit"),
    [("next", lambda a: -a * (1 + a)), ("last", lambda a: a), ("mid", lambda a: -0.5 * a**2)],
)
def test_a_round_trip_among_silent_traders_earns_its_closed_form(size, execution, profit):
    a = SILENT.impact * size / SILENT.n_traders  # of an order of a unit, relative to the price
    out = played(round_trip, SILENT, size=size, execution=execution)
    np.testing.assert_allclose(out.pnl[0].sum(axis=1), 80.0 * profit(a), rtol=1e-9)
    np.testing.assert_allclose(out.prices[:, -1], 80.0 * (1 - a**2), rtol=1e-12)
    np.testing.assert_allclose(out.prices[:, 3:6], 80.0 * (1 + a), rtol=1e-12)


@pytest.mark.parametrize("size", [0.25, 4.0])
def test_costs_of_a_round_trip_are_their_closed_forms(size):
    a = SILENT.impact * size / SILENT.n_traders
    out = played(round_trip, SILENT, size=size, fixed=0.7, proportional=0.002, quadratic=0.01)
    value = size * 80.0 * ((1 + a) + (1 - a**2))
    money = 2 * 0.7 + 0.002 * value + 2 * 0.01 * size**2
    np.testing.assert_allclose(size * out.costs[0].sum(axis=1), money, rtol=1e-12)
    free = played(round_trip, SILENT, size=size)
    np.testing.assert_allclose(size * (free.pnl - out.pnl).sum(axis=2), money, rtol=1e-9)


def test_orders_of_several_strategies_enter_the_same_demand():
    out = played([round_trip, round_trip], SILENT, size=[1.0, 2.0])
    alone = played(round_trip, SILENT, size=3.0)
    np.testing.assert_array_equal(out.prices, alone.prices)
    np.testing.assert_array_equal(out.pnl[0], out.pnl[1])
    opposite = played([lambda p, x, c, s: 1.0, lambda p, x, c, s: -1.0], SILENT)
    np.testing.assert_array_equal(opposite.prices, 80.0)


# -- accounts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("execution", ["next", "last", "mid"])
def test_cash_and_position_are_what_the_orders_paid(execution):
    more: Any = {"fixed": 0.1, "proportional": 0.001, "quadratic": 0.02}
    out = played(wild, size=0.05, execution=execution, **more)
    before, after = out.prices[:, :-1], out.prices[:, 1:]
    price = {"next": after, "last": before, "mid": (before + after) / 2}[execution]
    order = out.orders[0]
    assert (order != 0).mean() > 0.9
    cost = 0.1 / 0.05 + 0.001 * np.abs(order) * price + 0.02 * 0.05 * order**2
    cost = np.where(order != 0, cost, 0)
    np.testing.assert_allclose(out.positions[0], np.cumsum(order, axis=1), atol=1e-9)
    np.testing.assert_allclose(out.cash[0], -np.cumsum(order * price + cost, axis=1), rtol=1e-9, atol=1e-9)
    held = out.positions[0] - order
    np.testing.assert_allclose(out.pnl[0], held * (after - before) + order * (after - price) - cost, atol=1e-8)


def test_money_is_conserved_between_two_who_trade_opposite():
    """At prices that do not notice them, what one earns the other loses."""
    both = played([wild, lambda *state: -wild(state[0], -state[1], -state[2], state[3])], frozen=True)
    np.testing.assert_array_equal(both.orders[0], -both.orders[1])
    np.testing.assert_allclose(both.pnl.sum(axis=0), 0, atol=1e-9)


def test_buy_and_hold_earns_the_move_of_the_price():
    out = played("hold", size=2.0)
    np.testing.assert_allclose(out.pnl[0].sum(axis=1), out.prices[:, -1] - out.prices[:, 1], atol=1e-9)
    last = played("hold", size=2.0, execution="last")
    np.testing.assert_allclose(last.pnl[0].sum(axis=1), last.prices[:, -1] - last.prices[:, 0], atol=1e-9)


def test_an_order_and_the_target_that_it_leads_to_are_the_same():
    target = played(lambda p, x, c, s: float(min(s, 10)))
    order = played(lambda p, x, c, s: 1.0 if 0 < s <= 10 else 0.0, returns="order")
    np.testing.assert_array_equal(target.prices, order.prices)
    np.testing.assert_array_equal(target.cash, order.cash)


def test_a_strategy_is_shown_what_the_accounts_hold():
    seen = []

    def watcher(prices, position, cash, step):
        seen.append((prices.shape, prices[:, -1].copy(), position.copy(), cash.copy(), step))
        return wild(prices, position, cash, step)

    out = played(watcher, size=0.02, fixed=0.01)
    assert [s[0] for s in seen] == [(30, 26 + step) for step in range(40)]
    np.testing.assert_array_equal(np.array([s[1] for s in seen]).T, out.prices[:, :-1])
    np.testing.assert_array_equal(np.array([s[2] for s in seen[1:]]).T, out.positions[0, :, :-1])
    np.testing.assert_array_equal(np.array([s[3] for s in seen[1:]]).T, out.cash[0, :, :-1])
    assert [s[4] for s in seen] == list(range(40))
    assert (seen[0][2] == 0).all()
    assert (seen[0][3] == 0).all()


@pytest.mark.parametrize("name", ["prices", "position", "cash"])
def test_a_strategy_cannot_write_into_what_it_is_shown(name):
    def writes(prices, position, cash, step):
        {"prices": prices, "position": position, "cash": cash}[name][:] = 0
        return 0.0

    with pytest.raises(ParameterError, match=r"raised ValueError .*read-only"):
        played(writes)


# -- prices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "frozen"), [(0.0, False), (5.0, True)])
def test_without_impact_the_prices_are_those_of_a_simulation_bit_for_bit(size, frozen):
    out = played(wild, size=size, frozen=frozen)
    prices = simulate(SP500, 30, 40, seed=3, first_path=7, burn_in=25).prices
    np.testing.assert_array_equal(out.prices, prices)


def test_size_zero_is_a_replay_of_the_simulated_prices():
    out = played(wild, size=0.0, fixed=0.3, quadratic=0.1)
    prices = simulate(SP500, 30, 65, seed=3, first_path=7).prices
    recorded = replay(strategies_of(wild, None, NOISE), prices, terms(1.0, fixed=0.3, quadratic=0.1), burn_in=25)
    np.testing.assert_array_equal(out.pnl, recorded.pnl)
    np.testing.assert_array_equal(out.orders, recorded.orders)


def test_prices_move_from_the_first_order_on_and_not_before():
    with_it, without = played(round_trip), played(round_trip, frozen=True)
    np.testing.assert_array_equal(with_it.prices[:, :3], without.prices[:, :3])
    ratio = with_it.prices[:, 3] / without.prices[:, 3]
    demand = (without.prices[:, 3] / without.prices[:, 2] - 1) * SP500.n_traders / SP500.impact
    step = SP500.impact / SP500.n_traders
    np.testing.assert_allclose(ratio, (1 + step * (demand + 1)) / (1 + step * demand), rtol=1e-9)


def test_chunks_and_threads_change_no_bit(monkeypatch):
    from numba import njit

    noise = Noise(seed=1, first_path=0, n_paths=1100, n_steps=6, burn_in=3)
    compiled = njit(lambda prices, position, cash, step: np.round(np.sin(1000 * prices[-1]), 3))
    whole = played(compiled, noise=noise)
    monkeypatch.setattr(engine_module, "CHUNK", 50)
    for threads in (1, 2):
        parts = played(compiled, noise=Noise(1, 0, 1100, 6, 3, threads))
        for name in ("numbers", "prices", "orders", "cash"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_a_path_is_the_same_whoever_else_is_played():
    one = played(wild, noise=Noise(3, 20, 1, 40, 25))
    np.testing.assert_array_equal(one.orders[0, 0], played(wild).orders[0, 13])


# -- paths that fail ------------------------------------------------------------------------------------------------


class Fragile:
    """A market whose path number 3 has no usable price from its 12th step on, and which notices nobody."""

    def stepper(self, seed, first_path, n_paths):
        inner, bad = SP500.stepper(seed, first_path, n_paths), 3 - first_path

        class Stepper:
            prices, failed = inner.prices, np.zeros(n_paths, int)

            def advance(self, outside=None):
                inner.advance()
                if inner.ages[0] >= 12 and 0 <= bad < n_paths:
                    inner.prices[bad] = np.nan
                    self.failed[bad] = 12
                return inner.prices

        return Stepper()


def test_a_path_without_a_usable_price_stands_still_and_is_left_out():
    noise = Noise(0, 0, 6, 15, 5)
    waits = strategies_of(lambda p, x, c, s: 1.0 if s < 7 else 0.0, SP500, noise)
    out = play(waits, Fragile(), noise, terms())
    assert out.failed.tolist() == [0, 0, 0, 12, 0, 0]
    assert (out.prices[3, 7:] == out.prices[3, 6]).all()
    assert out.orders[0, 3].tolist() == [1.0] + 14 * [0.0]
    assert out.orders[0, 4].tolist() == [1.0] + 6 * [0.0] + [-1.0] + 7 * [0.0]
    assert np.isfinite(out.cash).all()
    good = out.usable()
    assert good.numbers.tolist() == [0, 1, 2, 4, 5]
    assert good.orders.shape == (1, 5, 15)
    assert good.prices.shape == (5, 16)


def test_an_order_at_the_step_in_which_a_path_fails_is_named():
    noise = Noise(0, 0, 6, 15, 5)
    with pytest.raises(ParameterError, match=r"path 3 at step 6 counts as -1 traders .* from .* to nan"):
        play(strategies_of(lambda p, x, c, s: float(s < 6), SP500, noise), Fragile(), noise, terms())


@pytest.mark.parametrize(
    ("prices", "sentence"),
    [(np.ones(5), r"shape \(5,\)"), (np.ones((2, 1)), r"shape \(2, 1\)"), (np.array([[1.0, -1.0, 2.0]]), "positive")],
)
def test_what_cannot_be_replayed_is_refused(prices, sentence):
    with pytest.raises(ParameterError, match=sentence):
        replay(strategies_of("hold", None, NOISE), prices, terms())
