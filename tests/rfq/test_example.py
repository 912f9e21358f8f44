"""The request table that simcal ships: its recipe makes it, and it follows the market that it names as truth."""

import runpy

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal.data import load_series, request_catalogue
from simcal.data.catalogue import RequestEntry
from simcal.errors import DataError
from simcal.resources import resource_folder
from simcal.rfq import closed_forms
from simcal.rfq.facts import measure
from simcal.rfq.measures import hit_curve
from simcal.rfq.table import load_requests

NAME = "rfq-example"


@pytest.fixture(scope="module")
def example():
    return load_requests(NAME)


@pytest.fixture(scope="module")
def truth():
    return simcal.load(NAME)


def test_the_recipe_makes_the_file(example):
    made = runpy.run_path(str(resource_folder("data") / f"{NAME}.py"))["make"]()
    pd.testing.assert_frame_equal(made.to_pandas(), example.to_pandas(), check_exact=False, rtol=0, atol=1.5e-6)
    assert example.n == 5000


def test_it_has_both_sides_random_panels_sizes_times_and_later_mids(example):
    assert set(example.side) == {-1, 1}
    assert sorted(set(example.n_dealers)) == [2, 3, 4, 5]
    assert len(np.unique(example.size)) > 4000
    assert example.timestamp is not None
    assert {time.hour for time in example.timestamp} <= set(range(9, 18))
    assert list(example.mids) == ["1rfq", "5rfq", "20rfq"]
    assert example.inventory_before is not None


def test_its_hit_curve_and_shares_are_those_of_the_true_market(example, truth):
    curve = hit_curve(example, bins=14).iloc[1:-1]
    exact = closed_forms.hit_curve(truth, curve["margin"].to_numpy())
    error = np.sqrt(exact * (1 - exact) / curve["n"])
    assert (np.abs(curve["hit_ratio"] - exact) < 4 * error + 0.01).all()


def test_its_mark_outs_show_the_information_of_the_true_clients(example, truth):
    outs = measure(example).mark_outs
    error = (outs["high"] - outs["low"]) / (2 * 1.96)
    assert (np.abs(outs["mark_out"] + truth.information) < 3.5 * error).all()


def test_the_inventory_that_it_tells_is_that_of_its_trades(example):
    change = np.where(example.done, -example.side * example.size, 0.0)
    expected = np.concatenate([[0.0], np.cumsum(change)[:-1]])
    assert np.allclose(example.inventory_before, expected, atol=1e-3)


def test_it_is_named_in_the_catalogue_and_is_no_price_series():
    assert list(request_catalogue()) == [NAME]
    with pytest.raises(DataError, match="a table of requests for quotes, not a price series"):
        load_series(NAME)
    with pytest.raises(DataError, match="Did you mean rfq-example"):
        load_requests("rfq-exampel")


def test_an_entry_of_another_kind_of_file_is_refused():
    fields = request_catalogue()[NAME].model_dump()
    with pytest.raises(ValueError, match="file"):
        RequestEntry(**{**fields, "file": "../secret.xlsx"})
