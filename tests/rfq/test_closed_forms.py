"""Closed forms against known special cases, identities and brute force from scipy's laws."""

from itertools import product

import numpy as np
import pytest
from scipy import special, stats

from simcal.errors import ParameterError
from simcal.rfq import closed_forms
from simcal.rfq import laws as exponential_power
from simcal.rfq.closed_forms import PanelLaws
from simcal.rfq.market import RfqMarket
from simcal.rfq.quadrature import Cells

SHAPES = (0.4, 0.7, 1.0, 1.5, 2.0, 4.0, 20.0)
SEED_CASE = {"client_mean": 0.2, "client_scale": 1.0, "client_shape": 2.0, "quote_mean": 0.6, "quote_scale": 0.8}
UNEQUAL = RfqMarket(
    n_dealers=4,
    quote_mean=(0.5, 0.6, 0.4, 1.0),
    quote_scale=(0.5, 0.8, 1.0, 0.3),
    quote_shape=(0.7, 1.2, 2.0, 4.0),
    panel_weights=(1, 2, 4, 3),
)


def market(n: int, quote_shape: float = 1.2, client_shape: float = 2.0, **changes) -> RfqMarket:
    return RfqMarket(n_dealers=n, **{**SEED_CASE, "quote_shape": quote_shape, "client_shape": client_shape, **changes})


def standard_errors(sample: np.ndarray, exact: float) -> float:
    return abs(sample.mean() - exact) / (sample.std() / np.sqrt(sample.size))


def test_the_seed_case_has_its_known_numbers():
    case = market(5)
    assert closed_forms.acceptance(case) == pytest.approx(0.71600, abs=5e-6)
    assert closed_forms.expected_cover_gap(case) == pytest.approx(0.71439, abs=5e-6)
    assert closed_forms.hit_curve(case, 0.1) == pytest.approx(0.15525, abs=5e-6)


@pytest.mark.parametrize(("shape", "n"), list(product(SHAPES, (1, 2, 5, 9))))
def test_client_and_dealers_of_one_law_are_the_best_equally_often(shape, n):
    case = market(n, shape, shape, client_mean=0.6, client_scale=0.8)
    assert closed_forms.acceptance(case) == pytest.approx(n / (n + 1), abs=1e-11)
    assert closed_forms.hit_ratio(case) == pytest.approx(1 / (n + 1), abs=1e-11)
    assert closed_forms.traded_away(case) == pytest.approx((n - 1) / (n + 1), abs=1e-11)


def test_one_normal_dealer_trades_with_the_probability_of_a_normal_difference():
    case = market(1, 2.0, 2.0)
    assert closed_forms.acceptance(case) == pytest.approx(special.ndtr((0.2 - 0.6) / np.hypot(1.0, 0.8)), abs=1e-12)
    assert closed_forms.not_traded(case) == pytest.approx(special.ndtr((0.6 - 0.2) / np.hypot(1.0, 0.8)), abs=1e-12)
    assert closed_forms.traded_away(case) == pytest.approx(0.0, abs=1e-15)


def test_two_normal_or_laplace_dealers_lie_as_far_apart_as_known():
    assert closed_forms.expected_cover_gap(market(2, 2.0)) == pytest.approx(0.8 * 2 / np.sqrt(np.pi), abs=1e-11)
    assert closed_forms.expected_cover_gap(market(2, 1.0)) == pytest.approx(0.8 * 1.5, abs=1e-11)


def test_clients_who_always_trade_leave_the_cover_gap_as_it_is():
    case = market(5, 1.2, client_mean=60.0)
    expected = closed_forms.expected_cover_gap(case)
    assert closed_forms.expected_cover_gap(case, given_trade=True) == pytest.approx(expected, abs=1e-11)


def test_a_laplace_client_alone_is_best_quoted_at_her_scale():
    alone = market(1, client_shape=1.0, client_scale=0.7)
    assert closed_forms.optimal_margin(alone) == pytest.approx(0.7, abs=1e-12)
    costs = np.array([[-0.3, -0.1], [0.0, 3.0]])  # what a trade costs comes on top, from her mean 0.2 on
    np.testing.assert_allclose(closed_forms.optimal_margin(alone, costs)[1], 0.7 + costs[1], atol=1e-12)


@pytest.mark.parametrize("cost", [-2.0, 0.3, 1.5])
def test_a_cost_lifts_the_optimal_margin_to_where_the_profit_after_it_is_largest(cost):
    best = closed_forms.optimal_margin(UNEQUAL, cost)
    around = np.concatenate([best + np.linspace(-1, 1, 401), best + np.array([-1e-4, 1e-4])])
    profits = closed_forms.expected_margin_profit(UNEQUAL, around, cost)
    assert closed_forms.expected_margin_profit(UNEQUAL, best, cost) >= profits.max()
    assert (best > closed_forms.optimal_margin(UNEQUAL)) == (cost > 0)


def test_a_cost_that_no_client_pays_is_the_margin():
    assert closed_forms.optimal_margin(market(5, client_shape=50.0), 40.0) == 40.0


@pytest.mark.parametrize("case", [market(5), market(2, 0.4, 20.0), market(9, 20.0, 0.4), UNEQUAL])
def test_no_margin_earns_more_than_the_optimal_one(case):
    best = closed_forms.optimal_margin(case)
    others = np.concatenate([np.linspace(0.01, 5, 500), best + np.array([-1e-3, -1e-5, 1e-5, 1e-3])])
    assert closed_forms.expected_margin_profit(case, best) >= closed_forms.expected_margin_profit(case, others).max()


@pytest.mark.parametrize(
    ("shape", "n", "seed"),
    [
        (0.7, 9, 0),
        (1.0, 2, 1),
        (1.0, 7, 2),
        (1.2, 5, 3),
        (1.2, 5, 4),
        (1.5, 3, 5),
        (2.0, 1, 6),
        (2.0, 6, 7),
        (4.0, 4, 8),
    ],
)
def test_brute_force_simulation_agrees(shape, n, seed, requests_of):
    case = market(n, shape, client_shape={0.7: 4.0, 1.5: 0.7}.get(shape, 2.0))
    sample = requests_of(case, 1_000_000 if n <= 5 else 400_000, seed)
    own_won = sample.trades & (sample.margins[0] == sample.best)
    errors = [
        standard_errors(sample.trades, closed_forms.acceptance(case)),
        standard_errors(own_won, closed_forms.hit_ratio(case)),
        standard_errors(
            (sample.margins[1:] > 0.3).all(axis=0) & (sample.value > 0.3), closed_forms.hit_curve(case, 0.3)
        ),
    ]
    if n > 1:
        gap = np.diff(np.partition(sample.margins, 1, axis=0)[:2], axis=0)[0]
        errors += [
            standard_errors(sample.trades & ~own_won, closed_forms.traded_away(case)),
            standard_errors(gap, closed_forms.expected_cover_gap(case)),
            standard_errors(gap[sample.trades], closed_forms.expected_cover_gap(case, given_trade=True)),
        ]
    assert max(errors) < 3.0


def test_unequal_dealers_in_panels_of_several_sizes_agree_with_brute_force(requests_of):
    sample = requests_of(UNEQUAL, 1_000_000, 11)
    own_won = sample.trades & (sample.margins[0] == sample.best)
    two = np.sort(sample.margins, axis=0)[:2]
    gap = two[1] - two[0]
    covered = ~np.isnan(gap)
    rivals = np.nanmin(np.vstack([sample.margins[1:], np.full(sample.value.size, np.inf)]), axis=0)
    errors = [
        standard_errors(sample.trades, closed_forms.acceptance(UNEQUAL)),
        standard_errors(own_won, closed_forms.hit_ratio(UNEQUAL)),
        standard_errors(sample.trades & ~own_won, closed_forms.traded_away(UNEQUAL)),
        standard_errors(gap[covered], closed_forms.expected_cover_gap(UNEQUAL)),
        standard_errors(gap[covered & sample.trades], closed_forms.expected_cover_gap(UNEQUAL, given_trade=True)),
        standard_errors((rivals > 0.2) & (sample.value > 0.2), closed_forms.hit_curve(UNEQUAL, 0.2)),
    ]
    assert max(errors) < 3.0


@pytest.mark.parametrize("case", [market(1), market(6, 0.4), market(3, 20.0, 0.7), UNEQUAL])
def test_requests_are_done_traded_away_or_not_traded(case):
    total = closed_forms.hit_ratio(case) + closed_forms.traded_away(case) + closed_forms.not_traded(case)
    assert total == pytest.approx(1.0, abs=1e-10)


def test_the_densities_of_rivals_and_hits_are_the_slopes_of_their_curves():
    x, laws = np.array([-0.53, 0.13, 0.37, 0.77, 1.4]), PanelLaws(UNEQUAL)
    for slope, curve in ((-laws.best_rival_pdf(x), laws.best_rival_sf), (laws.hit_slope(x), laws.hit_curve)):
        np.testing.assert_allclose(slope, (curve(x + 1e-5) - curve(x - 1e-5)) / 2e-5, rtol=1e-7)


@pytest.mark.parametrize("shape", [0.7, 2.0, 50.0])
def test_an_antiderivative_is_the_probability_below_between_the_nodes_too(shape):
    law, wide = (0.4, 0.9, shape), (0.3, 5.0, 1.0)
    cells = Cells.exact([law, wide])
    values = exponential_power.pdf(cells.x, *law)
    x = np.concatenate([np.linspace(-2, 3, 500), [0.4, -np.inf, np.inf]])
    np.testing.assert_allclose(cells.up_to(values, x), exponential_power.cdf(x, *law), atol=1e-9)


def test_a_panel_of_one_size_is_chosen_by_its_weight():
    three = market(5, panel_weights=(0, 0, 1, 0, 0))
    assert closed_forms.acceptance(three) == pytest.approx(closed_forms.acceptance(market(3)), abs=1e-13)


def test_a_thousand_times_wider_client_and_tiny_scales_keep_the_accuracy():
    wide = market(3, 1.0, 2.0, client_scale=1000.0, quote_scale=1e-3)
    exact = stats.norm.sf(0.6, 0.2, 1000.0)  # quotes hardly move beside such a client
    assert closed_forms.acceptance(wide) == pytest.approx(exact, abs=1e-6)
    assert closed_forms.traded_away(wide) == pytest.approx(2 / 3 * exact, abs=1e-6)


def test_refusals_say_what_to_do():
    with pytest.raises(ParameterError, match="ask more dealers"):
        closed_forms.expected_cover_gap(market(1))
    with pytest.raises(ParameterError, match="no gap given a trade"):
        closed_forms.expected_cover_gap(market(5, client_mean=-1e6), given_trade=True)
    with pytest.raises(ParameterError, match="inventory_skew=0"):
        closed_forms.acceptance(market(5, inventory_skew=0.1))
    with pytest.raises(ParameterError, match="tick=0"):
        closed_forms.hit_curve(market(5, tick=0.01), 0.1)
    with pytest.raises(ParameterError, match="rule='hard'"):
        closed_forms.optimal_margin(market(5, rule="smoothed"))
