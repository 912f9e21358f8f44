"""Agreement of two places: scipy's rank correlations and p-values, noise that hides it, chance that feigns it."""

import numpy as np
import pytest
from scipy import stats

from simcal.errors import ParameterError
from simcal.trading.records import Results, agreement, family_results, kendall, sharpe_ratio, spearman

NAMES = ("spearman", "kendall")


def mean(values):
    return values.mean(axis=-1)


def place(truth, noise, seed, n=60, over="paths", **options):
    values = np.asarray(truth)[:, None] + noise * np.random.default_rng(seed).normal(size=(len(truth), n))
    return family_results(values, mean, over=over, seed=seed, **{"n_resamples": 300, **options})


def certain(values):
    values = np.asarray(values, float)
    return Results(values, np.tile(values, (5, 1)), tuple(map(str, range(len(values)))))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("ties", [False, True])
def test_rank_correlations_agree_with_scipy(seed, ties):
    x, y = np.random.default_rng(seed).normal(size=(2, 40, 11))
    y += x
    if ties:
        x, y = np.round(x), np.round(y)
    ours = spearman(x, y), kendall(x, y)
    for row in range(40):
        assert ours[0][row] == pytest.approx(stats.spearmanr(x[row], y[row]).statistic, abs=1e-12)
        assert ours[1][row] == pytest.approx(stats.kendalltau(x[row], y[row]).statistic, abs=1e-12)


def test_a_place_where_all_are_equal_has_no_rank_correlation():
    table = agreement(certain([1, 1, 1, 1]), certain([1, 2, 3, 4]))
    assert table[["value", "low", "high", "p_value"]].isna().all(axis=None)
    assert (table["undefined"] == 5).all()


def test_exact_p_values_agree_with_scipy():
    x, y = [1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 5, 6]
    table = agreement(certain(x), certain(y))
    kendalls = stats.kendalltau(x, y, alternative="greater", method="exact")
    assert table.at["kendall", "p_value"] == pytest.approx(kendalls.pvalue, abs=1e-12)
    exact = stats.permutation_test(
        (x,), lambda v: stats.spearmanr(v, y).statistic, permutation_type="pairings", alternative="greater"
    )
    assert table.at["spearman", "p_value"] == pytest.approx(exact.pvalue, abs=1e-12)
    assert agreement(certain(x), certain(x)).at["kendall", "p_value"] == pytest.approx(1 / 720)


def test_drawn_p_values_agree_with_scipy_within_their_errors():
    x, y = np.random.default_rng(5).normal(size=(2, 12))
    y = y + 0.5 * x
    drawn = agreement(certain(x), certain(y), n_permutations=9999).at["kendall", "p_value"]
    exact = stats.kendalltau(x, y, alternative="greater", method="exact").pvalue
    assert drawn == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 9999))


@pytest.mark.parametrize("n_strategies", [6, 15])
def test_p_values_of_unrelated_places_are_those_of_chance(n_strategies):
    generator = np.random.default_rng(n_strategies)
    n, small = 200, 0
    for seed in range(n):
        x, y = generator.normal(size=(2, n_strategies))
        small += agreement(certain(x), certain(y), n_permutations=199, seed=seed).at["spearman", "p_value"] <= 0.1
    assert small / n == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / n))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_places_that_agree_and_places_that_do_not(seed):
    truth = np.linspace(0, 1, 12)
    real = place(truth, 0.3, 10 + seed, over="time", block=5)
    same, opposite = (agreement(place(sign * truth, 0.3, seed), real) for sign in (1, -1))
    assert (same["low"] > 0.8).all()
    assert (same["p_value"] < 0.001).all()
    assert (opposite["high"] < -0.8).all()
    assert (opposite["p_value"] > 0.999).all()


def coverage(strength, noise, n_families=120, n_strategies=10):
    """Share of intervals that hold the rank correlation without noise."""
    generator, held = np.random.default_rng(7), 0
    for seed in range(n_families):
        first = generator.normal(size=n_strategies)
        second = strength * first + np.sqrt(1 - strength**2) * generator.normal(size=n_strategies)
        options = {"n": 25, "n_resamples": 150}
        table = agreement(
            place(first, 5 * noise, seed, **options), place(second, 5 * noise, 999 + seed, **options), n_permutations=1
        )
        low, high = table.loc["spearman", ["low", "high"]]
        held += low - 1e-9 <= float(spearman(first, second)) <= high + 1e-9
    return held / n_families


@pytest.mark.parametrize(("strength", "noise"), [(0.0, 0.1), (0.5, 0.3), (0.9, 0.3), (0.9, 0.1)])
def test_intervals_hold_the_rank_correlation_without_noise(strength, noise):
    # `noise`: standard error of a result over the deviation of the true results.
    assert coverage(strength, noise) > 0.95 - 4 * np.sqrt(0.05 * 0.95 / 120)


def test_blocks_keep_the_memory_of_time():
    # An AR(1) with coefficient 0.8: the variance of a mean is nine times that of independent numbers.
    generator = np.random.default_rng(3)
    shocks = generator.normal(size=(6, 4000))
    series = np.zeros_like(shocks)
    for t in range(1, 4000):
        series[:, t] = 0.8 * series[:, t - 1] + shocks[:, t]
    exact = 1 / (1 - 0.8) / np.sqrt(4000)
    long, short = (
        family_results(series, mean, over="time", block=block, n_resamples=400).resamples.std(axis=0).mean()
        for block in (100, 1)
    )
    assert long == pytest.approx(exact, rel=0.15)
    assert short == pytest.approx(exact / 3, rel=0.15)


def test_all_strategies_are_resampled_alike():
    noise = np.random.default_rng(1).normal(size=50)
    shared = np.arange(5.0)[:, None] + 100 * noise  # the market moves all of them together
    first = family_results(shared, mean, over="paths", names="abcde")
    table = agreement(first, first)
    assert (table["standard_error"] == 0).all()
    assert (table["value"] == 1).all()
    ratios = family_results(shared, lambda x: sharpe_ratio(x, 252), over="time", n_resamples=20)
    assert ratios.resamples.shape == (20, 5)


def test_places_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match="at least 3 strategies"):
        family_results(np.zeros((2, 10)), mean, over="paths")
    with pytest.raises(ParameterError, match="without a block"):
        family_results(np.zeros((3, 10)), mean, over="paths", block=3)
    with pytest.raises(ParameterError, match="different names"):
        family_results(np.zeros((3, 10)), mean, over="paths", names="aab")
    with pytest.raises(ParameterError, match="same in the same order"):
        agreement(
            family_results(np.eye(3), mean, over="paths", names="abc"),
            family_results(np.eye(3), mean, over="paths", names="bac"),
        )
    with pytest.raises(ParameterError, match="1000 and 10 resamples"):
        agreement(
            family_results(np.eye(3), mean, over="paths"), family_results(np.eye(3), mean, over="paths", n_resamples=10)
        )
