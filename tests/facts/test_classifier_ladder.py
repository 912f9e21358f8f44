import numpy as np
import pytest
from arch.data import sp500

from simcal.errors import NumericalWarning, ParameterError
from simcal.facts import FLOOR, discriminate, fit_baseline, ladder, windows
from simcal.facts.classifier import _draws, _interval

QUICK = {"n_draws": 3, "n_trees": 30}


@pytest.fixture(scope="module")
def returns():
    return np.diff(np.log(sp500.load()["Adj Close"].to_numpy()))


@pytest.mark.parametrize("seed", [0, 1])
def test_classifiers_cannot_tell_windows_of_the_same_law_apart(seed):
    rng = np.random.default_rng(seed)
    found = discriminate(rng.standard_t(4, (30, 250)), rng.standard_t(4, (200, 250)), seed=seed, **QUICK)
    for auc in (found.logistic, found.forest):
        assert auc.low <= 0.5 <= auc.high
    assert (found.n_real, found.n_fake, found.n_draws) == (30, 200, 3)


def test_classifiers_tell_gaussian_windows_from_real_ones(returns):
    gaussian = windows(fit_baseline("gaussian", returns).simulate(5, 5000, seed=1), 250).reshape(-1, 250)
    found = discriminate(windows(returns, 250), gaussian, **QUICK)
    assert found.logistic.value > 0.9
    assert found.forest.value > 0.9


def test_ladder_orders_the_models_and_shows_the_floor(returns):
    simulated = {name: fit_baseline(name, returns).simulate(5, 5030, seed=2) for name in ("gaussian", "gjr-garch-t")}
    table = ladder(returns, simulated, n_draws=2)
    assert list(table.index) == [FLOOR, "gaussian", "gjr-garch-t"]
    assert table.loc["gaussian", "logistic_auc"] > table.loc["gjr-garch-t", "logistic_auc"]
    assert table.loc[FLOOR, "n_real"] == 10
    for name in ("logistic", "forest"):
        assert (table[f"{name}_low"] <= table[f"{name}_auc"]).all()
        assert (table[f"{name}_auc"] <= table[f"{name}_high"]).all()


def test_same_seed_gives_the_same_score(returns):
    real = windows(returns, 250)
    fake = windows(fit_baseline("garch-t", returns).simulate(10, 2500, seed=3), 250).reshape(-1, 250)
    assert discriminate(real, fake, seed=0, **QUICK) == discriminate(real, fake, seed=0, **QUICK)


def test_unusable_windows_are_counted_not_used(returns):
    real = windows(returns, 250)
    fake = windows(fit_baseline("garch-t", returns).simulate(10, 2500, seed=3), 250).reshape(-1, 250).copy()
    fake[0], fake[1, 7] = 0.0, np.nan
    found = discriminate(real, fake, **QUICK)
    assert (found.n_skipped_real, found.n_skipped_fake, found.n_fake) == (0, 2, 98)


def test_too_few_usable_windows_give_nan_and_a_warning(returns):
    with pytest.warns(NumericalWarning, match="fewer than the 5 blocks"):
        found = discriminate(windows(returns, 250), np.zeros((50, 250)))
    assert np.isnan(found.logistic.value)
    assert found.n_skipped_fake == 50


def test_draws_are_disjoint_when_there_are_enough_windows():
    draws = _draws(20, 100, 5, np.random.default_rng(0))
    assert sorted(np.concatenate(draws)) == list(range(100))
    assert all(np.all(np.diff(draw) > 0) for draw in draws)
    assert [len(draw) for draw in _draws(20, 30, 5, np.random.default_rng(0))] == [20] * 5
    assert len(_draws(20, 15, 5, np.random.default_rng(0))) == 1


def test_interval_stays_inside_and_covers_a_known_auc():
    # scores N(1, 1) against N(0, 1): the AUC is Phi(1 / sqrt 2) = 0.760
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(300):
        x, y = rng.normal(1, 1, 20), rng.normal(0, 1, 20)
        auc = _interval(float((x[:, None] > y).mean()), 20, 20, 0.95)
        hits += auc.low <= 0.7602 <= auc.high
    assert 0.91 < hits / 300 < 0.99
    perfect = _interval(1.0, 20, 20, 0.95)
    assert perfect.high == 1.0
    assert 0.8 < perfect.low < 1.0


def test_ladder_refuses_what_is_too_short(returns):
    with pytest.raises(ParameterError, match="at least 10"):
        ladder(returns[:2000], {})
    with pytest.raises(ParameterError, match="at least 150 steps"):
        discriminate(windows(returns, 100), windows(returns, 100))
