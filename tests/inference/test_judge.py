"""Scores against closed forms, the size of tests of risk figures, and forecasts of a true market beside its peers."""

import numpy as np
import pytest
from scipy import stats

import simcal
from simcal.facts.forecasters import Forecaster
from simcal.inference.judge import MARKET, judge_forecasts
from simcal.inference.scores import christoffersen, crps, fissler_ziegel, kupiec, share_band, tail

TODAY = simcal.load("herding-today")


@pytest.fixture(scope="module")
def prices():
    return simcal.simulate(TODAY, 1, 3000, seed=8, burn_in=300).prices[0]


@pytest.fixture(scope="module")
def judged(prices):
    return judge_forecasts(TODAY, prices, horizons=(1, 5), every=5, n_paths=1000)


def test_the_score_of_an_ensemble_is_that_of_its_law():
    rng = np.random.default_rng(1)
    came = rng.standard_normal(2000)
    exact = came * (2 * stats.norm.cdf(came) - 1) + 2 * stats.norm.pdf(came) - 1 / np.sqrt(np.pi)
    error = crps(rng.standard_normal((2000, 50)), came) - exact  # few samples: a biased score would show
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(error))


def test_value_at_risk_and_shortfall_score_best_at_their_true_values():
    came = np.random.default_rng(2).standard_normal(200_000)
    v = stats.norm.ppf(0.05)
    e = -stats.norm.pdf(v) / 0.05
    best = fissler_ziegel(np.full(1, v), np.full(1, e), came, 0.05)
    for other in ((v * 1.1, e), (v * 0.9, e), (v, e * 1.1), (v, e * 0.9)):
        worse = fissler_ziegel(np.full(1, other[0]), np.full(1, other[1]), came, 0.05) - best
        assert worse.mean() > 3 * worse.std() / np.sqrt(len(came))
    quantile, shortfall = tail(came, 0.05)
    assert quantile == pytest.approx(v, abs=0.02)
    assert shortfall == pytest.approx(e, abs=0.03)


@pytest.mark.parametrize("test", [kupiec, christoffersen])
def test_tests_of_hits_reject_as_often_as_they_say(test):
    rng = np.random.default_rng(3)
    rejected = np.mean([test(rng.random(2000) < 0.05, 0.05) < 0.05 for _ in range(2000)])
    assert rejected == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 2000) + 0.01)  # and a law for many hits only


def test_hits_that_come_together_are_seen_by_the_test_of_independence_alone():
    hits = np.zeros(2000, bool)
    hits[np.arange(0, 2000, 40)] = hits[np.arange(1, 2000, 40)] = True
    assert kupiec(hits, 0.05) > 0.9
    assert christoffersen(hits, 0.05) < 1e-10


def test_bands_of_shares_that_depend_on_each_other_cover():
    rng = np.random.default_rng(4)
    covered = []
    for _ in range(300):
        z = rng.standard_normal(404)
        hits = np.convolve(z, np.full(5, 5**-0.5), "valid") < stats.norm.ppf(0.1)
        low, high = share_band(hits, 10, rng, 400)
        covered.append(low <= 0.1 <= high)
    assert np.mean(covered) > 0.88  # by blocks a little below 95 %
    low, high = share_band(np.zeros(100, bool), 1, rng)
    assert (low, round(high, 4)) == (0.0, round(1 - 0.025**0.01, 4))


def test_densities_of_a_forecaster_are_those_of_students_law_after_the_first_part(prices):
    returns = np.diff(np.log(prices))
    from arch import arch_model

    model = arch_model(100 * returns, mean="AR", lags=1, vol="GARCH", p=1, o=1, q=1, dist="t", rescale=False)
    parameters = model.fit(disp="off", last_obs=2000).params
    filtered, nu = model.fix(parameters), parameters["nu"]
    deviations = filtered.conditional_volatility[2000:] / np.sqrt(nu / (nu - 2))  # of unit variance
    expected = stats.t.logpdf(filtered.resid[2000:], nu, scale=deviations) + np.log(100)
    found = Forecaster("GJR-t", returns, 2000)
    np.testing.assert_allclose(found.log_densities(), expected, rtol=1e-10)
    below = stats.t.cdf(filtered.resid[2000:], nu, scale=deviations)
    np.testing.assert_allclose(found.probabilities(), below, rtol=1e-10)
    assert len(Forecaster("GJR-t", returns, len(returns)).log_densities()) == 0


def test_paths_of_a_forecaster_have_its_deviation_and_do_not_depend_on_the_days_asked_for_before(prices):
    returns = np.diff(np.log(prices))
    found = Forecaster("GJR-t", returns, 2000)
    days = np.array([2000, 2500, 2900])
    paths = found.paths(days, 2, 4000, seed=5)
    filtered = found._model.fix(found._parameters)
    expected = np.asarray(filtered.conditional_volatility)[days + 1] / 100
    np.testing.assert_allclose(paths[:, :, 0].std(axis=1), expected, rtol=0.1)
    np.testing.assert_array_equal(paths, found.paths(days, 2, 4000, seed=5))


def test_forecasts_of_the_true_market_pass_every_test_and_score_best(judged):
    ours = judged.scores[judged.scores["forecaster"] == MARKET]
    first = ours.iloc[0]
    for level in ("1 %", "5 %"):
        assert first[f"p, Kupiec {level}"] > 0.01
        assert first[f"p, Christoffersen {level}"] > 0.01
        later = ours.iloc[1]
        assert later[f"{level} from"] <= float(level[0]) / 100 <= later[f"{level} to"]
    assert stats.kstest(judged.pit, "uniform").pvalue > 0.01
    for _, rows in judged.scores.groupby("steps"):
        assert rows.iloc[0]["forecaster"] == MARKET
        assert (rows["CRPS"].iloc[0] < 1.003 * rows["CRPS"].iloc[1:]).all()
        assert (rows["Fissler-Ziegel"].iloc[0] < rows["Fissler-Ziegel"].iloc[1:] + 0.02).all()


def test_a_market_twice_as_calm_fails_the_tests(prices):
    calm = TODAY.replace(chartist_sd=TODAY.chartist_sd / 2)
    scores = judge_forecasts(calm, prices, horizons=(1,), n_paths=200).scores
    assert scores["p, Kupiec 5 %"].iloc[0] < 1e-6
    with pytest.raises(simcal.DataError, match="to judge forecasts"):
        judge_forecasts(TODAY, prices[:300])
