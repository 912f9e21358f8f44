"""The backtest in a market with a price: measures, impact and capacity against closed forms, and what is saved."""

import json
from typing import Any

import numpy as np
import pytest

from simcal import trading
from simcal.errors import NumericalWarning, ParameterError
from simcal.json_text import json_text
from simcal.models import load
from simcal.models.stock import StockMarket
from simcal.simulation import simulate
from simcal.trading.bands import Noise
from simcal.trading.orders import bench as bench_module
from simcal.trading.orders.impact import fit_exponent, impact_law

backtest: Any = trading.backtest  # frames that may be None are there
SP500: Any = load("stock-sp500")
SILENT = StockMarket(
    n_technical=0, n_fundamental=0, public_weight=0, private_weight=0, short_window=1, long_window=2, initial_price=80.0
)
# One fundamental trader who sees the value exactly and answers in proportion: impact decays by a known share per step.
REVERTING = StockMarket(
    n_noise=0, n_technical=0, n_fundamental=1, short_window=1, long_window=2, observation_sd=0.0,
    value_sensitivity=1e-3, impact=0.5, variance_mean=0.0, variance_start=0.0, vol_of_vol=0.0,
)  # fmt: skip
SMALL: Any = {"n_paths": 40, "n_steps": 30, "burn_in": 60}


# -- measures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("size", [0.3, 2.0])
def test_buy_and_hold_earns_the_move_of_the_price_that_it_made(size, seed):
    result = backtest("hold", SP500, size=size, seed=seed, execution="last", **SMALL)
    prices = simulate(SP500, 40, 30, seed=seed, burn_in=60).prices
    moved = size * (prices[:, -1] - prices[:, 0])
    np.testing.assert_allclose(result.replayed_paths["pnl"], moved, atol=1e-9)
    assert result.baseline is None
    assert result.impact is not None
    gap = result["pnl"] - result.summary.at["pnl", "replayed"]
    assert result.summary.at["pnl", "impact"] == pytest.approx(gap)


def test_size_zero_is_its_own_replay():
    result = backtest("crossover", SP500, size=0, **SMALL)
    assert result.replayed_paths is not None
    assert result.paths.equals(result.replayed_paths)
    assert (result.summary["impact"].dropna() == 0).all()
    assert (result.impact[["mean", "low", "high", "magnitude"]] == 0).all(axis=None)
    assert result.notes == ()


def test_sharpe_drawdown_and_turnover_are_those_of_the_track_record():
    """Against the plain formulas, on the prices of a simulation."""
    result = backtest("hold", SP500, size=0, periods_per_year=12, **SMALL)
    prices = simulate(SP500, 40, 30, burn_in=60).prices
    gains = np.diff(prices[:, 1:], axis=1, prepend=prices[:, 1:2]) / prices[:, :1]
    sharpe = gains.mean(1) / gains.std(1, ddof=1) * np.sqrt(12)
    np.testing.assert_allclose(result.paths["sharpe"], sharpe, rtol=1e-6)
    wealth = np.cumsum(gains, axis=1)
    fall = (np.maximum.accumulate(np.maximum(wealth, 0), axis=1) - wealth).max(axis=1)
    np.testing.assert_allclose(result.paths["max_drawdown_share"], fall, atol=1e-12)
    np.testing.assert_allclose(result.paths["turnover"], prices[:, 1] / prices[:, 0] * 12 / 30, rtol=1e-12)


def test_costs_are_taken_off_and_counted():
    free = backtest("random", SP500, size=0.5, options={"holding": 3}, **SMALL)
    costly = backtest(
        "random", SP500, size=0.5, options={"holding": 3}, fixed_cost=0.1, proportional_cost=0.01, quadratic_cost=0.2,
        **SMALL,
    )  # fmt: skip
    np.testing.assert_allclose(free.paths["pnl"] - costly.paths["pnl"], costly.paths["costs"], rtol=1e-8)
    assert (free.paths["costs"] == 0).all()
    assert (costly.paths["costs"] > 0.1 * costly.paths["trades"]).all()


def test_the_baseline_meets_the_same_noise_alone():
    result = backtest("random", SP500, baseline="twap", size=0.7, **SMALL)
    alone = backtest("twap", SP500, size=0.7, **SMALL)
    assert result.baseline_paths.equals(alone.paths)
    assert result.summary.at["pnl", "difference"] == pytest.approx(result["pnl"] - alone["pnl"])


def test_several_strategies_trade_in_the_same_market():
    result = backtest(["hold", "twap"], SP500, size=[1.0, 3.0], **SMALL)
    assert result.together is not None
    assert result.together.index.get_level_values("strategy").unique().tolist() == ["hold", "twap"]
    assert result.together.at[("hold", "pnl"), "value"] == result["pnl"]
    alone = backtest("hold", SP500, **SMALL)
    assert result["pnl"] != alone["pnl"]
    assert result.paths["path"].tolist() == alone.paths["path"].tolist()


def test_chunks_and_first_path_choose_the_paths(monkeypatch):
    from simcal.trading.orders import engine

    whole = backtest("crossover", SP500, n_paths=520, n_steps=5, burn_in=60, baseline=None)
    monkeypatch.setattr(engine, "CHUNK", 6500)
    parts = backtest("crossover", SP500, n_paths=520, n_steps=5, burn_in=60, baseline=None)
    assert parts.paths.equals(whole.paths)
    assert parts.series["pnl"].equals(whole.series["pnl"])
    later = backtest("crossover", SP500, n_paths=20, n_steps=5, burn_in=60, baseline=None, first_path=500)
    assert later.paths.equals(whole.paths[500:].reset_index(drop=True))


def test_progress_ends_where_it_said():
    told = []
    backtest(
        "hold", SP500, sizes=[1, 2], fixed_cost=1, **SMALL, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1][0] == told[-1][1] == 40 * 9
    assert {total for _, total in told} == {360}


def test_paths_that_fail_are_left_out_of_both(monkeypatch):
    original = bench_module.Trades.usable

    def some_fail(self):
        failed = self.failed.copy()
        failed[self.numbers == (3 if self.orders.any() and self.prices[0, -1] > 0 else 0)] = 1
        return original(type(self)(**{**vars(self), "failed": failed}))

    monkeypatch.setattr(bench_module.Trades, "usable", some_fail)
    with pytest.warns(NumericalWarning, match="1 of 40 paths are left out because their price left the range"):
        result = backtest("hold", SP500, **SMALL)
    assert 3 not in set(result.paths["path"])
    assert len(result.paths) == len(result.replayed_paths) == 39
    assert any("left out" in note for note in result.notes)


# -- impact ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [1.0, -2.0])
def test_impact_among_silent_traders_stays_for_ever(units):
    result = backtest("metaorder", SILENT, size=0.5, options={"units": units, "start": 3, "duration": 4}, **SMALL)
    a = SILENT.impact / SILENT.n_traders * 0.5 * units / 4
    expected = np.log1p(a) * np.clip(np.arange(31) - 3, 0, 4)
    assert result.impact is not None
    np.testing.assert_allclose(result.impact["mean"], expected, atol=1e-12)
    np.testing.assert_allclose(result.impact["magnitude"], np.abs(expected), atol=1e-12)
    np.testing.assert_allclose(result.impact["q0.025"], expected, atol=1e-12)


def test_impact_beside_a_fundamental_trader_decays_by_a_known_share():
    """To first order the trader takes back rho k P / 2 of a deviation at every step."""
    result = backtest("metaorder", REVERTING, size=1e-4, options={"start": 0, "duration": 5}, **SMALL)
    kept = 1 - REVERTING.impact * 1e-3 * 100 / 2
    push = REVERTING.impact * 1e-4 / 5
    expected = [push * sum(kept**j for j in range(max(t - 5, 0), t)) for t in range(31)]
    assert result.impact is not None
    np.testing.assert_allclose(result.impact["mean"], expected, rtol=1e-3, atol=1e-12)


def test_the_law_of_impact_is_that_of_the_market():
    """Silent traders: every trader bought moves the log price alike, at any speed. One who reverts: less if slower."""
    noise = Noise(0, 0, 20, 1, 0)
    law = impact_law(SILENT, [1e-3, 1e-2, 1e-1], noise=noise)
    assert law.by_speed.value == pytest.approx(1, abs=1e-3)
    assert law.by_length.value == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(law.curve["left"], law.curve["impact"], rtol=1e-9)
    law = impact_law(REVERTING, [1e-4, 1e-3, 1e-2], noise=noise, duration=10, after=30)
    kept = 1 - REVERTING.impact * 1e-3 * 100 / 2
    grown = (1 - kept ** np.arange(1, 11)) / (1 - kept)
    slope = np.polyfit(np.log(np.arange(1, 11)), np.log(grown), 1)[0]
    assert law.by_speed.value == pytest.approx(1, abs=2e-3)
    assert law.by_length.value == pytest.approx(slope, abs=2e-3)
    np.testing.assert_allclose(law.curve["left"] / law.curve["impact"], kept**30, rtol=5e-3)
    assert set(law.over_time["size"]) == {1e-4, 1e-3, 1e-2}


@pytest.mark.parametrize("power", [0.5, 0.8])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_fitted_exponent_is_within_its_standard_error(power, seed):
    generator = np.random.default_rng(seed)
    sizes = np.array([0.1, 0.3, 1.0, 3.0, 10.0])
    shared = 1 + 0.3 * generator.standard_normal((4000, 1))
    own = 1 + 0.5 * generator.standard_normal((4000, 5))
    fit = fit_exponent(sizes, sizes**power * shared * own)
    assert abs(fit.value - power) < 3.5 * fit.standard_error
    exact = 0.5 * np.sqrt(1.09) / np.sqrt(4000 * ((np.log(sizes) - np.log(sizes).mean()) ** 2).sum())
    assert fit.standard_error == pytest.approx(exact, rel=0.06)
    assert fit.n_sizes == 5


def test_an_exponent_needs_two_sizes_with_an_impact():
    fit = fit_exponent(np.array([1.0, 2.0]), np.array([[-1.0, 1.0], [0.5, 2.0]]))
    assert np.isnan(fit.value)
    assert fit.n_sizes == 1


# -- capacity -------------------------------------------------------------------------------------------------------


def test_the_capacity_of_a_round_trip_is_its_closed_form():
    """Execution at P(t) lets one sell at the price that one pushed up: profit P a per unit, less quadratic costs."""

    def round_trip(prices, position, cash, step):
        return float(2 <= step < 5)

    sizes = [0.5, 1.0, 2.0, 4.0]
    cost = 0.05
    result = backtest(round_trip, SILENT, sizes=sizes, execution="last", quadratic_cost=cost, **SMALL)
    a = SILENT.impact / SILENT.n_traders * np.array(sizes)
    curve = result.capacity_curve()
    np.testing.assert_allclose(curve["pnl"], np.array(sizes) * 80 * a - 2 * cost * np.array(sizes) ** 2, rtol=1e-9)
    np.testing.assert_allclose(curve["pnl_replayed"], -2 * cost * np.array(sizes) ** 2, rtol=1e-9)


@pytest.mark.parametrize("costs", [{}, {"proportional_cost": 0.01}, {"fixed_cost": 0.2}])
def test_a_row_of_the_capacity_curve_is_the_backtest_at_that_size(costs):
    curve = backtest("random", SP500, size=0.3, sizes=[2.0, 0.3], **costs, **SMALL)
    assert curve.capacity is not None
    for size in (0.3, 2.0):
        alone = backtest("random", SP500, size=size, **costs, **SMALL)
        row = curve.capacity.loc[size]
        for name in ("value", "standard_error", "replayed", "impact", "impact_standard_error"):
            np.testing.assert_allclose(row[name], alone.summary[name], rtol=1e-7, atol=1e-9)
    assert curve.capacity_curve()["size"].tolist() == [0.3, 2.0]


def test_a_backtest_without_sizes_has_no_capacity_curve():
    with pytest.raises(ParameterError, match=r"no capacity curve; give sizes=\[0.1, 1, 10\]"):
        backtest("hold", SP500, **SMALL).capacity_curve()


# -- the result -----------------------------------------------------------------------------------------------------


def test_the_result_is_saved_and_loads_as_a_market(tmp_path):
    result = backtest(["random", "hold"], SP500, sizes=[0.5, 1], **SMALL)
    folder = result.save(tmp_path / "bt")
    told = json.loads((folder / "backtest.json").read_text())
    assert told == json.loads(json_text(result.to_dict()))
    assert told["impact_law"]["by_speed"]["n_sizes"] == 2
    assert told["together"][0]["strategy"] == "random"
    assert {p.name for p in folder.iterdir()} == {
        "backtest.json", "market.toml", "paths.csv", "baseline_paths.csv", "replayed_paths.csv", "series.csv",
        "impact.csv", "capacity.csv",
    }  # fmt: skip
    assert load(folder) == SP500


def test_a_calibrated_run_or_a_market_s_name_will_do():
    assert backtest("hold", "stock-sp500", **SMALL).paths.equals(backtest("hold", SP500, **SMALL).paths)
