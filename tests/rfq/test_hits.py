"""Hit ratios, their intervals and the hit curve against exact laws."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from simcal.errors import DataError, ParameterError
from simcal.intervals import critical_value, share_interval, weighted_share_interval
from simcal.rfq.facts import measure
from simcal.rfq.measures import ends_by_margin, hit_curve, hit_ratios, hit_ratios_by_group
from simcal.rfq.table import Requests, Status


def small(status, n_dealers=4, size=None, **columns) -> Requests:
    n = len(status)
    quote = [np.nan if code == Status.PASS else 100.5 for code in status]
    panel = np.broadcast_to(n_dealers, n)
    return Requests("x", [1] * n, [99.0] * n, [101.0] * n, quote, status, panel, size=size, **columns)


def test_the_hit_ratio_counts_quoted_requests_only():
    status = [Status.DONE, Status.COVER, Status.TIED, Status.NOT_TRADED, Status.LOST, Status.PASS, Status.EXPIRED]
    ratios = hit_ratios(small(status, n_dealers=[2, 2, 4, 4, 5, 9, 9], size=[4, 1, 1, 1, 1, 50, 50]))
    assert ratios.loc["count", ["n", "done"]].tolist() == [5, 1]
    assert ratios.loc["count", "hit_ratio"] == pytest.approx(1 / 5)
    assert ratios.loc["count", "expected"] == pytest.approx((0.5 + 0.5 + 0.25 + 0.25 + 0.2) / 5)
    assert ratios.loc["volume", "hit_ratio"] == pytest.approx(4 / 8)
    assert ratios.loc["volume", "expected"] == pytest.approx((4 * 0.5 + 0.5 + 0.25 + 0.25 + 0.2) / 8)
    assert (ratios["score"] == ratios["hit_ratio"] - ratios["expected"]).all()


def test_the_response_ratio_is_another_thing():
    status = [Status.DONE, Status.LOST, Status.PASS, Status.EXPIRED]
    table = measure(small(status)).table().set_index("quantity")
    assert table.loc["response ratio", "value"] == pytest.approx(3 / 4)
    assert table.loc["hit ratio", "value"] == pytest.approx(1 / 2)


def test_intervals_of_shares_are_wilsons():
    done, n, z = 7, 50, critical_value(0.9)
    p, centre = done / n, (done / n + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert share_interval(done, n, 0.9) == pytest.approx((centre - half, centre + half), rel=1e-12)
    assert z == pytest.approx(1.6448536269514722)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_intervals_by_volume_cover_the_truth_as_often_as_they_say(seed):
    rng = np.random.default_rng(seed)
    covered = 0
    for _ in range(400):
        weights = rng.lognormal(0, 0.7, 800)
        share, low, high = weighted_share_interval((rng.random(800) < 0.3).astype(float), weights, 0.95)
        assert low <= share <= high
        covered += low <= 0.3 <= high
    assert abs(covered / 400 - 0.95) < 3.5 * np.sqrt(0.95 * 0.05 / 400) + 0.005


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("n_dealers", [5, (2, 4, 9)])
def test_equal_dealers_score_nothing_where_every_request_trades(market, seed, n_dealers):
    table = measure(market(seed, n_dealers=n_dealers, always_trades=True)).table().set_index("quantity")
    for kind in ("score", "score, by volume"):
        row = table.loc[kind]
        assert abs(row["value"]) < 3.5 * (row["high"] - row["low"]) / (2 * 1.96)


def test_equal_dealers_score_below_nothing_where_clients_walk_away_but_win_their_part_of_the_trades(market):
    table = measure(market(3)).table().set_index("quantity")
    assert table.loc["score", "high"] < 0
    won = table.loc["share of traded requests won"]
    assert abs(won["value"] - 0.2) < 3.5 * (won["high"] - won["low"]) / (2 * 1.96)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("n_dealers", [1, 2, 5, 9])
def test_the_hit_curve_is_the_exact_one(market, seed, n_dealers):
    curve = hit_curve(market(seed, n_dealers=n_dealers), bins=10)
    assert curve["n"].sum() == 20_000
    middle = curve.iloc[1:-1]  # the first and last bins are wide
    exact = market.hit_probability(middle["margin"].to_numpy(), n_dealers)
    error = np.sqrt(exact * (1 - exact) / middle["n"])
    assert (np.abs(middle["hit_ratio"] - exact) < 4 * error + 0.01).all()


def test_the_curve_falls_and_lies_in_its_band(market):
    curve = hit_curve(market(4))
    assert (curve["low"].to_numpy()[:-3] > curve["high"].to_numpy()[3:]).sum() >= 6
    assert ((curve["low"] <= curve["hit_ratio"]) & (curve["hit_ratio"] < curve["high"])).all()
    assert ((curve["low"] > 0) == (curve["done"] > 0)).all()
    assert np.allclose(curve["margin_high"][:-1], curve["margin_low"][1:])


def test_repeated_margins_make_fewer_bins():
    curve = hit_curve(small([Status.DONE, Status.LOST] * 10))
    assert len(curve) == 1
    assert curve.loc[0, ["n", "done"]].tolist() == [20, 10]
    assert curve.loc[0, "margin"] == pytest.approx(0.5)
    with pytest.raises(ParameterError, match="give at least 1"):
        hit_curve(small([Status.DONE]), bins=0)


def test_ends_by_margin_add_up_and_follow_the_exact_shares(market):
    requests = market(5)
    ends = ends_by_margin(requests, bins=8)
    assert np.allclose(ends[["done", "traded_away", "not_traded", "lost"]].sum(axis=1), 1.0)
    assert (ends["lost"] == 0).all()
    # nothing trades when all five quotes are above the value
    value, quote = stats.norm(0.2, 1.0), stats.norm(0.6, 0.8)
    not_traded, _ = integrate.quad(lambda v: quote.sf(v) ** 5 * value.pdf(v), -10, 10)
    measured = float(np.average(ends["not_traded"], weights=ends["n"]))
    assert abs(measured - not_traded) < 3.5 * np.sqrt(not_traded * (1 - not_traded) / requests.n)


def test_lost_requests_have_a_share_of_their_own_and_no_share_of_trades_is_claimed():
    facts = measure(small([Status.DONE] * 3 + [Status.LOST] * 7))
    table = facts.table().set_index("quantity")
    assert table.loc["lost, end unknown", "value"] == pytest.approx(0.7)
    assert table.loc["traded away", "value"] == 0.0
    assert "share of traded requests won" not in table.index
    assert facts.ends["lost"].tolist() == [pytest.approx(0.7)]


def test_groups_divide_the_quoted_requests():
    rng = np.random.default_rng(0)
    n = 900
    status = rng.choice([0, 2, 3, 7], n)
    labels = {"desk": rng.choice(["a", "b"], n), "bond": [f"X{k}" for k in rng.integers(0, 40, n)], "one": ["same"] * n}
    requests = small(status, n_dealers=rng.integers(2, 5, n), size=rng.lognormal(size=n), groups=labels)
    groups = hit_ratios_by_group(requests)
    by = groups.groupby("by", sort=False)["n"].sum()
    assert list(by.index) == ["side", "size", "n_dealers", "desk", "bond"]
    assert (by == requests.quoted.sum()).all()
    assert (groups["by"] == "bond").sum() == 13
    assert groups["group"].tolist()[-1] == "28 others"
    assert groups.loc[groups["by"] == "n_dealers", "expected"].tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 4])
    desk = groups[(groups["by"] == "desk") & (groups["group"] == "a")].iloc[0]
    mask = (labels["desk"] == "a") & requests.quoted
    assert desk["done"] == int((requests.done & mask).sum())


def test_requests_of_one_size_and_panel_have_no_groups_of_them():
    assert set(hit_ratios_by_group(small([Status.DONE, Status.LOST]))["by"]) == {"side"}


def test_a_table_without_a_quoted_request_is_refused():
    for function in (measure, hit_ratios, hit_ratios_by_group):
        with pytest.raises(DataError, match="None of the 2 requests of 'x' was quoted to its end"):
            function(small([Status.PASS, Status.EXPIRED]))
    assert isinstance(measure(small([Status.DONE])).table(), pd.DataFrame)
