import numpy as np
import pytest
from scipy import stats

import simcal.facts as facts
from simcal.errors import ParameterError

SEEDS = [0, 1, 2]


def mean_and_error(values):
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


@pytest.mark.parametrize("seed", SEEDS)
def test_moments_agree_with_scipy(seed):
    r = np.random.default_rng(seed).standard_t(5, size=(4, 300))
    assert facts.skewness(r) == pytest.approx(stats.skew(r, axis=-1), rel=1e-12)
    assert facts.excess_kurtosis(r) == pytest.approx(stats.kurtosis(r, axis=-1), rel=1e-12)
    assert facts.standard_deviation(r) == pytest.approx(r.std(axis=-1), rel=1e-12)


def test_kurtosis_at_a_horizon_averages_over_all_phases():
    r = np.random.default_rng(3).standard_t(5, size=23)
    by_hand = [
        stats.kurtosis([r[start : start + 3].sum() for start in range(phase, 21, 3) if start + 3 <= 23])
        for phase in range(3)
    ]
    assert facts.excess_kurtosis(r, 3) == pytest.approx(np.mean(by_hand), rel=1e-12)


def test_t_of_the_mean_agrees_with_the_newey_west_regression():
    import statsmodels.api as sm

    r = np.random.default_rng(4).normal(0.1, 1.0, 400)
    fit = sm.OLS(r, np.ones_like(r)).fit(cov_type="HAC", cov_kwds={"maxlags": 20})
    assert facts.mean_t(r) == pytest.approx(fit.tvalues[0], rel=1e-10)


def test_max_drawdown_agrees_with_the_definition():
    r = 0.02 * np.random.default_rng(5).normal(size=(3, 500))
    price = np.exp(np.concatenate([np.zeros((3, 1)), np.cumsum(r, axis=-1)], axis=-1))
    expected = (1 - price / np.maximum.accumulate(price, axis=-1)).max(axis=-1)
    assert facts.max_drawdown(r) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_share_beyond_three_deviations_is_that_of_the_gaussian_law(seed):
    share = facts.tail_probability(np.random.default_rng(seed).normal(size=(100, 2000)), 3.0)
    mean, error = mean_and_error(share)
    assert abs(mean - 2 * stats.norm.sf(3)) < 4 * error


@pytest.mark.parametrize("seed", SEEDS)
def test_fano_factor_of_independent_shocks_is_one(seed):
    fano = facts.exceedance_fano(np.random.default_rng(seed).normal(size=(200, 6300)), 2.5)
    mean, error = mean_and_error(fano)
    assert abs(mean - (1 - 2 * stats.norm.sf(2.5))) < 4 * error + 1 / 100  # binomial counts; 100 blocks


@pytest.mark.parametrize("alpha", [2.0, 3.0, 4.5])
def test_hill_finds_the_index_of_a_pareto_law(alpha):
    # for a Pareto law 1 / Hill is unbiased, with standard deviation 1 / (alpha sqrt(k))
    u = np.random.default_rng(6).random((300, 2000))
    sign = np.where(np.random.default_rng(7).random(u.shape) < 0.5, -1.0, 1.0)
    inverse = 1 / facts.hill(sign * u ** (-1 / alpha), 0.05)
    mean, error = mean_and_error(inverse)
    assert abs(mean - 1 / alpha) < 4 * error
    assert inverse.std() == pytest.approx(1 / (alpha * np.sqrt(100)), rel=0.2)


def test_hill_of_student_t_nears_its_degrees_of_freedom_far_out():
    r = np.random.default_rng(8).standard_t(3, size=(50, 100_000))
    assert facts.hill(r, 0.002).mean() == pytest.approx(3.0, rel=0.05)


def test_hill_tells_the_tails_apart():
    u = np.random.default_rng(9).random((2, 200_000))
    r = np.concatenate([u[0] ** (-1 / 5.0), -(u[1] ** (-1 / 2.5))])
    # far out the distance to the mean matters little
    assert facts.hill(r, 0.002, "right") == pytest.approx(5.0, rel=0.2)
    assert facts.hill(r, 0.002, "left") == pytest.approx(2.5, rel=0.2)


def test_a_series_without_a_tail_has_no_hill_index():
    r = np.zeros(100)
    r[:3] = [0.1, -0.2, 0.3]
    assert np.isnan(facts.hill(r, 0.05))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda r: facts.hill(r, 1.5), "between 0 and 1"),
        (lambda r: facts.hill(r[:20]), "needs at least"),
        (lambda r: facts.hill(r, 0.05, "up"), "'both', 'left' or 'right'"),
        (lambda r: facts.excess_kurtosis(r, 90), "horizon 90 needs at least 180"),
        (lambda r: facts.mean(r[0]), "single number"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_a_sentence(call, words):
    with pytest.raises(ParameterError, match=words):
        call(np.random.default_rng(0).normal(size=100))


@pytest.mark.parametrize("length", [1, 7, 50])
def test_windows_are_consecutive_pieces(length):
    r = np.arange(50.0)
    cut = facts.windows(r, length)
    assert np.array_equal(cut.reshape(-1), r[: 50 // length * length])
    assert np.array_equal(facts.windows(r, 10, 20)[:, 0], [0.0, 20.0, 40.0])
    with pytest.raises(ParameterError, match="51 steps"):
        facts.windows(r, 51)
