"""The estimator likelihood, filter and forecast: recovery of known parameters, and laws of the next return."""

import json

import numpy as np
import pytest
from scipy import stats

import simcal
from simcal.calibration.moment_gap import MomentGap
from simcal.calibration.recipe import Recipe
from simcal.calibration.statistics import statistics
from simcal.errors import ParameterError

TODAY = simcal.load("herding-today")
# Without a prior, 2000 returns hardly tell many noisy chartists from few: predisposition stays at its truth.
FREE = ("chartist_sd", "herding", "turbulence_response", "johnson_tail", "growth")


def fitted(seed: int, n: int = 4000, weight: float = 0.0):
    recipe = Recipe.model_validate(
        {"name": "own", "market": "herding-today", "estimator": "likelihood", "trainable": list(FREE),
         "train_share": 1.0, "starts": {"count": 2, "spread": 0.2}, "likelihood": {"moments_weight": weight}}
    )  # fmt: skip
    prices = simcal.simulate(TODAY, 1, n, seed=seed, burn_in=500).prices[0]
    return simcal.calibrate(None, prices, recipe=recipe), prices


@pytest.fixture(scope="module")
def found():
    return fitted(11)


def test_known_parameters_are_found_again(found):
    estimate = found[0].estimate
    assert estimate.succeeded
    assert "2 of 2 starts" in estimate.status
    errors = (estimate.values - [getattr(TODAY, n) for n in FREE]) / estimate.standard_errors
    assert np.abs(errors).max() < 4
    sandwich = np.array([estimate.details["sandwich_errors"][n] for n in FREE])
    np.testing.assert_allclose(sandwich, estimate.standard_errors, rtol=0.35)  # the market is true
    assert estimate.details["aic"] == pytest.approx(2 * len(FREE) - 2 * estimate.details["log_likelihood"])


def test_moments_beside_the_likelihood_find_the_same_parameters(found):
    estimate, alone = fitted(11, weight=0.02)[0].estimate, found[0].estimate
    assert estimate.succeeded
    assert "moments" in estimate.status
    errors = (estimate.values - [getattr(TODAY, n) for n in FREE]) / estimate.standard_errors
    assert np.abs(errors).max() < 4
    # Where the market is true the likelihood is efficient, and nothing can be more certain.
    assert (estimate.standard_errors > 0.9 * alone.standard_errors).all()
    assert estimate.details["log_likelihood"] < alone.details["log_likelihood"]


def test_the_misfit_of_moments_has_its_own_gradient(found):
    recipe, prices = found[0].recipe, found[1]
    gap = MomentGap(
        TODAY, FREE, prices, statistics("stylised"), recipe.likelihood.model_copy(update={"simulated": 4}),
        warm_up=20, seed=3,
    )  # fmt: skip
    at = {n: float(getattr(TODAY, n)) for n in FREE}
    value, by = gap(at)
    for name, slope in zip(FREE, by, strict=True):
        step = 1e-6 * max(abs(at[name]), 1e-3)
        up, down = (gap(at | {name: at[name] + sign * step})[0] for sign in (1, -1))
        assert slope == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-6 * value)
    assert gap.jacobian(at).shape == (19, len(FREE))


@pytest.mark.slow
@pytest.mark.parametrize("weight", [0.0, 0.02])
def test_intervals_cover_the_truth_as_often_as_they_say(weight):
    inside = []
    for seed in range(100):
        estimate = fitted(seed, 2000, weight)[0].estimate
        inside.append(np.abs(estimate.values - [getattr(TODAY, n) for n in FREE]) < 1.645 * estimate.standard_errors)
    by_parameter = np.mean(inside, axis=0)
    low, high = stats.binom(100, 0.9).ppf([1e-3, 1 - 1e-3]) / 100
    assert ((by_parameter >= low) & (by_parameter <= high)).all(), by_parameter
    assert by_parameter.mean() == pytest.approx(0.9, abs=0.05)  # three errors where all of one data set go together


def test_a_prior_that_is_narrow_holds_its_parameter(found):
    recipe = found[0].recipe.model_copy(
        update={"likelihood": type(found[0].recipe.likelihood)(priors={"herding": 1e-4})}
    )
    held = simcal.calibrate(None, found[1], recipe=recipe).estimate
    assert held.value("herding") == pytest.approx(TODAY.herding, abs=1e-3)
    assert held.details["share_from_data"]["herding"] < 0.01


def test_the_next_return_has_the_deviation_that_was_expected(found):
    filtered = simcal.filter(found[0].market, found[1])
    ahead = simcal.forecast(found[0].market, found[1], 1, n_paths=40_000, seed=2)
    returns = np.log(ahead.prices[:, 1] / ahead.prices[:, 0])
    spread = returns.std() * np.sqrt((stats.kurtosis(returns) + 2) / len(returns)) / 2
    assert abs(returns.std() - filtered.next_deviation) < 4 * spread
    assert stats.kstest(filtered.table["pit"], "uniform").pvalue > 0.001
    table = ahead.risk(horizons=(1,))
    assert table["VaR 1 %"][0] == pytest.approx(
        -np.quantile(ahead.prices[:, 1] / ahead.prices[0, 0] - 1, 0.01), rel=0.01
    )
    assert ahead.probability_of_fall(0.0) == pytest.approx((returns <= 0).mean())


def test_uncertain_parameters_share_the_paths(found):
    ahead = simcal.forecast(found[0].market, found[1], 5, n_paths=103, estimate=found[0].estimate, n_draws=4)
    assert ahead.prices.shape == (103, 6)
    assert ahead.n_draws == 4
    assert np.ptp(ahead.prices[:, 0]) < 1e-9
    assert len(ahead.quantiles()) == 5


def test_markets_and_prices_that_cannot_be_followed_are_refused():
    with pytest.raises(simcal.ParameterError, match="not written in the language"):
        simcal.filter("book", np.linspace(100, 110, 300))
    with pytest.raises(simcal.ParameterError, match="no exact likelihood"):
        simcal.filter("stock", np.linspace(100, 110, 300))


def test_the_commands_of_a_run(found, tmp_path, capsys):
    from simcal.cli import app

    prices = tmp_path / "prices.csv"
    prices.write_text("price\n" + "\n".join(map(repr, found[1][:600].tolist())))
    run = tmp_path / "run"
    calibrated = simcal.calibrate(None, prices, recipe=found[0].recipe, out=run)
    assert calibrated.estimate.n == 599 - 59  # a tenth brings the states to where the market is
    for words in (["filter", str(run), "--figure", str(tmp_path / "f.png"), "--out", str(tmp_path / "f.csv")],
                  ["forecast", str(run), "--horizon", "5", "--paths", "200", "--draws", "2", "--figure",
                   str(tmp_path / "g.png")],
                  ["simulate", str(run), "--from-today", "--paths", "4", "--steps", "3"]):  # fmt: skip
        app(words, standalone_mode=False)
    played = simcal.backtest("hold", simcal.filter(calibrated.market, prices).market, n_paths=3, n_steps=4)
    assert played.settings["burn_in"] == 0
    app(
        ["backtest", str(run), "--strategy", "hold", "--from-today", "--paths", "4", "--steps", "5"],
        standalone_mode=False,
    )
    capsys.readouterr()
    app(["forecast", str(run), "--horizon", "5", "--paths", "200", "--draws", "0", "--json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert told["n_draws"] == 1
    assert len(told["quantiles"]) == 5
    assert {p.name for p in tmp_path.iterdir()} >= {"f.png", "g.png", "f.csv"}
    with pytest.raises(simcal.ParameterError, match="not the folder of a run"):
        app(["filter", "herding-today"], standalone_mode=False)


@pytest.fixture(scope="module")
def normal(found):
    """A forecast whose log returns are independent and normal."""
    paths = np.cumsum(np.random.default_rng(5).normal(0.0, 0.02, (200_000, 10)), axis=1)
    prices = 100 * np.exp(np.column_stack([np.zeros(len(paths)), paths]))
    return simcal.inference.Forecast(simcal.filter(TODAY, found[1]), prices, 1)


def test_tilted_normal_paths_have_the_same_law_around_another_mean(normal):
    fall, within, deviation = 0.06, 5, 0.02 * 5**0.5
    given = normal.given(fall, within=within, tilted=True)
    mean = np.log(1 - fall) - deviation**2 / 2
    worth = len(normal.prices) * np.exp(-((mean / deviation) ** 2))
    assert given.effective == pytest.approx(worth, rel=0.05)
    logs = np.log(given.prices / 100)
    error = deviation / given.effective**0.5
    assert logs[:, within].mean() == pytest.approx(mean, abs=4 * error)
    assert logs[:, within].std() == pytest.approx(deviation, rel=4 / (2 * given.effective) ** 0.5)
    assert logs[:, 2].mean() == pytest.approx(0.4 * mean, abs=4 * error)  # a straight way there
    assert (logs[:, 10] - logs[:, within]).mean() == pytest.approx(0.0, abs=4 * error)  # and nothing after


def test_of_paths_that_fall_far_enough_all_are_kept(normal):
    given = normal.given(0.1, within=5)
    share = stats.norm.cdf(np.log(0.9) / (0.02 * 5**0.5))
    assert given.effective == len(given.prices)
    assert len(given.prices) == pytest.approx(200_000 * share, abs=4 * (200_000 * share) ** 0.5)
    assert given.prices[:, 5].max() <= 90


@pytest.mark.parametrize(
    ("arguments", "word"),
    [({"fall": 1.5, "within": 5}, "between 0 and 1"), ({"fall": 0.6, "within": 5}, "None of 200000"),
     ({"fall": 0.6, "within": 5, "tilted": True}, "cannot be tilted"), ({"fall": 0.1, "within": 11}, "within")],
)  # fmt: skip
def test_scenarios_that_paths_do_not_tell_are_refused(normal, arguments, word):
    with pytest.raises(ParameterError, match=word):
        normal.given(**arguments)
