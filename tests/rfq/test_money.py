"""Distances, mark-outs and profit against exact laws and accounts kept by hand."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from simcal.json_text import json_text
from simcal.rfq.facts import measure
from simcal.rfq.measures import cover_distances, mark_outs, missed_by, profit_and_loss
from simcal.rfq.table import Requests, Status


def table(side, mid, quote, status, **columns) -> Requests:
    mid = np.asarray(mid, dtype=float)
    return Requests("x", side, mid - 0.5, mid + 0.5, quote, status, [3] * len(side), **columns)


def test_cover_and_missed_distances_are_seen_from_the_client():
    requests = table(
        [1, -1, 1, -1, 1],
        [100.0] * 5,
        [100.2, 99.8, 100.4, 99.6, 100.1],
        [Status.DONE, Status.DONE, Status.TRADED_AWAY, Status.COVER, Status.DONE],
        cover_price=[100.3, 99.5, np.nan, np.nan, np.nan],
        traded_price=[np.nan, 99.8, 100.1, 99.7, np.nan],
        size=[2, 10, 1, 1, 1],
    )
    covers, missed = cover_distances(requests), missed_by(requests)
    assert covers["request"].tolist() == [0, 1]
    assert covers["price"].tolist() == pytest.approx([0.1, 0.3])
    assert covers["distance"].tolist() == pytest.approx([0.2, 0.6])
    assert covers["money"].tolist() == pytest.approx([0.2, 3.0])
    assert missed["request"].tolist() == [2, 3]
    assert missed["price"].tolist() == pytest.approx([0.3, 0.1])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_mean_cover_distance_is_the_exact_one(market, seed):
    requests = market(seed, n_dealers=4, always_trades=True)
    law = stats.norm(0.6, 0.8)
    gap, _ = integrate.quad(lambda x: 4 * law.cdf(x) * law.sf(x) ** 3, -8, 8)
    row = measure(requests).table().set_index("quantity").loc["mean cover distance"]
    assert row["n"] == requests.done.sum()
    assert abs(row["value"] - gap) < 3.5 * (row["high"] - row["low"]) / (2 * 1.96)


@pytest.mark.parametrize("seed", [0, 1])
def test_mark_outs_find_what_clients_know(market, seed):
    outs = mark_outs(market(seed, n=40_000, information=0.3)).set_index("requests")
    assert set(outs["horizon"]) == {"1"}
    for kind in ("done", "not done"):
        row = outs.loc[kind]
        error = (row["high"] - row["low"]) / (2 * 1.96)
        assert error == pytest.approx(0.4 / np.sqrt(row["n"]), rel=0.05)  # 0.02 per request over 0.05
        assert abs(row["mark_out"] + 0.3) < 3.5 * error
        assert row["price"] == pytest.approx(0.05 * row["mark_out"], rel=1e-9)
    assert np.isnan(outs.loc["not done", "margin_left"])


def test_what_is_left_of_the_margin_is_what_a_later_close_out_earns():
    requests = table(
        [1, -1], [100, 100], [100.4, 99.8], [Status.DONE, Status.DONE], mids={"1d": np.array([100.1, 100.3])}
    )
    row = mark_outs(requests).iloc[0]
    earned = np.array([100.4 - 100.1, 100.3 - 99.8]) / 0.5
    assert row["margin_left"] == pytest.approx(earned.mean())


def test_horizons_without_mids_are_left_out():
    requests = table([1], [100], [100.4], [Status.DONE], mids={"1m": np.array([np.nan])})
    assert mark_outs(requests).empty
    assert "mark_out" in mark_outs(requests)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("instruments", [1, 3])
def test_profit_is_cash_and_inventory_at_the_last_mids(market, seed, instruments):
    """An account kept by another hand: cash of each trade, and the inventory at its last mid."""
    requests = market(seed, n=500)
    if instruments > 1:
        bonds = np.random.default_rng(seed).choice(["A", "B", "C"], requests.n)
        requests = load_with_groups(requests, bonds)
    else:
        bonds = np.array(["A"] * requests.n)
    cash, held, last = 0.0, {}, {}
    for i in range(requests.n):
        last[bonds[i]] = requests.mid[i]
        if requests.status[i] == Status.DONE:
            cash += requests.side[i] * requests.quote[i] * requests.size[i]
            held[bonds[i]] = held.get(bonds[i], 0.0) - requests.side[i] * requests.size[i]
    worth = cash + sum(held[bond] * last[bond] for bond in held)
    profit = profit_and_loss(requests)
    assert profit["cumulative_total"].iloc[-1] == pytest.approx(worth, rel=1e-9, abs=1e-9)
    assert profit["inventory"].iloc[-1] == pytest.approx(sum(held.values()), abs=1e-9)
    assert np.allclose(profit["total"], profit["spread"] + profit["carry"])


def load_with_groups(requests: Requests, bonds: np.ndarray) -> Requests:
    from simcal.rfq.table import load_requests

    return load_requests(requests.to_pandas().assign(instrument=bonds))


def test_the_inventory_of_the_table_is_used_where_it_has_one():
    requests = table(
        [1, -1, 1],
        [100.0, 101.0, 103.0],
        [100.2, 100.9, 103.4],
        [Status.DONE, Status.DONE, Status.NOT_TRADED],
        size=[2, 5, 1],
        inventory_before=[10.0, 0.0, 5.0],  # eight units were hedged between the first two
    )
    profit = profit_and_loss(requests)
    assert profit["inventory"].tolist() == pytest.approx([8.0, 5.0, 5.0])
    assert profit["carry"].tolist() == pytest.approx([0.0, 8.0, 10.0])
    assert profit["spread"].tolist() == pytest.approx([0.4, 0.5, 0.0])


def test_the_table_names_each_quantity_once_with_its_unit_meaning_and_interval(market):
    facts = measure(market(8, n=3000, information=0.2))
    quantities = facts.table()
    assert list(quantities) == ["quantity", "value", "low", "high", "n", "unit", "meaning"]
    assert quantities["quantity"].is_unique
    assert quantities["unit"].str.len().gt(0).all()
    assert quantities["meaning"].str.len().gt(10).all()
    banded = quantities.dropna()
    assert (banded["low"] <= banded["value"]).all()
    assert (banded["value"] <= banded["high"]).all()
    assert np.isfinite(quantities["value"]).all()


def test_facts_can_be_written_as_json_and_are_not_changed_through_copies(market):
    facts = measure(market(9, n=400))
    read = json.loads(json_text(facts.to_dict()))
    assert read["n"] == 400
    assert {row["quantity"] for row in read["quantities"]} == set(facts.table()["quantity"])
    copy = facts.table()
    copy["value"] = 0.0
    assert facts.table()["value"].abs().sum() > 0


def test_a_bare_table_is_measured_without_what_it_cannot_tell():
    requests = table([1, -1], [100, 100], [100.4, 99.8], [Status.DONE, Status.LOST])
    names = set(measure(requests).table()["quantity"])
    assert not any("cover" in name or "missed" in name or "mark-out" in name for name in names)
    assert "P&L, total" in names
    assert isinstance(measure(requests).profit, pd.DataFrame)
