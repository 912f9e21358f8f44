"""Effect sizes, tests and their correction, against other implementations and by their error rates."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu
from statsmodels.stats.multitest import multipletests

from simcal.learning.emergence import cliffs_delta, compare_arms, holm
from simcal.learning.emergence.measures import band, rank_test, smallest_p


def test_cliffs_delta_of_known_samples():
    assert cliffs_delta([4, 5, 6], [1, 2, 3]) == 1.0
    assert cliffs_delta([1, 2, 3], [4, 5, 6]) == -1.0
    assert cliffs_delta([1, 2], [1, 2]) == 0.0
    assert np.isnan(cliffs_delta([], [1.0]))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cliffs_delta_is_the_rank_statistic(seed):
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=7), generator.normal(0.5, 1, 9)
    assert cliffs_delta(x, y) == pytest.approx(2 * mannwhitneyu(x, y).statistic / 63 - 1)


@pytest.mark.parametrize("seed", [1, 2])
def test_holm_is_that_of_statsmodels_and_leaves_out_what_is_missing(seed):
    p = np.random.default_rng(seed).uniform(0, 0.2, 12)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(holm([*p, np.nan])[:12], holm(p))
    assert np.isnan(holm([*p, np.nan])[12])


@pytest.mark.parametrize(("n", "m"), [(2, 2), (5, 5), (8, 6)])
def test_the_smallest_p_is_that_of_samples_apart(n, m):
    assert rank_test(np.arange(n) + 100, np.arange(m)) == pytest.approx(smallest_p(n, m))


def test_the_interval_over_seeds_covers_the_mean_as_often_as_it_says():
    generator, trials = np.random.default_rng(7), 2000
    hits = sum(low <= 1.0 <= high for _, low, high in (band(generator.normal(1.0, 2.0, 5)) for _ in range(trials)))
    assert abs(hits / trials - 0.95) < 4 * np.sqrt(0.95 * 0.05 / trials)


def test_a_row_per_statistic_and_arm_without_runs_that_lack_a_value():
    runs = pd.DataFrame({"arm": ["a"] * 3 + ["b"] * 3, "x": [1.0, 2.0, np.nan, 3.0, 4.0, 5.0], "y": [1.0] * 6})
    table = compare_arms(runs, "a", ["b"], ["x", "y"])
    assert table[["statistic", "n", "m", "delta"]].to_numpy().tolist() == [["x", 2, 3, -1.0], ["y", 3, 3, 0.0]]
    assert table["p_holm"].tolist() == pytest.approx([min(2 * table["p"][0], 1.0), 1.0])
