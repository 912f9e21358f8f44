"""A simulated path as dealer 0's request table: the market's own numbers in the columns of a file."""

import numpy as np
import pytest

import simcal
from simcal.errors import ParameterError
from simcal.rfq.market import RfqMarket
from simcal.rfq.simulated import request_table
from simcal.rfq.table import Status, load_requests

MARKETS = {
    "paper": RfqMarket(),
    "tick": RfqMarket(tick=0.05, n_dealers=6, panel_weights=(1, 1, 1, 1, 1, 5), size_log_sd=1.0, inventory_skew=0.1),
    "desk": simcal.load("rfq-desk"),
    "one dealer": RfqMarket(n_dealers=1),
}


@pytest.mark.parametrize("name", MARKETS)
def test_the_table_is_the_path_that_the_market_simulates(name):
    market = MARKETS[name]
    table = request_table(market, 500, seed=3, path=11, name="mine")
    saved = market.simulate_chunk(3, 11, 1, 500, save=market.OUTPUTS)
    path = {key: values[0, 1:] for key, values in saved.items() if key != "failed_step"}
    assert (table.name, table.n, table.quotes) == ("mine", 500, None)
    columns = {"side": "side", "size": "size", "quote": "own_quote", "status": "own_status", "n_dealers": "n_dealers",
               "inventory_before": "own_inventory"}  # fmt: skip
    for column, output in columns.items():
        np.testing.assert_array_equal(getattr(table, column), path[output], err_msg=column)
    np.testing.assert_allclose(table.mid, path["prices"], rtol=1e-14)
    np.testing.assert_allclose(table.half_spread, market.half_spread, rtol=1e-10)
    done = table.status == Status.DONE
    assert done.any()
    np.testing.assert_array_equal(table.cover_price, np.where(done, path["cover_quote"], np.nan))
    np.testing.assert_array_equal(table.traded_price[done], table.quote[done])
    np.testing.assert_array_equal(np.isnan(table.traded_price), path["traded"] == 0)


@pytest.mark.parametrize("name", MARKETS)
def test_the_platform_sees_all_quotes_and_they_say_the_status(name):
    table = request_table(MARKETS[name], 2000, platform=True)
    margins = table.side[:, None] * (table.quotes - table.mid[:, None])
    margins = np.where(np.isnan(margins), np.inf, margins)
    best, own = margins.min(axis=1), margins[:, 0]
    better = (margins < own[:, None] - 1e-9).sum(axis=1)
    equal = (np.abs(margins - own[:, None]) < 1e-9).sum(axis=1)
    traded = ~np.isnan(table.traded_price)
    np.testing.assert_allclose((table.side * (table.traded_price - table.mid))[traded], best[traded], atol=1e-9)
    expected = {
        Status.NOT_TRADED: ~traded,
        Status.COVER: traded & (better == 1) & (equal == 1),
        Status.TIED_COVER: traded & (better == 1) & (equal > 1),
        Status.TRADED_AWAY: traded & (better > 1),
    }
    for status, where in expected.items():
        np.testing.assert_array_equal(table.status == status, where, err_msg=status.name)
    done, tied = table.status == Status.DONE, table.status == Status.TIED
    np.testing.assert_array_equal(done | tied, traded & (better == 0))
    assert tied.any() == (name == "tick")
    assert not (tied & (equal == 1)).any()


def test_mids_of_later_requests_come_along_where_the_mid_walks():
    table = request_table(MARKETS["desk"], 100, seed=5)
    assert list(table.mids) == ["1rfq", "5rfq", "20rfq"]
    for horizon, later in (("1rfq", 1), ("5rfq", 5), ("20rfq", 20)):
        np.testing.assert_allclose(table.mids[horizon][:-later], table.mid[later:], rtol=1e-14)
        assert np.isfinite(table.mids[horizon]).all()
    assert not request_table(RfqMarket(), 10).mids


def test_a_quoting_function_quotes_and_may_pass():
    table = request_table(RfqMarket(), 50, quoting=lambda *given: 0.25 if given[-1] % 2 else np.nan)
    assert (table.status[1::2] == Status.PASS).all()
    assert (table.status[::2] != Status.PASS).all()
    np.testing.assert_allclose(table.margin[::2], 0.25, atol=1e-9)


@pytest.mark.parametrize("platform", [False, True])
def test_a_saved_table_loads_back_equal(tmp_path, platform):
    table = request_table(MARKETS["tick"], 300, platform=platform)
    for name in ("table.csv", "table.parquet"):
        table.save(tmp_path / name)
        assert load_requests(tmp_path / name).sha256 == table.sha256


def test_what_gives_no_table_is_refused_in_a_sentence():
    with pytest.raises(ParameterError, match="needs the hard one"):
        request_table(RfqMarket(rule="smoothed"), 10)
    with pytest.raises(ParameterError, match="n is 0, but must be a whole number from 1"):
        request_table(RfqMarket(), 0)
    with pytest.raises(ParameterError, match="The mid of path 0 is no longer positive at request"):
        request_table(RfqMarket(mid_law="walk", initial_price=1.0, mid_volatility=1.0), 100)
