"""The certificate: a market passes on its own data, others do not, and the words follow the numbers."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal.calibration import Validation
from simcal.calibration.conditional import forecast_table
from simcal.calibration.judged_part import MARKET
from simcal.calibration.validate import validate
from simcal.data import load_series
from simcal.errors import DataError, NumericalError, ParameterError
from simcal.facts import FLOOR, FRANKE_WESTERHOFF
from simcal.json_text import json_text

# Fundamental traders keep the price near a value with clustered variance: heavy tails and clustering, far from Gauss.
CLUSTERED = simcal.load("stock").replace(
    n_fundamental=12, impact=0.2, value_sensitivity=0.2, public_weight=0.05, private_weight=0.05, variance_mean=1.4,
    variance_reversion=0.01, vol_of_vol=0.3, fundamental_reversion=0.003, trend_sensitivity=0.02, variance_start=None,
)  # fmt: skip
QUICK = {"n_samples": 40, "n_resamples": 60, "jobs": 1}


def own_data(seed: int, n: int = 1000):
    """A series made by the market itself."""
    return load_series(simcal.simulate(CLUSTERED, 1, n, seed=seed, burn_in=500).prices[0])


@pytest.fixture(scope="module")
def judged() -> Validation:
    """With classifiers: 12 windows of 150 on all data, with a floor; 4 on the held-out part, without a ladder."""
    return validate(CLUSTERED, own_data(1, 1810), window=150, baselines=("gaussian",), **QUICK)


def test_a_market_has_most_facts_of_its_own_data_and_a_gaussian_model_few():
    # The facts of one series hang together: single series give 21 to 36 of 36, hence the mean over six of them.
    inside = {MARKET: [], "gaussian": []}
    for seed in range(11, 17):
        # A window longer than a fifth of the data: no classifier is trained.
        judged = validate(CLUSTERED, own_data(seed, 3000), baselines=("gaussian",), window=1000, train_share=1, **QUICK)
        for model, counts in inside.items():
            counts.append(judged.all_data.passed(model)[0])
    assert np.mean(inside[MARKET]) >= 24
    assert np.mean(inside["gaussian"]) <= 15
    assert all(a > b for a, b in zip(inside[MARKET], inside["gaussian"], strict=True))


def test_classifiers_see_through_a_gaussian_model_better_than_through_the_market_itself(judged):
    ours, gaussian = judged.all_data.auc(MARKET), judged.all_data.auc("gaussian")
    assert gaussian[0] > 0.95
    assert ours[0] < gaussian[0] - 0.15
    assert judged.all_data.ladder.loc[MARKET, "logistic_low"] < 0.6


def test_the_ladder_has_the_floor_first_and_an_interval_on_every_auc(judged):
    ladder = judged.all_data.ladder
    assert list(ladder.index) == [FLOOR, MARKET, "gaussian"]
    for name in ("logistic", "forest"):
        assert (ladder[f"{name}_low"] < ladder[f"{name}_high"]).all()
        assert ladder[f"{name}_auc"].between(ladder[f"{name}_low"], ladder[f"{name}_high"]).all()
    assert judged.all_data.n_windows == 12
    assert ladder.loc[MARKET, "n_real"] == 12


def test_the_held_out_part_is_the_rest_in_time_and_says_that_its_windows_are_too_few(judged):
    held = judged.held_out
    assert held.n_returns == 1810 - round(0.7 * 1810)
    assert held.ladder is None
    assert any("3 windows of 150 returns" in note and "at least 5" in note for note in held.notes)


def test_coverage_is_of_the_nine_franke_westerhoff_moments(judged):
    assert set(judged.all_data.coverage[MARKET].each.index) == set(FRANKE_WESTERHOFF)


@pytest.mark.parametrize(("n", "train_share"), [(1000, 0.7), (1000, 1.0)])
def test_a_short_or_empty_rest_is_not_judged_apart(n, train_share):
    judged = validate(CLUSTERED, own_data(2, n), baselines=(), train_share=train_share, **QUICK)
    assert judged.held_out is None
    assert len(judged.parts) == 1


def test_the_certificate_survives_json(judged):
    text = json_text(judged.to_dict())
    again = Validation.from_dict(json.loads(text))
    assert json_text(again.to_dict()) == text
    pd.testing.assert_frame_equal(again.summary(), judged.summary())
    assert again.verdict == judged.verdict


def test_the_result_does_not_depend_on_the_number_of_processes():
    data = own_data(3, 400)
    results = [validate(CLUSTERED, data, baselines=("gaussian",), **QUICK | {"jobs": jobs}) for jobs in (1, 2)]
    first, second = (json_text(r.to_dict() | {"seconds": 0}) for r in results)
    assert first == second


def test_another_seed_gives_other_samples_and_seed_0_is_a_seed():
    data = own_data(4, 400)
    medians = [
        validate(CLUSTERED, data, baselines=(), seed=seed, **QUICK).all_data.facts[MARKET]["simulated"]
        for seed in (0, 0, 1)
    ]
    pd.testing.assert_series_equal(medians[0], medians[1])
    assert not np.allclose(medians[0], medians[2])


class Faulty:
    """A market of which every `one_in`-th path loses its price half way."""

    OUTPUTS = ()

    def __init__(self, one_in: int) -> None:
        self.one_in = one_in

    def to_dict(self):
        return CLUSTERED.to_dict()

    def simulate_chunk(self, seed, first_path, n_paths, n_steps, **options):
        arrays = CLUSTERED.simulate_chunk(seed, first_path, n_paths, n_steps, **options)
        bad = np.arange(n_paths) % self.one_in == 0
        arrays["prices"][bad, n_steps // 2 :] = np.nan
        arrays["failed_step"][bad] = n_steps // 2
        return arrays


def test_failed_samples_are_counted_and_count_as_outside():
    judged = validate(Faulty(4), own_data(5, 600), baselines=(), **QUICK)
    assert judged.n_failed == 10
    coverage = judged.all_data.coverage[MARKET]
    assert (coverage.n_paths, coverage.n_skipped) == (40, 10)
    assert coverage.each.max() <= 0.75
    assert any(sentence.startswith("10 of 40 simulated samples") for sentence in judged.verdict)


def test_a_market_without_a_usable_sample_is_an_error():
    with pytest.raises(NumericalError, match="None of the 40 simulated samples"):
        validate(Faulty(1), own_data(5, 300), baselines=(), **QUICK)


def with_passes(judged: Validation, share: float) -> Validation:
    """The same certificate, had this share of the facts passed."""
    frame = judged.all_data.facts[MARKET].copy()
    frame["passes"] = pd.array(np.arange(len(frame)) < round(share * len(frame)), dtype="boolean")
    return replace(judged, all_data=replace(judged.all_data, facts={**judged.all_data.facts, MARKET: frame}))


@pytest.mark.parametrize(("share", "met"), [(23 / 36, False), (24 / 36, True), (1.0, True)])
def test_two_thirds_of_the_facts_are_the_target(judged, share, met):
    changed = with_passes(judged, share)
    assert changed.targets["two thirds of the facts inside their bands"] is met
    assert f"the target of two thirds is {'met' if met else 'missed'}" in changed.verdict[0]


@pytest.mark.parametrize(
    ("ours", "met"), [((0.8, 0.7), True), ((0.79, 0.69), True), ((0.81, 0.5), False), ((0.5, 0.71), False)]
)
def test_an_auc_no_worse_than_that_of_gjr_in_both_classifiers_is_the_target(judged, ours, met):
    ladder = judged.all_data.ladder.rename(index={"gaussian": "gjr-garch-t"})
    ladder.loc["gjr-garch-t", ["logistic_auc", "forest_auc"]] = (0.8, 0.7)
    ladder.loc[MARKET, ["logistic_auc", "forest_auc"]] = ours
    changed = replace(judged, all_data=replace(judged.all_data, ladder=ladder))
    assert changed.targets["AUC no worse than GJR-GARCH-t"] is met
    assert any(f"no worse in both, is {'met' if met else 'missed'}" in sentence for sentence in changed.verdict)


def test_without_the_yardstick_its_target_is_unknown(judged):
    assert judged.targets["AUC no worse than GJR-GARCH-t"] is None


def test_few_windows_are_called_few(judged):
    assert any("12 real windows are few" in sentence for sentence in judged.verdict)


@pytest.mark.parametrize(
    ("arguments", "error", "word"),
    [
        ({"data": 140}, DataError, "at least 150"),
        ({"window": 100}, ParameterError, "window is 100"),
        ({"n_samples": 1}, ParameterError, "n_samples"),
        ({"train_share": 0.0}, ParameterError, "train_share"),
        ({"baselines": ("garch",)}, ParameterError, "garch"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_in_a_sentence(arguments, error, word):
    data = own_data(6, arguments.pop("data", 300))
    with pytest.raises(error, match=word):
        validate(CLUSTERED, data, **QUICK | arguments)


def test_tomorrow_is_judged_beside_garch_and_the_true_market_leads():
    true = simcal.load("herding-today")
    series = load_series(simcal.simulate(true, 1, 2500, seed=4).prices[0])
    worse = true.replace(chartist_sd=2 * true.chartist_sd)
    found = validate(true, series, baselines=(), n_samples=2, n_resamples=20, jobs=1)
    table = found.forecasts.set_index("forecaster")
    assert (table["market minus it"].iloc[1:] > 0).all()
    assert abs(table.loc["this market", "in 95 %"] - 0.95) < 3 * (0.95 * 0.05 / 750) ** 0.5
    assert table.loc["this market", "p, uniform"] > 0.01
    assert any("Tomorrow" in sentence for sentence in found.verdict)
    again = Validation.from_dict(json.loads(json_text(found.to_dict())))
    pd.testing.assert_frame_equal(again.forecasts, found.forecasts)
    assert again.all_data.copied == found.all_data.copied
    badly = forecast_table(worse, series, 0.7, ["GJR-t"]).set_index("forecaster")
    assert badly.loc["GJR-t", "t value"] < -2
    assert badly.loc["this market", "p, uniform"] < 0.01


def test_without_an_exact_likelihood_or_a_held_out_part_there_are_no_forecasts(judged):
    assert judged.forecasts is None


def test_a_block_bootstrap_copies_and_a_model_of_its_own_does_not():
    found = validate(CLUSTERED, own_data(5, 2000), baselines=("block-bootstrap", "gaussian"), window=1000, **QUICK)
    copied = found.all_data.copied
    assert copied["block-bootstrap"] > 0.5
    assert max(copied[MARKET], copied["gaussian"]) < 0.05
    assert any("copy real ones" in sentence for sentence in found.verdict)
