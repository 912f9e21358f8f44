"""The laws of the dealer market's requests."""

import numpy as np
import pytest
from scipy import stats

import simcal
from simcal.rfq.market import RfqMarket

MILLION = {"n_paths": 1000, "n_steps": 1000}


def simulate(market, seed=0, *save, n_paths=500, n_steps=400, **options):
    """The saved outputs without time 0, and the mids."""
    saved = market.simulate_chunk(seed, 0, n_paths, n_steps, save=save, **options)
    assert not saved.pop("failed_step").any()
    return {name: values[:, 1:] for name, values in saved.items()}


def scores(sample, expected):
    """How many standard errors the mean of a sample of independent numbers lies from the expected one."""
    return (np.mean(sample) - expected) / (np.std(sample) / np.sqrt(np.size(sample)))


def gennorm(mean, scale, shape):
    return stats.gennorm(shape, loc=mean, scale=scale * shape ** (1 / shape))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_million_requests_have_the_acceptance_and_cover_gaps_of_the_closed_forms(seed):
    saved = simulate(RfqMarket(), seed, "best_quote", "cover_quote", "side", "traded", **MILLION)
    gap = saved["side"] * (saved["cover_quote"] - saved["best_quote"]) / 0.05
    assert abs(scores(saved["traded"], 0.71600)) < 3
    assert abs(scores(gap, 0.71439)) < 3
    assert abs(scores(gap[saved["traded"] > 0], 0.82851)) < 3


def test_a_million_requests_would_show_a_client_mean_of_a_hundredth_more():
    saved = simulate(RfqMarket(client_mean=0.21), 0, "traded", **MILLION)
    assert abs(scores(saved["traded"], 0.71600)) > 4


@pytest.mark.parametrize("rule", ["hard", "smoothed"])
@pytest.mark.parametrize("buy_share", [0.3, 1.0, 0.0])
def test_draws_follow_their_laws_on_both_sides(rule, buy_share):
    market = RfqMarket(
        n_dealers=3, client_mean=0.3, client_shape=0.7, quote_mean=(0.6, 0.1, 1.0), quote_scale=(0.8, 0.4, 1.5),
        quote_shape=(1.0, 4.0, 1.5), buy_share=buy_share, half_spread=0.5, rule=rule, size_median=2.0, size_log_sd=0.7,
    )  # fmt: skip
    names = ("own_quote", "quote_1", "quote_2")
    saved = simulate(market, 0, "side", "size", "client_value", *names)
    side, mid = saved["side"], saved["prices"]
    assert abs(np.mean(side > 0) - buy_share) <= 4 * np.sqrt(buy_share * (1 - buy_share) / side.size)
    reduced = {name: side * (saved[name] - mid) / 0.5 for name in (*names, "client_value")}
    laws = {"client_value": gennorm(0.3, 1.0, 0.7), "own_quote": gennorm(0.6, 0.8, 1.0)}
    laws |= {"quote_1": gennorm(0.1, 0.4, 4.0), "quote_2": gennorm(1.0, 1.5, 1.5)}
    for name, law in laws.items():
        for direction in (1, -1) if 0 < buy_share < 1 else (2 * buy_share - 1,):
            assert stats.kstest(reduced[name][side == direction], law.cdf).pvalue > 1e-3, name
    assert stats.kstest(mid.ravel(), stats.uniform(95, 10).cdf).pvalue > 1e-3
    assert stats.kstest(saved["size"].ravel(), stats.lognorm(0.7, scale=2.0).cdf).pvalue > 1e-3


def test_the_draws_of_one_request_are_independent():
    saved = simulate(RfqMarket(size_log_sd=1.0), 3, "side", "size", "client_value", "own_quote", "quote_1", "quote_4")
    side, mid = saved["side"], saved["prices"]
    margins = [side * (saved[name] - mid) for name in ("client_value", "own_quote", "quote_1", "quote_4")]
    ranks = stats.rankdata([x.ravel() for x in (side, mid, np.log(saved["size"]), *margins)], axis=1)
    correlation = np.corrcoef(ranks) - np.eye(len(ranks))
    assert np.abs(correlation).max() < 4.5 / np.sqrt(side.size)


@pytest.mark.parametrize("rule", ["hard", "smoothed"])
def test_sellers_are_buyers_reflected(rule):
    market = RfqMarket(rule=rule, quote_shape=0.8)
    names = ("client_value", "own_quote", "rival_quote", "best_quote", "cover_quote")
    buyers, sellers = (
        simulate(market.replace(buy_share=share), 0, *names, "winner", "traded", "own_done") for share in (1.0, 0.0)
    )
    for name in ("winner", "traded", "own_done", "prices"):
        np.testing.assert_array_equal(buyers[name], sellers[name])
    for name in names:
        np.testing.assert_allclose(buyers[name] - buyers["prices"], sellers["prices"] - sellers[name], atol=1e-12)


@pytest.mark.parametrize("skew", [0.0, 0.1])
def test_the_own_inventory_falls_by_what_clients_buy_of_dealer_0(skew):
    market = RfqMarket(n_dealers=3, inventory_skew=skew, size_log_sd=0.6, mid_law="walk", information=0.3)
    saved = simulate(market, 0, "side", "size", "winner", "own_inventory", "own_done")
    signed = saved["side"] * saved["size"]
    changes = -np.where(saved["winner"] == 0, signed, 0.0)
    np.testing.assert_allclose(np.diff(saved["own_inventory"]), changes[:, :-1], atol=1e-9)
    np.testing.assert_array_equal(saved["own_inventory"][:, 0], 0)
    np.testing.assert_array_equal(saved["own_done"], saved["winner"] == 0)


@pytest.mark.parametrize("rule", ["hard", "smoothed"])
def test_inventories_of_all_dealers_add_up_to_what_clients_sold(rule):
    import rfq_reference as reference

    market = RfqMarket(n_dealers=4, inventory_skew=0.1, size_log_sd=0.6, rule=rule, panel_weights=(1, 1, 1, 1))
    state, sold = reference.Run(market, 0, 0, 200, None), 0.0
    for step in range(1, 60):
        now = state.request(step)
        sold = sold - now["side"] * now["size"] * now["traded"]
        np.testing.assert_allclose(state.inventory.sum(axis=0), sold, atol=1e-10)


def test_skewing_keeps_the_inventory_near_zero():
    loose, tight = (
        simulate(RfqMarket(inventory_skew=(skew, 0, 0, 0, 0)), 0, "own_inventory")["own_inventory"][:, -1].std()
        for skew in (0.0, 0.3)
    )
    assert tight < loose / 2


@pytest.mark.parametrize("scale", [5e-324, 1.0, 1e308])
def test_only_the_ratios_of_panel_weights_count(scale):
    np.testing.assert_allclose(RfqMarket(panel_weights=[scale] * 5).panel_probabilities, 0.2, rtol=1e-15)


def test_panels_come_as_often_as_their_weights_say_and_ask_all_rivals_alike():
    weights = np.array([1.0, 0.0, 3.0, 2.0, 4.0])
    names = [f"quote_{i}" for i in range(1, 5)]
    saved = simulate(RfqMarket(panel_weights=weights), 0, "n_dealers", "own_quote", *names)
    panel, asked = saved["n_dealers"], np.array([~np.isnan(saved[name]) for name in names])
    for size, share in enumerate(weights / weights.sum(), start=1):
        assert abs(np.mean(panel == size) - share) <= 4 * np.sqrt(share * (1 - share) / panel.size)
    np.testing.assert_array_equal(asked.sum(axis=0), panel - 1)
    assert not np.isnan(saved["own_quote"]).any()
    for rival in asked:
        assert abs(scores(rival, (weights / weights.sum()) @ np.arange(5) / 4)) < 4
        assert abs(scores(rival[panel == 3], 0.5)) < 4


def test_the_mid_walks_with_its_volatility_and_in_the_clients_direction_by_the_information():
    market = RfqMarket(mid_law="walk", initial_price=90.0, mid_volatility=0.2, information=1.5, buy_share=0.6)
    saved = simulate(market, 0, "side")
    mid, side = saved["prices"], saved["side"]
    np.testing.assert_array_equal(mid[:, 0], 90.0)
    moves = np.diff(mid)
    surprise = moves - side[:, :-1] * 1.5 * 0.05
    assert abs(scores(surprise * side[:, :-1], 0.0)) < 4
    assert stats.kstest(surprise.ravel(), stats.norm(0, 0.2).cdf).pvalue > 1e-3
    still = simulate(market.replace(mid_volatility=0.0), 0, "side")
    np.testing.assert_allclose(np.diff(still["prices"]), still["side"][:, :-1] * 0.075, atol=1e-10)


def test_quotes_lie_on_the_tick_and_ties_are_broken_evenly():
    market = RfqMarket(tick=0.05, half_spread=0.05, quote_scale=0.3)
    names = ("own_quote", *(f"quote_{i}" for i in range(1, 5)))
    saved = simulate(market, 0, *names, "best_quote", "winner", "traded", "own_status")
    quotes = np.array([saved[name] for name in names])
    assert (quotes == 0.05 * np.round(quotes / 0.05)).all()
    tied = quotes == saved["best_quote"]
    pair = (tied.sum(axis=0) == 2) & tied[0] & tied[3] & (saved["traded"] > 0)
    assert pair.sum() > 1000
    assert set(np.unique(saved["winner"][pair])) == {0, 3}
    assert abs(scores(saved["winner"][pair] == 0, 0.5)) < 4
    assert set(np.unique(saved["own_status"][pair])) == {0, 4}  # done, tied


def test_at_a_low_temperature_the_smoothed_rule_trades_like_the_hard_one():
    names = ("traded", "own_done", "winner")
    hard = simulate(RfqMarket(), 0, *names)
    smoothed = simulate(RfqMarket(rule="smoothed", temperature=1e-4), 0, *names)
    np.testing.assert_array_equal(hard["winner"], smoothed["winner"])
    assert np.mean(np.abs(hard["own_done"] - smoothed["own_done"]) > 1e-3) < 2e-3
    assert np.mean(np.abs(hard["traded"] - smoothed["traded"]) > 1e-3) < 2e-3


def test_a_rescaled_market_trades_the_same_at_prices_further_from_the_mid():
    market = RfqMarket(mid_law="walk", mid_volatility=0.02, information=0.3, inventory_skew=0.1)
    names = ("winner", "own_quote")
    plain, wide = simulate(market, 0, *names), simulate(market.rescaled(3.0), 0, *names)
    np.testing.assert_array_equal(plain["winner"], wide["winner"])
    np.testing.assert_allclose(wide["prices"] - 100, 3 * (plain["prices"] - 100), atol=1e-9)
    np.testing.assert_allclose(wide["own_quote"] - 100, 3 * (plain["own_quote"] - 100), atol=1e-9)
    market = RfqMarket(tick=0.01)
    assert market.rescaled(0.5) == market.replace(half_spread=0.025, tick=0.005, mid_low=97.5, mid_high=102.5)
    assert market.rescaled(100.0).mid_low > market.rescaled(100.0).half_spread


def test_simulate_streams_a_dealer_market_like_any_other(tmp_path):
    market = simcal.load("rfq-desk")
    paths = simcal.simulate(market, 30, 50, seed=4, save=["winner", "own_inventory"])
    file = simcal.simulate(
        market, 30, 50, seed=4, save=["winner", "own_inventory"], out=tmp_path / "p.parquet", chunk=7
    )
    again = simcal.Paths.load(tmp_path / "p.parquet")
    assert file.status == "ok"
    for name in ("winner", "own_inventory"):
        np.testing.assert_array_equal(again.outputs[name], paths.outputs[name])
    assert simcal.models.from_dict(again.market) == market
