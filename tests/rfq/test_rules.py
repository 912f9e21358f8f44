"""The rules of the dealer market on requests that can be counted by hand."""

import numpy as np
import pytest
import rfq_reference as reference

from simcal.rfq import rules
from simcal.rfq.table import Status

INF = np.inf


def column(*quotes):
    return np.array(quotes, float)[:, None]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_price_and_its_reduced_value_are_inverse(side):
    price = rules.price_of(0.7, side, 100.0, 0.05)
    assert price == pytest.approx(100 + side * 0.035)
    assert rules.reduced_of(price, side, 100.0, 0.05) == pytest.approx(0.7)


def test_a_long_dealer_lowers_both_its_prices():
    flat = [rules.price_of(rules.margin(0.6, 0.8, 0.3, side, 0.1, 0.0), side, 100.0, 0.05) for side in (1, -1)]
    long = [rules.price_of(rules.margin(0.6, 0.8, 0.3, side, 0.1, 4.0), side, 100.0, 0.05) for side in (1, -1)]
    np.testing.assert_allclose(np.subtract(long, flat), -0.1 * 4 * 0.05)


def test_the_tick_rounds_to_the_nearest_multiple_and_makes_equal_prices_equal_numbers():
    prices = np.array([100.0149, 100.005, 99.996, 100.0051])
    np.testing.assert_allclose(rules.to_tick(prices, 0.01), [100.01, 100.0, 100.0, 100.01])
    assert rules.to_tick(100.0051, 0.01) == rules.to_tick(100.0149, 0.01)


@pytest.mark.parametrize(
    ("quotes", "best", "second", "first"),
    [
        ((0.5, 0.2, 0.9), 0.2, 0.5, 1),
        ((0.2, 0.2, 0.9), 0.2, 0.2, 0),
        ((0.9, INF, 0.4), 0.4, 0.9, 2),
        ((0.9,), 0.9, INF, 0),
        ((INF, INF), INF, INF, 0),
    ],
)
def test_the_two_lowest_quotes_are_best_and_cover(quotes, best, second, first):
    assert [x.item() for x in reference.rank(column(*quotes))] == [best, second, first]


@pytest.mark.parametrize(("uniform", "chosen"), [(0.0, 0), (0.33, 0), (0.34, 2), (0.66, 2), (0.67, 3), (0.999999, 3)])
def test_each_of_three_tied_dealers_owns_a_third_of_the_uniform(uniform, chosen):
    quotes = column(0.2, 0.4, 0.2, 0.2)
    assert reference.break_ties(quotes, np.array([0.2]), np.array([uniform])).item() == chosen


def test_the_hard_rule_trades_strictly_below_the_reserve_price():
    quotes = column(0.5, 0.2)
    for value, traded in ((0.3, 1.0), (0.2, 0.0), (0.1, 0.0)):
        shares, total = reference.hard_shares(quotes, np.array([0.2]), np.array([1]), np.array([value]))
        assert shares.ravel().tolist() == [0.0, traded]
        assert total.item() == traded


def test_smoothed_shares_are_a_logit_and_add_up_with_not_trading_to_one():
    quotes, value = column(0.5, 0.2, INF), np.array([0.3])
    shares, traded = reference.smoothed_shares(quotes, np.array([0.2]), value, 0.1)
    weights = np.exp(-np.array([5.0, 2.0, INF, 3.0]))
    np.testing.assert_allclose(shares.ravel(), (weights / weights.sum())[:3])
    assert traded.item() == pytest.approx(1 - weights[3] / weights.sum())


def test_smoothed_shares_become_the_hard_rule_when_the_temperature_falls():
    rng = np.random.default_rng(0)
    quotes, value = rng.normal(size=(4, 500)), rng.normal(size=500)
    best, _, winner = reference.rank(quotes)
    clear = np.abs(np.diff(np.sort(np.vstack([quotes, value]), axis=0), axis=0)).min(axis=0) > 1e-3
    soft, hard = (
        reference.smoothed_shares(quotes, best, value, 1e-5),
        reference.hard_shares(quotes, best, winner, value),
    )
    np.testing.assert_allclose(soft[0][:, clear], hard[0][:, clear], atol=1e-12)
    np.testing.assert_allclose(soft[1][clear], hard[1][clear], atol=1e-12)
    assert clear.sum() > 400


def test_smoothed_shares_are_finite_for_quotes_as_far_apart_as_one_likes():
    shares, traded = reference.smoothed_shares(column(1e6, -1e6), np.array([-1e6]), np.array([3.0]), 1e-3)
    assert shares.ravel().tolist() == [0.0, 1.0]
    assert traded.item() == 1.0


@pytest.mark.parametrize(
    ("quotes", "winner", "told"),
    [
        ((0.2, 0.5, 0.7), 0, Status.DONE),
        ((0.5, 0.2, 0.7), 1, Status.COVER),
        ((0.7, 0.2, 0.5), 1, Status.TRADED_AWAY),
        ((0.2, 0.5, 0.7), -1, Status.NOT_TRADED),
        ((0.2, 0.2, 0.7), 0, Status.DONE),
        ((0.2, 0.2, 0.7), 1, Status.TIED),
        ((0.2, 0.2, 0.2), 2, Status.TIED),
        ((0.5, 0.2, 0.5), 1, Status.TIED_COVER),
        ((0.5, 0.2, 0.2), 1, Status.TRADED_AWAY),  # both better quotes are the same: this is the third
        ((INF, 0.2, 0.5), 1, Status.PASS),
        ((INF, INF, INF), -1, Status.PASS),
    ],
)
def test_what_dealer_0_is_told(quotes, winner, told):
    quotes = column(*quotes)
    best, second, _ = reference.rank(quotes)
    equal = (quotes == quotes[0]).sum(axis=0)
    assert reference.status(quotes[0], best, second, equal, np.array([winner])).item() == told


def test_a_panel_is_neighbours_in_the_ring_and_all_rivals_are_asked_equally_often():
    rivals = np.arange(5)[:, None]
    for panel in range(1, 7):
        asked = rules.is_asked(rivals, np.arange(5.0), panel, 5)  # a column per start
        assert (asked.sum(axis=0) == panel - 1).all()
        assert (asked.sum(axis=1) == panel - 1).all()
    assert np.flatnonzero(rules.is_asked(rivals, 3, 4, 5)).tolist() == [0, 3, 4]


def test_panel_sizes_follow_their_probabilities():
    cumulative = np.cumsum([0.0, 0.5, 0.0, 0.5])
    uniform = np.array([1e-10, 0.499, 0.5, 0.999999])
    assert reference.panel_size(uniform, cumulative).tolist() == [2, 2, 4, 4]


def test_inventories_fall_where_clients_buy():
    assert rules.next_inventory(3.0, 1, 2.0, 0.5) == 2.0
    assert rules.next_inventory(3.0, -1, 2.0, 1.0) == 5.0


def test_the_mid_moves_in_the_clients_direction_by_the_information():
    assert rules.next_mid(100.0, -1, 0.4, 0.05, 0.2, 1.5) == pytest.approx(100 - 0.02 + 0.3)
