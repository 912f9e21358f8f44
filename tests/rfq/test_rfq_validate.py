"""The same requests resimulated: like the market's own, and telling when the market is another."""

import numpy as np
import pytest

import simcal
from simcal.errors import DataError
from simcal.rfq import RfqValidation, identification, validate_requests
from simcal.rfq.closed_forms import hit_curve
from simcal.rfq.estimators.information import ACCEPTANCE_AND_GAP, COVERS, PLATFORM, STATUSES
from simcal.rfq.estimators.likelihood import NAMES
from simcal.rfq.estimators.sample import sample_of
from simcal.rfq.market import RfqMarket
from simcal.rfq.resimulate import resimulated
from simcal.rfq.simulated import request_table


@pytest.mark.parametrize("panel", [None, (1.0, 0.0, 2.0, 1.0, 1.0)])
def test_resimulated_hits_are_those_of_the_closed_form(panel):
    market = RfqMarket(panel_weights=panel, quote_mean=(0.5, 0.4, 0.5, 0.6, 0.7), quote_shape=(2, 1, 2, 3, 0.7))
    sample = sample_of(request_table(market, 3000, seed=1))
    fakes = list(resimulated(market, sample, 30, seed=2))
    for fake in fakes[:3]:
        np.testing.assert_array_equal(fake.margin, sample.margin)
        np.testing.assert_array_equal(fake.rivals, sample.rivals)
    share = np.mean([fake.done.mean() for fake in fakes])
    expected = hit_curve(market, sample.margin).mean() if panel is None else np.nan
    if panel is None:
        assert share == pytest.approx(expected, abs=4 * np.sqrt(expected / (30 * 3000)))
    else:
        assert share == pytest.approx(sample.done.mean(), abs=4 * np.sqrt(0.25 / 3000))


def test_resimulated_inventories_spread_the_quotes_as_the_kernel_does():
    market = RfqMarket(inventory_skew=(0.0, 0.2, 0.2, 0.2, 0.2))
    sample = sample_of(request_table(market, 4000, seed=3, platform=True), view="platform")
    spread = [fake.quotes.std() for fake in resimulated(market, sample, 10, seed=1)]
    flat = [fake.quotes.std() for fake in resimulated(market.replace(inventory_skew=0), sample, 10, seed=1)]
    assert np.mean(spread) == pytest.approx(sample.quotes.std(), abs=4 * np.std(spread))
    assert np.mean(flat) < sample.quotes.std() - 4 * np.std(flat)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_markets_own_table_passes_and_that_of_another_does_not(seed):
    market = simcal.load("rfq")
    table = request_table(market, 4000, seed=seed)
    inside, n = validate_requests(market, table, n_samples=100).passed()
    assert inside >= 0.8 * n
    other = market.replace(quote_mean=0.9, client_mean=0.0)
    inside, n = validate_requests(other, table, n_samples=100).passed()
    assert inside <= 0.6 * n


def test_a_validation_is_written_and_read_back():
    market = simcal.load("rfq")
    found = validate_requests(market, request_table(market, 1000, seed=4), train_share=0.7, n_samples=20)
    assert set(found.parts) == {"all data", "held-out"}
    back = RfqValidation.from_dict(found.to_dict())
    assert back.table().equals(found.table())
    assert back.verdict == found.verdict


def test_tables_that_cannot_be_judged_are_refused_by_a_sentence():
    market = simcal.load("rfq")
    with pytest.raises(DataError, match="holds 100 requests"):
        validate_requests(market, request_table(market, 100))
    with pytest.raises(DataError, match="requests to 5 dealers, but the market has 3"):
        validate_requests(market.replace(n_dealers=3), request_table(market, 400))


def test_two_numbers_cannot_tell_six_parameters_and_more_quotes_tell_more():
    table = identification(simcal.load("rfq"), 20_000).set_index("what is seen")
    assert table.loc[ACCEPTANCE_AND_GAP, "rank"] == 2
    assert table.loc[ACCEPTANCE_AND_GAP, list(NAMES)].isna().all()
    ways = list(table.index[1:])
    assert ways[0] == STATUSES
    assert (table.loc[ways, "rank"] == 6).all()
    errors = table.loc[ways, list(NAMES)].to_numpy(dtype=float)
    assert np.all(np.diff(errors, axis=0) < 0)
    assert np.all(errors[-1] < 0.65 * table.loc[COVERS, list(NAMES)].to_numpy(dtype=float))
    assert table.index[-1] == PLATFORM
    quarter = identification(simcal.load("rfq"), 5000).set_index("what is seen")
    np.testing.assert_allclose(quarter.loc[ways, list(NAMES)].to_numpy(dtype=float), 2 * errors, rtol=1e-9)
