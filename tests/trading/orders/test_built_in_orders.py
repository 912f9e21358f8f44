"""The strategies that come with simcal trade as they say."""

from typing import Any

import numpy as np
import pytest

from simcal import trading
from simcal.errors import ParameterError
from simcal.models import load
from simcal.simulation import simulate
from simcal.trading.bands import Noise
from simcal.trading.orders import play, strategy_of, terms_of
from simcal.trading.orders.strategies import u_profile, volume_profile

SP500: Any = load("stock-sp500")
SMALL: Any = {"n_paths": 40, "n_steps": 30, "burn_in": 60}


def test_crossover_holds_the_sign_of_the_difference_of_means():
    noise = Noise(0, 0, 30, 40, 5)
    crossover = strategy_of("crossover", SP500, noise, {"short": 3, "long": 20, "lowest": 0})
    out = play([crossover], SP500, noise, terms_of(0, 1, execution="next", fixed=0, proportional=0, quadratic=0))
    prices = simulate(SP500, 30, 45).prices
    for step in range(40):
        known = prices[:, : 5 + step + 1]
        wanted = np.where(known[:, -3:].mean(1) > known[:, -20:].mean(1), 1.0, 0.0) if known.shape[1] >= 20 else 0.0
        np.testing.assert_array_equal(out.positions[0, :, step], wanted)


def test_execution_trades_all_of_its_units_by_its_profile():
    noise = Noise(0, 0, 3, 12, 0)
    terms = terms_of(0.1, 1, execution="next", fixed=0, proportional=0, quadratic=0)
    for name, options, parts in (
        ("twap", {"units": -3.0}, np.full(12, -0.25)),
        ("vwap", {"curvature": 3.0, "duration": 5, "start": 2}, np.r_[0, 0, u_profile(5, 3.0), np.zeros(5)]),
        ("vwap", {"duration": 10}, np.r_[volume_profile(SP500, 0, 0, 10), 0, 0]),
        ("metaorder", {}, np.r_[0, 0.5, 0.5, np.zeros(9)]),
    ):
        out = play([strategy_of(name, SP500, noise, options)], SP500, noise, terms)
        np.testing.assert_allclose(out.orders[0], np.broadcast_to(parts, (3, 12)), atol=1e-12)
    assert u_profile(5, 3.0)[0] == pytest.approx(4 * u_profile(5, 3.0)[2])


def test_vwap_without_a_market_needs_a_shape():
    with pytest.raises(ParameterError, match="no volumes of a market for vwap to follow; give its option curvature"):
        strategy_of("vwap", None, Noise(0, 0, 3, 12, 0))
    assert strategy_of("vwap", None, Noise(0, 0, 3, 12, 0), {"curvature": 1.0}).decide


def test_reversion_buys_what_is_cheap_beside_its_estimate():
    result: Any = trading.backtest("reversion", SP500, size=0, options={"value": 1e6, "gain": 1}, **SMALL)
    assert set(result.paths["mean_position"]) == {1.0}
    result = trading.backtest("reversion", SP500, size=0, options={"value": 1e-3}, **SMALL)
    assert set(result.paths["mean_position"]) == {-1.0}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_tosses_a_fair_coin_for_each_path_and_time(seed):
    noise = Noise(0, 0, 1000, 60, 0)
    random = strategy_of("random", SP500, noise, {"holding": 3, "seed": seed})
    out = play([random], SP500, noise, terms_of(0, 1, execution="next", fixed=0, proportional=0, quadratic=0))
    coins = out.positions[0, :, ::3]
    assert (np.abs(coins) == 1).all()
    np.testing.assert_array_equal(coins, out.positions[0, :, 2::3])
    assert abs(coins.mean()) < 4 / np.sqrt(coins.size)
    for pair in (coins[:, 1:] * coins[:, :-1], coins[1:] * coins[:-1], coins[2:] * coins[:-2]):
        assert abs(pair.mean()) < 4 / np.sqrt(pair.size)
    assert np.abs(coins.mean(axis=0)).max() < 4.5 / np.sqrt(1000)
