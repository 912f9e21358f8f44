"""Priors learned from other series: told and applied on one scale, without the series itself, and worth having."""

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal.calibration import Recipe, calibrate_many, learned_prior
from simcal.calibration.prior import FEWEST, read_prior, with_learned, with_prior_from
from simcal.calibration.scale import FreeScale
from simcal.definition.likelihood import Likelihood
from simcal.errors import DataError, ParameterError

NAMES = ("chartist_sd", "herding", "turbulence_memory", "growth")
RECIPE = Recipe.model_validate(
    {
        "name": "four", "market": "herding-today", "estimator": "likelihood", "trainable": NAMES,
        "starts": {"count": 1}, "match_scale": True, "match_growth": True, "train_share": 1.0,
        "likelihood": {
            "priors": {"chartist_sd": 0.5, "herding": 0.7, "turbulence_memory": 0.7, "growth": 0.03},
        },
    }
)  # fmt: skip
TODAY = simcal.load("herding-today")
# A population of markets that differ from the preset, but hardly from each other.
TRUTH = TODAY.replace(herding=2 * TODAY.herding, turbulence_memory=0.8)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    paths = simcal.simulate(TRUTH, 6, 3000, seed=4, burn_in=300).prices
    calibrate_many({f"series-{k}" if k else "other": p for k, p in enumerate(paths)}, out=folder, recipe=RECIPE, jobs=1)
    return folder


def test_what_a_table_tells_is_what_is_applied(tmp_path):
    table = pd.DataFrame(
        [[0.1, -0.2, 0.3, 0.05]] * FEWEST,
        columns=NAMES,
        index=pd.Index([f"s{k}" for k in range(FEWEST)], name="series"),
    )
    table.to_csv(tmp_path / "prior.csv")
    recipe = with_prior_from(RECIPE, tmp_path / "prior.csv")
    prices = simcal.simulate(TODAY, 1, 400, seed=1).prices[0]
    market, told, said = with_learned(TODAY, recipe, prices, "mine")
    scale = FreeScale(TODAY, NAMES)
    moved = scale.free_of(market) - scale.free_of(TODAY)
    np.testing.assert_allclose(moved[:3], [0.1, -0.2, 0.3], rtol=1e-9)
    assert market.growth == pytest.approx(0.05 * np.diff(np.log(prices)).std())
    assert f"{FEWEST} other series" in said
    # Other series that all agree are not believed beyond a tenth of the weak width.
    assert told.likelihood.priors == pytest.approx({n: 0.1 * w for n, w in RECIPE.likelihood.priors.items()})
    # A series among those of the table is left out, and then too few are left.
    assert with_learned(TODAY, recipe, prices, "S0-long")[:2] == (TODAY, recipe)


def test_long_series_need_no_other_ones(tmp_path):
    likelihood = RECIPE.likelihood.model_copy(update={"learned": "daily", "learned_below": 300})
    recipe = RECIPE.model_copy(update={"likelihood": likelihood})
    prices = simcal.simulate(TODAY, 1, 300, seed=1).prices[0]
    assert with_learned(TODAY, recipe, prices, "mine") == (TODAY, recipe, "")
    assert with_learned(TODAY, recipe, prices[1:], "mine")[0] != TODAY


def test_a_year_of_prices_is_forecast_better_with_what_other_series_say(runs):
    prior = learned_prior([runs])
    assert list(prior.columns) == list(NAMES)
    assert len(prior) == 6
    pd.testing.assert_frame_equal(prior.sort_index(), read_prior(runs).sort_index())
    paths = simcal.simulate(TRUTH, 20, 1250, seed=77, burn_in=300).prices
    gained = []
    for path in paths:
        scores = []
        for source in (None, runs):
            found = simcal.calibrate(None, path[:251], recipe=RECIPE, prior_from=source).market
            values = {name: float(getattr(found, name)) for name in NAMES}
            scores.append(Likelihood(found, NAMES, path).by_step(values)[250:].mean())
        gained.append(scores[1] - scores[0])
    gained = np.array(gained)
    assert gained.mean() > 2 * gained.std(ddof=1) / len(gained) ** 0.5


def test_what_cannot_be_learned_from_is_refused(tmp_path, runs):
    with pytest.raises(DataError, match="neither a run nor a folder of runs"):
        simcal.calibrate(None, np.ones(300), recipe=RECIPE, prior_from=tmp_path)
    with pytest.raises(DataError, match="is not the prior of other series"):
        read_prior("nowhere")
    with pytest.raises(ParameterError, match="does not estimate by likelihood"):
        simcal.calibrate(None, "sp500", recipe="sp500-herding", prior_from=runs)
