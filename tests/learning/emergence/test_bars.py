"""Bars on both clocks: beside those of the order-book market, what they conserve, and what the curve alone does."""

import numpy as np
import pytest

from simcal import load
from simcal.book import trade_time_closes
from simcal.learning.emergence import Trades, both_clocks, curve, cut, z_scores


def walk(seed: int, n_days: int, n_trades: int) -> Trades:
    """Days of independent Gaussian changes per trade, in two sessions."""
    mid = np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 1e-3, (n_days, n_trades)), axis=1))
    session = np.tile(np.repeat([0, 1], n_trades // 2), n_days)
    day = np.repeat(np.arange(n_days), n_trades)
    return Trades(day, session, mid.ravel(), np.ones(day.size), n_days)


def test_trade_time_is_that_of_the_order_book_market():
    market = load("book-cara")
    out = market.simulate_chunk(3, 0, 4, 2010, save=("mid", "trades", "volume"), every=1, burn_in=0, dtype="float64",
                                threads=1)  # fmt: skip
    day, step = np.nonzero(out["trades"] > 0)
    trades = Trades(day, (step - 1) // 1010, out["mid"][day, step], out["volume"][day, step], 4)
    bars = both_clocks(trades, (151, 150), 5.0)["trade time"]
    np.testing.assert_array_equal(bars.closes, trade_time_closes(market, out["mid"], out["trades"], (151, 150)))
    np.testing.assert_allclose(bars.volumes.sum(axis=1), out["volume"].sum(axis=1))


def test_the_curve_is_a_u_of_the_given_depth_and_flat_at_one():
    shares = curve((151, 150), 5.0)
    assert [part.sum() for part in shares] == pytest.approx([1.0, 1.0])
    whole = np.concatenate([151 * shares[0] / shares[0].min(), 150 * shares[1] / shares[1].min()])
    assert np.all(np.diff(shares[0]) < 0)
    assert np.all(np.diff(shares[1][1:]) > 0)
    assert shares[0][0] / shares[0][-1] == pytest.approx(5.0, rel=0.03)
    assert shares[1][-1] / shares[1][0] == pytest.approx(5.0, rel=0.03)
    assert np.isfinite(whole).all()
    assert all(np.ptp(part) == 0 for part in curve((30, 50), 1.0))


@pytest.mark.parametrize("busyness", [1.0, 5.0])
def test_no_trade_is_lost(busyness):
    trades = walk(1, 3, 700)
    bars = cut(trades, curve((151, 150), busyness))
    assert bars.volumes.sum(axis=1) == pytest.approx([700.0] * 3)
    assert bars.closes[:, -1] == pytest.approx(trades.mid.reshape(3, 700)[:, -1])


def test_a_session_without_trades_leaves_its_day_out():
    trades = walk(2, 3, 600)
    kept = ~((trades.day == 1) & (trades.session == 0))
    fewer = Trades(*(column[kept] for column in trades[:4]), 3)
    bars = cut(fewer, curve((50, 50), 1.0))
    assert np.isnan(bars.closes[1, :50]).all()
    assert len(z_scores(bars.closes)) == 2


@pytest.mark.parametrize("seed", [5, 6])
def test_the_curve_alone_makes_tails_and_clusters_of_a_random_walk(seed):
    clocks = both_clocks(walk(seed, 200, 6020), (151, 150), 5.0)
    kurtosis, clustering = {}, {}
    for name, bars in clocks.items():
        z = z_scores(bars.closes)
        sizes = np.abs(z) - np.abs(z).mean()
        kurtosis[name] = (z**4).mean() - 3
        clustering[name] = (sizes[:, 10:] * sizes[:, :-10]).mean() / sizes.var()
    # 60 000 returns: standard errors sqrt(24 / n) and 1 / sqrt(n); z-scoring a day biases both by about 1 / 300.
    assert abs(kurtosis["trade time"]) < 4 * np.sqrt(24 / 60_000) + 6 / 300
    assert abs(clustering["trade time"]) < 4 / np.sqrt(60_000) + 2 / 300
    assert kurtosis["resampled day"] > 10 * np.sqrt(24 / 60_000)
    assert clustering["resampled day"] > 10 / np.sqrt(60_000)
