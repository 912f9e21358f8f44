import numpy as np
import pytest
from arch.data import sp500
from scipy.stats import kstest

from simcal.errors import NumericalWarning, ParameterError
from simcal.facts import BASELINES, autocorrelation, excess_kurtosis, fit_baseline, leverage
from simcal.facts.baselines import Garch
from simcal.facts.garch import fit_garch


@pytest.fixture(scope="module")
def returns():
    return np.diff(np.log(sp500.load()["Adj Close"].to_numpy()))


@pytest.mark.parametrize("name", BASELINES)
def test_a_path_does_not_depend_on_the_number_of_paths(returns, name):
    model = fit_baseline(name, returns)
    assert model.converged
    paths = model.simulate(4, 300, seed=0)
    assert paths.shape == (4, 300)
    assert np.array_equal(model.simulate(2, 300, seed=0), paths[:2])
    assert not np.array_equal(model.simulate(2, 300, seed=1), paths[:2])


def test_kurtosis_of_a_gaussian_garch_is_its_closed_form():
    alpha, beta = 0.1, 0.8
    model = Garch("garch", 0.0, 0.1, alpha, 0.0, beta, degrees=1e7, converged=True, status="given")
    r = model.simulate(400, 4000, seed=3)
    fourth, second = np.mean(r**4, axis=-1), np.mean(r**2, axis=-1)
    ratio = fourth.mean() / second.mean() ** 2 - 3
    error = np.std(fourth / second.mean() ** 2 - 2 * fourth.mean() * second / second.mean() ** 3) / np.sqrt(400)
    expected = 6 * alpha**2 / (1 - beta**2 - 2 * alpha * beta - 3 * alpha**2)
    assert abs(ratio - expected) < 4 * error


def test_variance_of_a_gjr_garch_is_its_closed_form():
    model = Garch("gjr", 0.05, 0.02, 0.02, 0.1, 0.88, degrees=8.0, converged=True, status="given")
    r = 100 * model.simulate(400, 4000, seed=4)
    square = np.mean((r - 0.05) ** 2, axis=-1)
    assert abs(square.mean() - 0.02 / (1 - model.persistence)) < 4 * square.std() / np.sqrt(400)
    assert leverage(r, 1).mean() < -4 * leverage(r, 1).std() / np.sqrt(400)


def test_fitting_simulated_returns_recovers_the_parameters():
    model = Garch("gjr", 0.05, 0.02, 0.03, 0.12, 0.87, degrees=7.0, converged=True, status="given")
    r = 100 * model.simulate(1, 20_000, seed=5)[0]
    fit = fit_garch(r, asymmetric=True, distribution="t")
    truth = {
        "mu": 0.05 / r.std(),
        "omega": 0.02 / r.var(),
        "alpha[1]": 0.03,
        "gamma[1]": 0.12,
        "beta[1]": 0.87,
        "nu": 7,
    }
    for name, value in truth.items():
        assert abs(fit.params[name] - value) < 4 * fit.std_err[name]


@pytest.mark.parametrize("name", ["gjr-garch-t", "garch-t"])
@pytest.mark.parametrize("factor", [0.01, 0.1, 100.0])
def test_a_garch_is_the_same_at_every_scale_of_the_returns(returns, name, factor):
    model, scaled = fit_baseline(name, returns), fit_baseline(name, factor * returns)
    assert scaled.converged
    for field in ("mu", "omega", "alpha", "gamma", "beta", "degrees"):
        assert getattr(scaled, field) == pytest.approx(getattr(model, field), rel=1e-3, abs=1e-6), field
    assert scaled.scale == pytest.approx(factor * model.scale)
    paths = model.simulate(20, 2000, seed=9)
    np.testing.assert_allclose(scaled.simulate(20, 2000, seed=9), factor * paths, rtol=1e-2, atol=factor * 1e-5)


def test_the_log_likelihood_of_a_garch_moves_by_the_change_of_scale_alone(returns):
    best = fit_garch(returns, asymmetric=True, distribution="t").loglikelihood
    for factor in (1e-4, 0.01, 100.0):
        assert fit_garch(factor * returns, asymmetric=True, distribution="t").loglikelihood == pytest.approx(best)


def test_independent_draws_have_the_law_but_not_the_memory_of_the_data(returns):
    paths = fit_baseline("iid-bootstrap", returns).simulate(20, 5000, seed=6)
    assert np.isin(paths, returns).all()
    c = autocorrelation(np.abs(paths), 1)
    assert abs(c.mean() + 1 / 5000) < 4 * c.std() / np.sqrt(20)


def test_blocks_keep_the_memory_of_the_data(returns):
    paths = fit_baseline("block-bootstrap", returns).simulate(50, 5000, seed=7)
    c = autocorrelation(np.abs(paths), 5)
    assert c.mean() == pytest.approx(autocorrelation(np.abs(returns), 5), abs=0.05)


def test_gaussian_draws_are_gaussian_with_the_moments_of_the_data(returns):
    paths = fit_baseline("gaussian", returns).simulate(4, 5000, seed=8)
    assert kstest(paths.ravel(), "norm", args=(returns.mean(), returns.std())).pvalue > 1e-3
    assert np.abs(excess_kurtosis(paths)).max() < 0.5


def test_a_fit_that_does_not_converge_says_so(returns, monkeypatch):
    import simcal.facts.baselines as baselines

    def failing(r, **options):
        fit = fit_garch(r, **options)
        monkeypatch.setattr(type(fit), "convergence_flag", 9)
        return fit

    monkeypatch.setattr(baselines, "fit_garch", failing)
    with pytest.warns(NumericalWarning, match="did not converge"):
        model = fit_baseline("garch-t", returns)
    assert not model.converged
    assert model.status.startswith("not converged")


def test_an_unknown_baseline_is_refused_with_the_names(returns):
    with pytest.raises(ParameterError, match="gjr-garch-t, garch-t"):
        fit_baseline("arima", returns)
    with pytest.raises(ParameterError, match="at least one of each"):
        fit_baseline("gaussian", returns).simulate(0, 10)
