"""Two groups found again from their own prices and volume, with errors as large as the standard errors say."""

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal.calibration import load_recipe
from simcal.calibration.recipe import EquilibriumSettings, check_recipe
from simcal.calibration.result import read_run
from simcal.equilibrium import Observations, TwoGroups, fit_moments, write_equilibrium_run_report
from simcal.equilibrium.calibration import KIND
from simcal.equilibrium.moments import simulate_law
from simcal.errors import DataError, NumericalError, ParameterError

TRUTH = TwoGroups((0.08, 0.24), 0.436, 14.4, 0.65)
FAST = {"simulated": 300, "resamples": 200}
NAMES = ("risk_aversion[0]", "risk_aversion[1]", "exposure", "cost", "dividend_volatility")
VALUES = np.array([*TRUTH.risk_aversion, TRUTH.exposure, TRUTH.cost, TRUTH.dividend_volatility])


def fitted(seed, n=6000, background=0.0, **settings):
    changes, volume = simulate_law(TRUTH.law(), 1, n, seed)
    seen = Observations(changes[0], volume[0] + background, TRUTH.supply, 100.0, settings.pop("premium", None))
    return fit_moments(seen, EquilibriumSettings(**{**FAST, **settings}), seed=seed)


def errors_of(fit):
    return np.array([(fit.value(n) - v) / fit.error(n) for n, v in zip(NAMES, VALUES, strict=True)])


@pytest.mark.parametrize("weights", ["robust", "efficient"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_traders_are_found_again(seed, weights):
    fit = fitted(seed, background=0.05, weights=weights)
    assert fit.succeeded
    assert np.all(np.abs(errors_of(fit)) < 3)
    assert abs(fit.background - 0.05) < 3 * fit.error("background")
    assert fit.p > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["robust", "efficient"])
def test_errors_are_as_large_as_the_standard_errors(weights):
    fits = [fitted(100 + seed, background=0.05, weights=weights) for seed in range(60)]
    rms = np.sqrt(np.mean([errors_of(fit) ** 2 for fit in fits], axis=0))
    assert np.all((rms > 0.7) & (rms < 1.35)), rms  # 60 normal errors give 0.73 to 1.27 in 99.7 % of cases
    p = np.array([fit.p for fit in fits])
    assert np.mean(p < 0.05) < 0.18
    assert 0.35 < np.mean(p < 0.5) < 0.65 + 0.05


def test_a_premium_that_is_known_leaves_the_rest_to_the_data():
    premium = TRUTH.law().premium
    changes, volume = simulate_law(TRUTH.law(), 1, 6000, 5)
    seen = Observations(changes[0] - changes[0].mean() + premium, volume[0], TRUTH.supply, 100.0, premium)
    fit = fit_moments(seen, EquilibriumSettings(**FAST), seed=0)
    assert fit.value("premium") == premium
    assert fit.error("premium") == 0
    assert np.all(np.abs(errors_of(fit)) < 3)
    assert fit.error("cost") < fitted(5).error("cost")


@pytest.mark.parametrize("seed", [7, 8])
def test_volume_of_another_law_is_refused_by_the_surplus_moments(seed):
    changes, volume = simulate_law(TRUTH.law(), 1, 6000, seed)
    weekly = np.convolve(volume[0], np.ones(5) / 5, "same")  # reported as means of five steps
    seen = Observations(changes[0], weekly, TRUTH.supply, 100.0)
    assert fit_moments(seen, EquilibriumSettings(**FAST), seed=0).p < 1e-4


def test_prices_that_fall_give_no_risk_aversion():
    changes, volume = simulate_law(TRUTH.law(), 1, 3000, 3)
    with pytest.raises(NumericalError, match="reward for risk"):
        fit_moments(Observations(changes[0] - 0.5, volume[0], 1.0, 100.0), EquilibriumSettings(**FAST))


# -- from a file to a run folder ------------------------------------------------------------------------------------


def own_series(n=3000, changes="absolute", level=10_000.0):
    market = TRUTH.market(initial_price=level, changes=changes)
    paths = simcal.simulate(market, 1, n, seed=4, burn_in=100, save=["volume"])
    dates = pd.bdate_range("2000-01-03", periods=n + 1).strftime("%Y-%m-%d")
    return pd.DataFrame({"date": dates, "close": paths.prices[0], "volume": paths.outputs["volume"][0]})


def recipe(**changes):
    values = load_recipe("equilibrium").model_dump()
    values["equilibrium"] |= {**FAST, "changes": "absolute", "detrend": False, "supply": 1.0, **changes}
    return check_recipe({**values, "train_share": 1.0})


def test_a_run_folder_holds_market_estimates_and_report(tmp_path):
    own_series().to_csv(tmp_path / "own.csv", index=False)
    found = simcal.calibrate(None, tmp_path / "own.csv", recipe=recipe(), out=tmp_path / "run")
    assert np.all(np.abs(errors_of(found.fit)) < 3)
    assert simcal.load(tmp_path / "run") == found.market
    run = read_run(tmp_path / "run")
    assert run.manifest["kind"] == KIND
    assert run.series.sha256 == found.series.sha256
    page = write_equilibrium_run_report(tmp_path / "run").read_text()
    for words in ("Which data tell what", "At other trading costs", "autocorrelation of volume", "standard error"):
        assert words in page
    again = simcal.calibrate(None, tmp_path / "own.csv", recipe=recipe())
    np.testing.assert_array_equal(again.fit.values, found.fit.values)


def test_relative_changes_of_a_market_with_relative_changes():
    frame = own_series(changes="relative", level=100.0).iloc[1:]
    frame["volume"] *= np.exp(2e-4 * np.arange(len(frame)))  # a trend that is divided out
    found = simcal.calibrate(None, frame, recipe=recipe(changes="relative", detrend=True))
    level = frame["close"].iloc[-1]
    # In money at the last price: what was one per cent of 100 is one per cent of that.
    assert found.fit.value("volatility") == pytest.approx(TRUTH.volatility * level / 100, rel=0.04)
    assert found.fit.value("persistence") == pytest.approx(TRUTH.persistence, abs=4 * found.fit.error("persistence"))
    assert found.market.changes == "relative"
    assert found.market.initial_price == level
    simulated = simcal.simulate(found.market, 50, 500, burn_in=100).log_returns.std()
    assert simulated == pytest.approx(np.diff(np.log(frame["close"])).std(), rel=0.04)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda f: f.drop(columns="volume"), "no usable volume"),
        (
            lambda f: f.assign(volume=np.where(f.index.isin([7, 9]), -1.0, f["volume"])),
            "Rows 9, 11 of own have no usable",
        ),
        (lambda f: f.assign(volume=np.where(f.index == 3, np.nan, f["volume"])), "Row 5 of own has no usable volume"),
        (lambda f: f.iloc[:300], "at least 500"),
        (lambda f: f.assign(volume=1.0), "same at all times"),
        (lambda f: f.assign(volume=np.where(f.index % 2, 0.0, f["volume"])), "50% of the steps"),
        (lambda f: f.assign(close=5.0), "do not move"),
    ],
)
def test_data_that_cannot_be_used_are_refused_in_a_sentence(tmp_path, spoil, sentence):
    spoil(own_series(700)).to_csv(tmp_path / "own.csv", index=False)
    with pytest.raises(DataError, match=sentence):
        simcal.calibrate(None, tmp_path / "own.csv", recipe=recipe())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"trainable": ["cost"]}, "estimates risk_aversion"),
        ({"budget": 3.0}, "budget has no meaning"),
        ({"equilibrium": {"weights": "odd"}}, "equilibrium.weights"),
        ({"equilibrium": {"lags": []}}, "equilibrium.lags"),
    ],
)
def test_recipes_that_cannot_be_are_refused(changes, sentence):
    with pytest.raises(ParameterError, match=sentence):
        check_recipe({**load_recipe("equilibrium").model_dump(), **changes})


def test_what_belongs_to_a_game_is_refused():
    with pytest.raises(ParameterError, match="starts was given"):
        simcal.calibrate(None, own_series(700), recipe=recipe(), starts=3)
