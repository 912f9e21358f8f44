"""The market of risk-averse traders has the statistics of the reference program, within the noise of one run of it."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from simcal.book.episodes import LAGS, clock_closes, episode_statistics, trade_time_closes
from simcal.book.market import BookMarket
from simcal.errors import ParameterError

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "book_cara.py"))
CASES, statistics = BENCHMARK["CASES"], BENCHMARK["statistics"]


def scores(changes, reference, seed, sets):
    """How far each number of the reference is from our mean, in deviations of one set of 24 episodes."""
    ours = np.array([statistics(changes, 24 * i, seed) for i in range(sets)])
    sd = np.nanstd(ours, axis=0, ddof=1) * np.sqrt(1 + 1 / sets)
    return (np.array(reference) - np.nanmean(ours, axis=0)) / sd


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_references_statistics_are_within_the_noise_of_its_24_episodes(seed):
    """Forty numbers, one of them three deviations off; kurtosis and lags have long tails themselves."""
    z = np.array([scores(changes, reference, seed, 60) for changes, reference in CASES.values()])
    assert np.abs(z).max() < 4
    assert (np.abs(z) > 2).sum() <= 4
    assert np.sqrt(np.mean(z**2)) < 1.4
    assert np.abs(z[:, 7]).max() < 2.5  # steps with a trade are known best


@pytest.mark.parametrize("case", ["the same, value moves", "not risk-averse, clock time"])
def test_two_markets_of_the_reference(case):
    assert np.abs(scores(*CASES[case], 0, 25)[[1, 2, 3, 4, 7]]).max() < 3


def test_another_market_would_be_noticed():
    changes, reference = CASES["risk-averse, trend weight 1"]
    for other in ({"trend_weight": 0.0}, {"risk_aversion": 0.3}, {"horizon": 50.0}, {"cash_mean": 5_000.0}):
        assert np.abs(scores({**changes, **other}, reference, 0, 15)).max() > 6, other


def test_bars_in_trade_time_hold_equal_shares_of_the_trades():
    market = BookMarket(session_steps=6, break_steps=2)
    mid = np.arange(15.0)[None] + 1
    trades = np.array([[9, 1, 0, 2, 1, 0, 1, 9, 9, 0, 0, 0, 0, 3, 0]])
    # Trades at steps 1, 3, 4, 6 of the first session and at 13 of the second.
    closes = trade_time_closes(market, mid, trades, (2, 3))
    assert closes.tolist() == [[4.0, 7.0, 14.0, 14.0, 14.0]]
    assert np.isnan(trade_time_closes(market, mid, 0 * trades, (1, 1))).all()
    assert clock_closes(market, mid, 3, 2).tolist() == [[4.0, 7.0, 12.0, 15.0]]
    with pytest.raises(ParameterError, match="session_steps is 0"):
        clock_closes(BookMarket(), mid, 3, 1)


@pytest.mark.parametrize("seed", [0, 1])
def test_statistics_of_known_returns(seed):
    rng = np.random.default_rng(seed)
    n = (200, 301)
    normal = episode_statistics(np.exp(0.01 * np.cumsum(rng.standard_normal(n), axis=1)))
    assert abs(normal["kurtosis"]) < 4 * np.sqrt(24 / 60_000) + 6 / 300
    assert abs(normal["acf_1"]) < 4 / np.sqrt(60_000)
    volatility = np.exp(np.cumsum(0.1 * rng.standard_normal(n), axis=1))
    clustered = episode_statistics(np.exp(0.01 * np.cumsum(volatility * rng.standard_normal(n), axis=1)))
    assert clustered["kurtosis"] > 2
    assert clustered["acf_1"] > clustered["acf_10"] > clustered["acf_30"] > 0.02
    assert 30 < clustered["first_negative"] <= LAGS + 1
    assert clustered["hill"] < normal["hill"]
    with pytest.raises(ParameterError, match="No episode has returns"):
        episode_statistics(np.ones((2, 99)))
