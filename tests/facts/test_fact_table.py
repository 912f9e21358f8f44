import numpy as np
import pandas as pd
import pytest

from simcal.errors import DataError, NumericalWarning, ParameterError
from simcal.facts import (
    FACTS,
    FRANKE_WESTERHOFF,
    bands,
    choose_facts,
    compare,
    detrended_log_volume,
    evaluate,
    fact_table,
    moment_coverage,
)


def clustered(seed, paths, n=1200):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(paths, n + 200))
    log_volatility = np.zeros((paths, n + 200))
    shocks = 0.2 * rng.normal(size=(paths, n + 200))
    for t in range(1, n + 200):
        log_volatility[:, t] = 0.97 * log_volatility[:, t - 1] + shocks[:, t]
    return 0.01 * (np.exp(log_volatility) * z)[:, 200:]


def test_default_facts_leave_out_what_is_slow_or_needs_volume():
    names = [fact.name for fact in choose_facts()]
    assert set(FRANKE_WESTERHOFF) < set(names)
    assert not any(FACTS[name].expensive or FACTS[name].needs_volume for name in names)
    assert "volume_correlation" in [fact.name for fact in choose_facts(with_volume=True)]
    assert len(choose_facts("all", with_volume=True)) == len(FACTS)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (["hil_5"], "names near it are hill_5"),
        ("nine", "'default', 'all' or 'franke-westerhoff'"),
        (["volume_correlation"], "needs volume"),
        (["mean", "mean"], "names one fact twice"),
        ([], "empty"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(choice, words):
    with pytest.raises(ParameterError, match=words):
        choose_facts(choice)


def test_evaluating_in_chunks_gives_what_each_path_gives_alone():
    paths = clustered(0, 300)
    chosen = choose_facts(["hill_5", "dfa_returns", "decay_exponent"])
    together = evaluate(chosen, paths.reshape(3, 100, -1))
    assert together.shape == (3, 100, 3)
    for i, j in ((0, 0), (1, 57), (2, 99)):
        np.testing.assert_allclose(together[i, j], evaluate(chosen, paths[100 * i + j]), rtol=1e-12)


def test_table_of_a_series_has_values_and_bands():
    r = clustered(1, 1)[0]
    table = fact_table(pd.Series(r), n_resamples=50)
    assert list(table.columns) == ["label", "number", "unit", "value", "se", "low", "high", "undefined"]
    assert table.loc["mean_absolute", "value"] == pytest.approx(100 * np.abs(r).mean())
    assert list(fact_table(r, bands=False).columns) == ["label", "number", "unit", "value"]
    assert table.notna().all().all()


def test_table_of_paths_has_median_and_spread():
    paths = clustered(2, 60)
    table = fact_table(paths, ["mean_absolute"], level=0.9)
    sample = 100 * np.abs(paths).mean(axis=-1)
    expected = [np.median(sample), sample.std(ddof=1), *np.quantile(sample, [0.05, 0.95])]
    assert table.loc["mean_absolute", ["value", "se", "low", "high"]].tolist() == pytest.approx(expected)


def test_volume_brings_its_facts_for_a_series_and_for_paths():
    rng = np.random.default_rng(3)
    r = rng.normal(size=(3, 400))
    volume = np.exp(np.abs(r) + 0.1 * rng.normal(size=r.shape))
    one = fact_table(r[0], ["volume_correlation"], volume=volume[0], n_resamples=30)
    many = fact_table(r, ["volume_correlation"], volume=volume)
    assert one.loc["volume_correlation", "low"] > 0.9
    each = evaluate([FACTS["volume_correlation"]], r, detrended_log_volume(volume))[:, 0]
    assert many.loc["volume_correlation", "value"] == pytest.approx(np.median(each))
    assert one.loc["volume_correlation", "value"] == pytest.approx(each[0])


def test_a_model_passes_on_its_own_law_and_fails_where_it_differs():
    data, same = clustered(4, 1)[0], clustered(5, 40)
    table = compare(data, same, n_resamples=100)
    assert table["passes"].mean() > 0.8
    gaussian = np.random.default_rng(6).normal(0, data.std(), size=(40, 1200))
    other = compare(data, gaussian, ["standard_deviation", "smoothed_absolute_acf_5", "excess_kurtosis"])
    assert other["passes"].tolist() == [True, False, False]
    row = other.loc["smoothed_absolute_acf_5"]
    assert row["simulated_low"] < row["simulated"] < row["simulated_high"] < row["low"] < row["data"] < row["high"]


def test_broken_paths_are_counted_and_left_out():
    data, paths = clustered(7, 1)[0], clustered(8, 10)
    paths[2, 5], paths[7] = np.nan, 0.0
    with pytest.warns(NumericalWarning, match="2 of 10 simulated paths"):
        table = compare(data, paths, ["mean_absolute"], n_resamples=20)
    assert table.attrs["skipped_paths"] == 2
    good = np.delete(paths, [2, 7], axis=0)
    assert table.loc["mean_absolute", "simulated"] == pytest.approx(100 * np.median(np.abs(good).mean(axis=-1)))
    with pytest.raises(DataError, match="None of the 4"):
        compare(data, np.zeros((4, 50)), ["mean"], n_resamples=20)


def test_undefined_values_of_a_fact_are_counted_and_never_pass():
    data = clustered(9, 1)[0]
    quiet = np.random.default_rng(10).uniform(-0.01, 0.01, size=(5, 1200))  # nothing beyond three deviations
    table = compare(data, quiet, ["shock_clustering_3"], n_resamples=20)
    assert table.loc["shock_clustering_3", "undefined"] == 5
    assert not table.loc["shock_clustering_3", "passes"]


def test_moment_coverage_counts_the_samples_inside_all_bands():
    data, paths = clustered(11, 1)[0], clustered(12, 50)
    band = bands(data, "franke-westerhoff", n_resamples=100)
    coverage = moment_coverage(data, paths, bands=band)
    values = evaluate(choose_facts("franke-westerhoff"), paths)
    inside = (values >= band["low"].to_numpy()) & (values <= band["high"].to_numpy())
    assert coverage.joint == inside.all(axis=1).mean()
    assert coverage.each.to_dict() == dict(zip(FRANKE_WESTERHOFF, inside.mean(axis=0), strict=True))
    assert 0 < coverage.joint <= coverage.each.min() < 1
    assert coverage.to_dict()["n_paths"] == 50


def test_unusable_samples_count_as_outside():
    data, paths = clustered(11, 1)[0], clustered(12, 50)
    paths[:25] = 0.0
    band = bands(data, ["mean_absolute"], n_resamples=50)
    with pytest.warns(NumericalWarning, match="25 of 50"):
        coverage = moment_coverage(data, paths, ["mean_absolute"], bands=band)
    assert coverage.n_skipped == 25
    assert 0 < coverage.joint <= 0.5


def test_bands_of_other_facts_are_refused():
    data, paths = clustered(11, 1)[0], clustered(12, 5)
    band = bands(data, ["mean"], n_resamples=10)
    with pytest.raises(ParameterError, match="lack 1 of the facts, first 'acf_1'"):
        compare(data, paths, ["mean", "acf_1"], bands=band)


def test_importing_the_facts_imports_neither_torch_nor_the_slow_libraries():
    import subprocess
    import sys

    code = (
        "import simcal.facts, sys; print([m for m in ('torch','numba','scipy','sklearn','arch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
