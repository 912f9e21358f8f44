import numpy as np
import pytest
from scipy.signal import lfilter

from simcal.errors import DataError, ParameterError
from simcal.facts import FACTS, Fact, autocorrelation, bands, block_indices


def test_blocks_are_runs_that_wrap_around_and_start_everywhere_alike():
    indices = block_indices(50, 8, 4000, np.random.default_rng(0))
    assert indices.shape == (4000, 50)
    within = np.diff(indices, axis=1)[:, np.arange(49) % 8 != 7]
    assert np.all((within == 1) | (within == -49))
    counts = np.bincount(indices[:, ::8].ravel(), minlength=50)
    expected = 4000 * 7 / 50
    assert ((counts - expected) ** 2 / expected).sum() < 49 + 5 * np.sqrt(2 * 49)  # chi-squared, 49 degrees


def test_bands_are_centred_on_the_data_and_seeded():
    r = 0.01 * np.random.default_rng(1).standard_t(5, size=1500)
    first, again, other = bands(r, seed=0), bands(r, seed=0), bands(r, seed=1)
    assert first.equals(again)
    assert not first.equals(other)
    assert ((first["low"] < first["value"]) & (first["value"] < first["high"])).all()


def test_band_of_a_fact_does_not_depend_on_the_other_facts():
    r = np.random.default_rng(2).standard_t(5, size=1000)
    alone = bands(r, ["hill_5", "smoothed_absolute_acf_50"])
    assert bands(r).loc[alone.index].equals(alone)


def test_standard_error_of_the_mean_is_that_of_independent_draws():
    r = np.random.default_rng(3).normal(size=2000)
    table = bands(r, ["mean"], block=1, n_resamples=2000)
    assert table.loc["mean", "se"] == pytest.approx(100 * r.std() / np.sqrt(2000), rel=4 / np.sqrt(2 * 2000))


def test_bands_cover_the_truth_about_as_often_as_they_promise():
    phi, covered, trials = 0.3, np.zeros(2), 120
    truth = np.array([phi, np.sqrt(2 / np.pi / (1 - phi**2)) * 100])
    for seed in range(trials):
        x = lfilter([1.0], [1.0, -phi], np.random.default_rng(seed).normal(size=1100))[100:]
        table = bands(x, ["acf_1", "mean_absolute"], block=40, n_resamples=150, seed=seed)
        covered += (table["low"].to_numpy() <= truth) & (truth <= table["high"].to_numpy())
    # 0.95 less some points that a block bootstrap is known to lack, and four standard errors
    assert np.all(covered / trials > 0.85)
    assert np.all(covered / trials < 1.0)


def test_long_blocks_repair_the_bias_that_short_ones_give_to_long_lags():
    x = np.abs(lfilter([1.0], [1.0, -0.99], np.random.default_rng(4).normal(size=4000)))

    def resampled_mean(block):
        indices = block_indices(len(x), block, 200, np.random.default_rng(0))
        return autocorrelation(x[indices], 100).mean()

    value = autocorrelation(x, 100)
    assert abs(resampled_mean(1000) - value) < 0.5 * abs(resampled_mean(150) - value)


def test_expensive_facts_are_bootstrapped_only_on_request():
    r = 0.01 * np.random.default_rng(5).normal(size=400)
    names = ["gain_median_5s", "mean"]
    assert bands(r, names, n_resamples=5)["low"].isna().tolist() == [True, False]
    assert bands(r, names, n_resamples=5, include_expensive=True)["low"].notna().all()


def test_a_fact_of_your_own_gets_a_band():
    own = Fact("range", "Range of returns", lambda r: r.max(axis=-1) - r.min(axis=-1), 12)
    table = bands(np.random.default_rng(6).normal(size=300), [own, FACTS["mean"]], n_resamples=20)
    assert list(table.index) == ["range", "mean"]
    assert table.loc["range", "se"] > 0


def test_samples_where_a_fact_is_undefined_are_counted():
    r = np.zeros(6000)  # a sample that misses the busy part has no tail
    r[:500] = np.random.default_rng(7).normal(size=500)
    table = bands(r, ["hill_5", "mean"], block=1500, n_resamples=40)
    assert 0 < table.loc["hill_5", "undefined"] < 40
    assert table.loc["hill_5", "low"] < table.loc["hill_5", "high"]
    assert table.loc["mean", "undefined"] == 0


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ([0.1, np.nan, 0.2], "first at position 1"),
        ([0.1, 0.1, 0.1], "a series that moves"),
        (np.zeros((3, 4)), r"shape \(3, 4\)"),
    ],
)
def test_a_broken_series_is_refused(series, words):
    with pytest.raises(DataError, match=words):
        bands(series)


def test_impossible_bands_are_refused():
    r = np.random.default_rng(0).normal(size=300)
    with pytest.raises(ParameterError, match="between 0"):
        bands(r, ["mean"], level=95)
    with pytest.raises(ParameterError, match="1 to 300 steps"):
        block_indices(300, 301, 1, np.random.default_rng(0))
