"""The verdict can go either way, and goes wrong as seldom as it says."""

import numpy as np
import pandas as pd
import pytest

from simcal.learning.emergence import judge, sentences

ARMS = ("both", "learning-only", "heterogeneity-only")


def runs(seed: int, shift: float, n: int = 8) -> pd.DataFrame:
    """Runs in which the arm both has tails fatter and volatility slower by so many deviations."""
    generator = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({
            "arm": arm,
            "hill": 3.0 + 0.2 * (generator.normal(size=n) - (shift if arm == "both" else 0.0)),
            "acf_10": 0.1 + 0.02 * (generator.normal(size=n) + (shift if arm == "both" else 0.0)),
        })
        for arm in ARMS
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("shift", "finding", "words"), [(6.0, "confirmed", "is confirmed"), (-6.0, "contradicted", "is contradicted")]
)
def test_clear_differences_confirm_or_contradict(seed, shift, finding, words):
    table = judge(runs(seed, shift))
    assert set(table["finding"]) == {finding}
    assert words in sentences(table)[0]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_part_that_fails_leaves_the_claim_unconfirmed(seed):
    table = runs(seed, 6.0)
    table["acf_10"] = np.random.default_rng(seed).normal(size=len(table))
    found = judge(table)
    assert list(found.loc[found["statistic"] == "hill", "finding"]) == ["confirmed", "confirmed"]
    assert "is not confirmed" in sentences(found)[0]


def test_equal_arms_give_a_finding_as_seldom_as_the_level_says():
    trials = 120
    found = sum((judge(runs(1000 + k, 0.0))["finding"] != "not established").any() for k in range(trials))
    assert found / trials < 0.05 + 4 * np.sqrt(0.05 * 0.95 / trials)


def test_few_runs_are_said_to_be_too_few():
    told = sentences(judge(runs(1, 6.0, n=3)))
    assert "not confirmed" in told[0]
    assert "no comparison could have been clear" in told[-1]
    assert "0.1" in told[-1]


def test_an_arm_without_a_market_is_named():
    table = runs(1, 6.0)
    table.loc[table["arm"] == "learning-only", ["hill", "acf_10"]] = np.nan
    told = sentences(judge(table))
    assert sum("no market to measure" in sentence for sentence in told) == 2
    assert "is not confirmed" in told[0]


def test_the_distance_to_real_prices_counts_where_there_is_one():
    table = runs(1, 6.0)
    table["distance"] = np.where(table["arm"] == "both", 0.1, 0.3) + np.random.default_rng(1).uniform(0, 0.05, 24)
    found = judge(table)
    assert len(found) == 6
    assert set(found["finding"]) == {"confirmed"}
    table["distance"] = -table["distance"]
    assert "not confirmed, and in part contradicted" in sentences(judge(table))[0]
