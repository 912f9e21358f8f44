"""The verb track: windows, recovery through time, constancy, and what a folder keeps."""

import json

import numpy as np
import pytest
from scipy import stats

import simcal
from simcal.calibration.recipe import Recipe
from simcal.inference.constancy import nyblom, p_value

TODAY = simcal.load("herding-today")
RECIPE = Recipe.model_validate(
    {"name": "two", "market": "herding-today", "estimator": "likelihood", "starts": {"count": 1},
     "trainable": ["chartist_sd", "johnson_tail"], "match_scale": False}
)  # fmt: skip


def moved(seed: int) -> np.ndarray:
    """Prices of a market whose chartists are less noisy from the middle on."""
    first = simcal.simulate(TODAY, 1, 1500, seed=seed, burn_in=200).prices[0]
    calmer = TODAY.replace(chartist_sd=0.6 * TODAY.chartist_sd)
    second = simcal.simulate(calmer, 1, 1500, seed=seed + 50, burn_in=200).prices[0]
    return np.concatenate([first, first[-1] * second[1:] / second[0]])


def test_the_law_of_the_statistic_has_the_quantiles_of_the_tables():
    # Hansen (1992), table 1, level 5 %; draws of 40 000 leave an error of .0011.
    for k, critical in {1: 0.470, 2: 0.749, 3: 1.01, 5: 1.47, 10: 2.54}.items():
        assert p_value(critical, k) == pytest.approx(0.05, abs=0.005)


def test_constant_parameters_are_rejected_at_the_nominal_rate():
    rng = np.random.default_rng(5)
    rejected = [nyblom(rng.standard_normal((400, 3)), ["a", "b", "c"])["p"].to_numpy() < 0.1 for _ in range(400)]
    low, high = stats.binom(400, 0.1).ppf([1e-4, 1 - 1e-4]) / 400
    assert ((np.mean(rejected, axis=0) > low) & (np.mean(rejected, axis=0) < high)).all()


def test_a_parameter_that_changed_is_seen_and_the_other_one_found_constant(tmp_path):
    found = simcal.track(moved(3), recipe=RECIPE, window=1500, every=1500, out=tmp_path)
    table = found.table()
    assert found.windows == ((0, 1500), (1500, 3000))
    first, second = table["chartist_sd"]
    errors = table["chartist_sd_error"]
    assert abs(first - TODAY.chartist_sd) < 4 * errors.iloc[0]
    assert abs(second - 0.6 * TODAY.chartist_sd) < 4 * errors.iloc[1]
    constancy = found.constancy.set_index("parameter")["p"]
    assert constancy["chartist_sd"] < 0.001
    assert found.markets[1].chartist_sd == second
    assert len((tmp_path / "track.csv").read_text().splitlines()) == 3


def test_an_interrupted_tracking_goes_on_where_it_was(tmp_path):
    prices = moved(4)
    whole = simcal.track(prices, recipe=RECIPE, every=1000)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simcal.track(prices, recipe=RECIPE, every=1000, out=tmp_path, listen=stop)
    assert len(json.loads((tmp_path / "track.json").read_text())["windows"]) == 1
    again = simcal.track(prices, recipe=RECIPE, every=1000, out=tmp_path)
    np.testing.assert_array_equal([e.values for e in again.estimates], [e.values for e in whole.estimates])
    with pytest.raises(simcal.ParameterError, match="another windows"):
        simcal.track(prices, recipe=RECIPE, every=500, out=tmp_path)
    (tmp_path / "track.json").write_text("{")
    with pytest.raises(simcal.DataError, match="cannot be read"):
        simcal.track(prices, recipe=RECIPE, every=1000, out=tmp_path)


def test_what_cannot_be_tracked_is_said():
    with pytest.raises(simcal.DataError, match="has 200 returns"):
        simcal.track(np.exp(0.01 * np.arange(201)), recipe=RECIPE)
    with pytest.raises(simcal.ParameterError, match="does not estimate by likelihood"):
        simcal.track("sp500", recipe="sp500-herding")
