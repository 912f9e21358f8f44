"""The facts of two public series, against values computed once by an independent program, to three digits."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simcal.facts import FACTS, fact_table

REFERENCE = pd.read_csv(Path(__file__).with_name("reference_values.csv"), index_col="fact")


@pytest.fixture(scope="module", params=["sp500", "nasdaq"])
def computed(request):
    frame = import_module(f"arch.data.{request.param}").load()
    returns = np.diff(np.log(frame["Adj Close"].to_numpy()))
    table = fact_table(returns, list(REFERENCE.index), bands=False, volume=frame["Volume"].to_numpy()[1:])
    return table["value"], REFERENCE[request.param]


@pytest.mark.parametrize("name", REFERENCE.index)
def test_fact_of_a_real_series_agrees_to_three_digits(computed, name):
    value, reference = computed
    assert value[name] == pytest.approx(reference[name], rel=5e-4)


def test_every_fact_but_four_has_a_reference_value():
    without = {"leverage_before", "log_kurtosis", "shock_clustering_3", "shock_clustering_5"}
    assert set(FACTS) - set(REFERENCE.index) == without
