"""The compiled market beside the slow one, what it conserves, and that episodes do not feel what is beside them."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from simcal.errors import ParameterError
from simcal.learning.books import BookBatch
from simcal.learning.books.layout import (
    CASH,
    DISCOUNT,
    N_EMPTY,
    N_ORDERS,
    N_REFUSED,
    N_TRADES,
    NOISE,
    RECORD_MID,
    RECORD_PRICE,
    RECORD_VALUE,
    RISK,
    SHARES,
)
from simcal.learning.market import LearningMarket

_SPEC = importlib.util.spec_from_file_location("reference", Path(__file__).with_name("reference.py"))
reference = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(reference)

SMALL = LearningMarket(n_traders=12, sessions=(20, 60, 5, 60), order_lifetime=15, fundamental_volatility=0.01)
MARKETS = {
    "default": SMALL,
    "published": SMALL.replace(matching="sweep", reward="wealth", price_band=0.05),
    "affordable": SMALL.replace(affordable=True, cash_mean=3000.0),
    "poor": SMALL.replace(cash_mean=200.0, shares_mean=1.0, reserve=100.0, tick=0.05),
    "alike": SMALL.replace(noise_sd=0.0, risk_aversion_sd=0.0, discount_low=0.9, discount_high=0.9, n_traders=3),
    "no placement": SMALL.replace(sessions=(0, 70, 0, 50)),
}


def actions_of(seed, n_steps, n_books):
    return np.tanh(np.random.default_rng(seed).normal(0, 1.0, (n_steps, n_books, 2)))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", MARKETS)
def test_the_compiled_market_is_the_slow_one(name, seed):
    market, number = MARKETS[name], 7
    batch, slow = BookBatch(market, 1, seed), reference.SlowMarket(market, seed, number)
    batch.begin([number])
    for patience, size in actions_of(seed, market.n_steps, 1)[:, 0]:
        j, features, gains = slow.look()
        assert batch.acting[0] == j
        np.testing.assert_allclose(batch.features[0], features, atol=2e-6)
        earned = batch.advance(np.array([[patience, size]]))[0]
        published = slow.play(patience, size)
        assert earned == pytest.approx(published if market.reward == "wealth" else gains, rel=1e-8, abs=1e-9)
    accounts, count = batch.state.traders[0], batch.state.counts[0, N_TRADES]
    trades = batch.state.trades[0, :count]
    found = list(zip(*(trades[k].tolist() for k in ("step", "tick", "volume", "buyer", "seller")), strict=True))
    assert found == slow.fills
    assert len(found) > 10
    np.testing.assert_array_equal(accounts[:, SHARES], slow.shares)
    np.testing.assert_allclose(accounts[:, CASH], slow.cash, atol=1e-7)
    np.testing.assert_allclose(batch.state.record[0, :, RECORD_VALUE], np.exp(slow.values), rtol=1e-12)
    np.testing.assert_allclose(batch.state.record[0, :, RECORD_MID], slow.shown, rtol=1e-12)
    trading = [slow.session(step) % 2 == 1 for step in range(market.n_steps)]
    empty = [mid is None and on for mid, on in zip(slow.mids, trading, strict=True)]
    assert batch.state.counts[0, N_EMPTY] == sum(empty)
    if market.reward == "gains":
        np.testing.assert_allclose(batch.close()[0], slow.close(), rtol=1e-8, atol=1e-9)


def test_shares_and_cash_are_conserved():
    batch = BookBatch(SMALL, 5, 3)
    batch.begin(np.arange(5))
    before = batch.state.traders[:, :, [SHARES, CASH]].sum(1)
    for actions in actions_of(0, SMALL.n_steps, 5):
        batch.advance(actions)
    after = batch.state.traders[:, :, [SHARES, CASH]].sum(1)
    np.testing.assert_array_equal(before[:, 0], after[:, 0])
    np.testing.assert_allclose(before[:, 1], after[:, 1], rtol=1e-12)
    assert (batch.state.counts[:, N_TRADES] > 0).all()


def test_an_episode_does_not_feel_what_is_beside_it():
    actions = actions_of(1, SMALL.n_steps, 4)
    many, one = BookBatch(SMALL, 4, 9), BookBatch(SMALL, 1, 9)
    many.begin([5, 2**40, 17, 3])
    one.begin([17])
    for step in range(SMALL.n_steps):
        if step == 30:  # neighbours begin anew
            many.begin([99, 98], np.array([3, 1]))
            assert many.numbers.tolist() == [5, 98, 17, 99]
        np.testing.assert_array_equal(many.features[2], one.features[0])
        np.testing.assert_array_equal(many.noise[2], one.noise[0])
        assert many.advance(actions[step])[2] == one.advance(actions[step, 2:3])[0]
    np.testing.assert_array_equal(many.state.record[2], one.state.record[0])
    np.testing.assert_array_equal(many.state.traders[2], one.state.traders[0])
    assert many.steps.tolist() == [SMALL.n_steps, SMALL.n_steps - 30, SMALL.n_steps, SMALL.n_steps - 30]


def test_a_batch_played_again_has_the_same_bits():
    actions = actions_of(2, SMALL.n_steps, 2)
    batch, records = BookBatch(SMALL, 2, 4), []
    for _ in range(2):
        batch.begin([0, 1])
        for step in range(SMALL.n_steps):
            batch.advance(actions[step])
        records.append(batch.state.record.copy())
    np.testing.assert_array_equal(*records)
    assert not np.array_equal(records[0][0], records[0][1])


def test_a_mask_leaves_the_other_markets_where_they_are():
    batch = BookBatch(SMALL, 3, 0)
    batch.begin([0, 1, 2])
    seen = batch.features.copy()
    batch.advance(actions_of(0, 1, 3)[0], np.array([True, False, True]))
    assert batch.steps.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(batch.features[1], seen[1])
    assert not np.array_equal(batch.features[0], seen[0])


@pytest.mark.parametrize("seed", [0, 1])
def test_endowments_and_traits_follow_their_laws(seed):
    market = LearningMarket(n_traders=2000)
    batch = BookBatch(market, 20, seed)
    batch.begin(np.arange(20))
    accounts = batch.state.traders.reshape(-1, batch.state.traders.shape[2])
    count = len(accounts) ** 0.5
    floor_mean = 1 / (np.exp(1 / 20) - 1)  # of the whole part of an exponential number
    for column, mean, sd in (
        (SHARES, floor_mean, np.sqrt(floor_mean * (floor_mean + 1))), (CASH, 15_000, 15_000), (RISK, 2, 1),
        (NOISE, 0.02, 0.01), (DISCOUNT, (0.75 + 0.999) / 2, 0.249 / np.sqrt(12)),
    ):  # fmt: skip
        assert abs(accounts[:, column].mean() - mean) < 4 * sd / count
        assert accounts[:, column].std() == pytest.approx(sd, rel=0.03)
    assert (np.abs(np.corrcoef(accounts[:, [SHARES, CASH, RISK, NOISE, DISCOUNT]].T) - np.eye(5)) < 4 / count).all()


def test_who_acts_is_drawn_evenly():
    market = SMALL.replace(sessions=(0, 3000))
    batch = BookBatch(market, 4, 1)
    batch.begin(np.arange(4))
    counts = np.zeros(market.n_traders)
    for actions in actions_of(0, market.n_steps, 4):
        np.add.at(counts, batch.acting, 1)
        batch.advance(actions)
    expected = counts.sum() / market.n_traders
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert chi2 < 31.3  # 99.9 % of chi square with 11 degrees


def test_what_the_others_would_see_has_their_own_traits():
    batch = BookBatch(SMALL, 2, 0)
    batch.begin([0, 1])
    for actions in actions_of(0, 50, 2):
        batch.advance(actions)
    seen = batch.see_all(1)
    np.testing.assert_array_equal(seen[batch.acting[1]], batch.features[1])
    np.testing.assert_array_equal(seen, batch.see_all(1))
    order = np.argsort(batch.state.traders[1, :, RISK])
    assert (np.diff(seen[order, 9]) >= 0).all()
    assert len(np.unique(seen[:, 7])) == SMALL.n_traders


def test_orders_beyond_the_grid_are_refused_and_counted():
    # One offers 40 % above the price and the next one takes it, so that prices soon leave a grid of 128 ticks.
    market = SMALL.replace(initial_price=1.0, tick=0.1, sessions=(0, 40), price_band=0.4)
    batch = BookBatch(market, 1, 0)
    batch.begin([0])
    for step in range(market.n_steps):
        batch.advance(np.array([[-1.0, 0.5] if step % 2 else [1.0, -0.5]]))
    prices, refused = batch.state.record[0, :, RECORD_PRICE], batch.state.counts[0, N_REFUSED]
    assert 8 < prices.max() <= 12.7
    assert refused > 0
    assert refused + batch.state.counts[0, N_ORDERS] == market.n_steps


@pytest.mark.parametrize("actions", [np.zeros((3, 2)), np.zeros(2), np.full((2, 2), np.nan)])
def test_actions_are_checked(actions):
    batch = BookBatch(SMALL, 2, 0)
    batch.begin([0, 1])
    with pytest.raises(ParameterError, match="The actions have shape"):
        batch.advance(actions)
