"""A dealer's own requests at shifted margins: against what the simulator knows would have happened."""

from itertools import pairwise

import numpy as np
import pytest

from simcal.errors import DataError, ParameterError
from simcal.rfq.closed_forms import hit_curve
from simcal.rfq.history import shift_history
from simcal.rfq.market import RfqMarket
from simcal.rfq.table import Requests, Status

N = 8_000
MARKETS = {
    "the paper's case": RfqMarket(),
    "two or three dealers": RfqMarket(n_dealers=3, panel_weights=[1, 2, 2], size_log_sd=0.7, client_shape=0.8),
    "unequal rivals": RfqMarket(n_dealers=4, panel_weights=[0, 1, 1, 1], quote_mean=[0.4, 0.2, 0.6, 1.0]),
}
TOLD = {  # statuses that the dealer is told, and prices beside them
    "status": {"cover_told": True, "prices": False},
    "status and prices": {"cover_told": True, "prices": True},
    "done, away or not": {"cover_told": False, "prices": False},
    "won or lost": {"cover_told": False, "prices": False, "lost": True},
}


def simulated(market, seed=0):
    names = ("side", "size", "n_dealers", "client_value", "own_quote", "rival_quote", "own_status")
    out = market.simulate_chunk(seed, 0, 1, N, save=names)
    return {name: out[name][0, 1:] for name in ("prices", *names)}


def history(market, out, cover_told, prices, lost=False):
    status = out["own_status"].astype(int)
    rival = np.where(status == Status.NOT_TRADED, np.nan, out["rival_quote"])
    done = status == Status.DONE
    if not cover_told:
        status = np.where(status == Status.COVER, Status.TRADED_AWAY, status)
    if lost:
        status = np.where(done, status, Status.LOST)
    return Requests(
        "own", side=out["side"], bid=out["prices"] - market.half_spread, ask=out["prices"] + market.half_spread,
        quote=out["own_quote"], status=status, n_dealers=out["n_dealers"], size=out["size"],
        cover_price=np.where(done, rival, np.nan) if prices else None,
        traded_price=np.where(done, out["own_quote"], rival) if prices else None,
    )  # fmt: skip


def truth(market, out, shift):
    """What happens to the very requests at shifted margins: done, and what it earns."""

    def reduced(price):
        return out["side"] * (price - out["prices"]) / market.half_spread

    margin = reduced(out["own_quote"]) + shift
    rival = np.where(np.isnan(out["rival_quote"]), np.inf, reduced(out["rival_quote"]))
    done = (margin < rival) & (margin < reduced(out["client_value"]))
    return done, done * margin * market.half_spread * out["size"]


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("name", MARKETS)
def test_expected_hits_and_profit_are_those_of_the_same_requests_played_again(name, told):
    market = MARKETS[name]
    out = simulated(market)
    shifts = [-0.4, -0.1, 0.0, 0.1, 0.3]
    result = shift_history(history(market, out, **TOLD[told]), market, shifts, level=0.998)
    assert (result.n_requests, result.n_unexplained) == (N, 0)
    for shift, row in zip(shifts, result.table.to_dict("records"), strict=True):
        done, earned = truth(market, out, shift)
        assert row["hit_ratio_low"] - 1e-12 <= done.mean() <= row["hit_ratio_high"] + 1e-12, shift
        assert row["spread_pnl_low"] - 1e-9 <= earned.sum() <= row["spread_pnl_high"] + 1e-9, shift
        assert row["volume_hit_ratio"] == pytest.approx(
            done @ out["size"] / out["size"].sum(), abs=5 * np.sqrt(0.25 * (out["size"] ** 2).sum()) / out["size"].sum()
        )
        assert (row["hit_ratio_high"] == row["hit_ratio_low"]) == (shift == 0)


def test_no_shift_gives_what_was_observed():
    market = MARKETS["the paper's case"]
    out = simulated(market)
    result = shift_history(history(market, out, **TOLD["status"]), market, [0.0])
    done, earned = truth(market, out, 0.0)
    row = result.table.iloc[0]
    assert row["hit_ratio"] == pytest.approx(done.mean(), rel=1e-12)
    assert result.observed["hit_ratio"] == done.mean()
    assert row["spread_pnl"] == pytest.approx(earned.sum())
    assert result.observed["spread_pnl"] == pytest.approx(earned.sum())


@pytest.mark.parametrize("shift", [-0.3, 0.2])
def test_over_many_requests_the_chances_average_to_the_hit_curve(shift):
    market = MARKETS["unequal rivals"]
    out = simulated(market, seed=3)
    result = shift_history(history(market, out, **TOLD["status"]), market, [shift])
    margins = out["side"] * (out["own_quote"] - out["prices"]) / market.half_spread + shift
    curve = np.zeros(N)
    for n in (2, 3, 4):
        rows = out["n_dealers"] == n
        curve[rows] = hit_curve(market.replace(panel_weights=np.eye(4)[n - 1].tolist()), margins[rows])
    error = np.sqrt((curve * (1 - curve)).sum()) / N
    assert abs(result.table["hit_ratio"][0] - curve.mean()) < 3.3 * error


def test_more_that_is_told_leaves_less_open():
    market = MARKETS["the paper's case"]
    out = simulated(market)
    widths = []
    for told in ("won or lost", "done, away or not", "status", "status and prices"):
        row = shift_history(history(market, out, **TOLD[told]), market, [-0.2]).table.iloc[0]
        widths.append(row["hit_ratio_high"] - row["hit_ratio_low"])
    assert all(more < 1.01 * less for less, more in pairwise(widths))
    assert widths[-1] < 0.9 * widths[0]


def test_the_quotes_of_all_dealers_settle_who_was_best():
    market = MARKETS["the paper's case"]
    out = simulated(market)
    rivals = market.simulate_chunk(0, 0, 1, N, save=[f"quote_{i}" for i in range(1, 5)])
    quotes = np.column_stack([out["own_quote"], *(rivals[f"quote_{i}"][0, 1:] for i in range(1, 5))])
    table = history(market, out, **TOLD["status"])
    seen = Requests(
        "platform", side=table.side, bid=table.bid, ask=table.ask, quote=table.quote, status=table.status,
        n_dealers=table.n_dealers, quotes=quotes,
    )  # fmt: skip
    for shift in (-0.3, 0.2):
        row = shift_history(seen, market, [shift], level=0.998).table.iloc[0]
        assert row["hit_ratio_low"] <= truth(market, out, shift)[0].mean() <= row["hit_ratio_high"]
        apart = shift_history(table, market, [shift], level=0.998).table.iloc[0]
        assert row["hit_ratio_high"] - row["hit_ratio_low"] < apart["hit_ratio_high"] - apart["hit_ratio_low"]


def test_several_markets_put_the_calibration_into_the_band():
    market = MARKETS["the paper's case"]
    table = history(market, simulated(market), **TOLD["status"])
    one = shift_history(table, market, [-0.2]).table.iloc[0]
    several = shift_history(table, [market.replace(quote_mean=m) for m in (0.5, 0.6, 0.7)], [-0.2]).table.iloc[0]
    assert several["hit_ratio_high"] - several["hit_ratio_low"] > one["hit_ratio_high"] - one["hit_ratio_low"]


def test_outcomes_that_the_market_cannot_explain_are_counted():
    market = RfqMarket(client_mean=-50.0, client_scale=0.01)
    table = history(RfqMarket(), simulated(RfqMarket()), **TOLD["status"])
    result = shift_history(table, market, [0.1])
    assert result.n_unexplained == int(table.done.sum())


def test_markets_without_closed_forms_and_tables_without_quotes_are_refused():
    market = MARKETS["the paper's case"]
    table = history(market, simulated(market), **TOLD["status"])
    for changed in (market.replace(inventory_skew=0.1), market.replace(rule="smoothed")):
        with pytest.raises(ParameterError, match="rule 'hard' and inventory_skew 0"):
            shift_history(table, changed, [0.1])
    with pytest.raises(ParameterError, match="must be a dealer market"):
        shift_history(table, "stock", [0.1])
    with pytest.raises(ParameterError, match="There is no market"):
        shift_history(table, [], [0.1])
    for wrong, sentence in (
        ([np.nan], "finite numbers"),
        ("tight", "finite numbers"),
        (0.1, "list"),
        ([], "no shifts"),
    ):
        with pytest.raises(ParameterError, match=sentence):
            shift_history(table, market, wrong)
    with pytest.raises(DataError, match="asked 5 dealers, but the market has 3"):
        shift_history(table, market.replace(n_dealers=3), [0.1])
    own_skew = market.replace(inventory_skew=[0.1, 0, 0, 0, 0])  # the rivals' matters, not the dealer's
    assert shift_history(table, own_skew, [0.1]).n_requests == N
