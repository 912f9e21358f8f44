"""From a request table to what the estimators read."""

import numpy as np
import pytest

import simcal
from simcal.errors import DataError
from simcal.rfq.estimators.sample import Event, sample_of
from simcal.rfq.table import Requests, Status


def table(**changes):
    columns = {
        "side": [1, -1, 1, 1, -1, 1, 1], "bid": [99.0] * 7, "ask": [101.0] * 7,
        "quote": [100.5, 99.5, 100.4, 100.6, 99.2, 100.1, 100.3],
        "status": [Status[name] for name in ["DONE", "DONE", "TRADED_AWAY", "COVER", "NOT_TRADED", "TIED", "EXPIRED"]],
        "n_dealers": [3, 1, 4, 4, 2, 3, 3], "cover_price": [100.9, *[np.nan] * 6],
        "traded_price": [np.nan, np.nan, 100.2, np.nan, np.nan, np.nan, np.nan],
    }  # fmt: skip
    return Requests("made up", **{k: np.array(v) for k, v in (columns | changes).items()})


def test_every_status_becomes_the_event_that_it_tells():
    sample = sample_of(table())
    assert sample.n == 6  # the expired one is left out
    expected = [Event.DONE_COVER, Event.DONE, Event.BEHIND_AT, Event.SECOND, Event.NOT_TRADED, Event.AWAY_AT]
    assert list(sample.event) == expected
    np.testing.assert_allclose(sample.margin, [0.5, 0.5, 0.4, 0.6, 0.8, 0.1])
    np.testing.assert_allclose(sample.other, [0.9, np.nan, 0.2, np.nan, np.nan, 0.1])
    assert list(sample.rivals) == [2, 0, 3, 3, 1, 2]


def test_what_shall_not_be_used_is_lumped():
    sample = sample_of(table(), covers=False, traded_prices=False, ranks=False)
    expected = [Event.DONE, Event.DONE, Event.AWAY, Event.AWAY, Event.NOT_TRADED, Event.AWAY_AT]
    assert list(sample.event) == expected
    bare = sample_of(table()).statuses_only()
    assert set(bare.event) <= {Event.DONE, Event.AWAY, Event.NOT_TRADED}
    assert np.isnan(bare.other).all()


def test_a_table_that_never_says_cover_lumps_second_places_with_the_others():
    statuses = [Status.DONE, Status.DONE, Status.TRADED_AWAY, Status.TRADED_AWAY, *[Status.NOT_TRADED] * 3]
    assert list(sample_of(table(status=statuses)).event[2:4]) == [Event.AWAY_AT, Event.AWAY]


def test_tables_without_what_a_view_needs_are_refused_by_a_sentence():
    with pytest.raises(DataError, match="no quotes of other dealers"):
        sample_of(table(), view="platform")
    with pytest.raises(DataError, match="no request that was quoted to its end"):
        sample_of(table(status=[Status.EXPIRED] * 7, cover_price=[np.nan] * 7, traded_price=[np.nan] * 7))


def test_a_simulated_platform_gives_all_quotes_in_half_spreads():
    from simcal.rfq.simulated import request_table

    market = simcal.load("rfq")
    sample = sample_of(request_table(market, 500, seed=3, platform=True), view="platform")
    assert sample.quotes.shape == (500, 4)
    assert sample.quotes.mean() == pytest.approx(0.6, abs=0.1)
    np.testing.assert_allclose(sample.other[sample.event == Event.DONE_COVER], sample.quotes[sample.done].min(axis=1))


def test_on_a_platform_who_lost_with_the_best_quote_lost_to_nobody():
    own = [100.5, 99.5, 100.4, 100.6, 99.2, 100.1, 100.3]
    quotes = np.column_stack([own, [100.9, np.nan, 100.2, 100.2, 99.0, 100.1, 100.4]])
    statuses = [Status.DONE, *[Status.LOST] * 6]
    made = table(status=statuses, quotes=quotes, traded_price=[np.nan] * 7)
    # The own quote is the best of all in rows 1 (alone), 4 (99.2 bids more than 99.0) and 6.
    expected = [Event.DONE_COVER, Event.NOT_TRADED, Event.LOST, Event.LOST, Event.NOT_TRADED, Event.LOST]
    assert list(sample_of(made, view="platform").event) == [*expected, Event.NOT_TRADED]
