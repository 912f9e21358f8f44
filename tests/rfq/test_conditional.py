"""The chance of a trade at another margin, given how a request ended: against brute force and against itself."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from simcal.rfq import RfqMarket
from simcal.rfq.history import PanelTables, done_probability, panel_tables
from simcal.rfq.laws import pdf, sf
from simcal.rfq.table import Status

CLIENT, RIVAL = (0.2, 1.0, 2.0), (0.6, 0.8, 1.2)
CASES = {  # client, rivals in the ring, dealers asked
    "the paper's case": (CLIENT, [RIVAL] * 4, 5),
    "two dealers, heavy tails": ((0.1, 0.8, 0.6), [(0.5, 0.5, 0.7)] * 4, 2),
    "nearly uniform": ((0.3, 1.2, 8.0), [(0.4, 0.9, 15.0)] * 2, 3),
    "unequal rivals, some asked": (CLIENT, [RIVAL, (0.2, 0.5, 2.0), (1.0, 1.5, 1.0), (0.4, 0.6, 3.0)], 3),
    "alone": (CLIENT, [RIVAL] * 3, 1),
}
N = 200_000


def tables_of(client, rivals, n_dealers) -> PanelTables:
    """Tables of a market whose dealer 0 has a law of its own, which does not matter."""
    means, scales, shapes = zip((0.1, 0.3, 5.0), *rivals, strict=True)
    market = RfqMarket(
        n_dealers=1 + len(rivals), client_mean=client[0], client_scale=client[1], client_shape=client[2],
        quote_mean=means, quote_scale=scales, quote_shape=shapes, inventory_skew=(0.1, *np.zeros(len(rivals))),
    )  # fmt: skip
    return panel_tables(market, n_dealers)


def draw(generator, mean, scale, shape, size):
    """Exponential power draws, by their gamma variable: nothing of the code under test."""
    size = np.broadcast_shapes(np.shape(shape), size)
    power = np.asarray(shape) * generator.gamma(np.broadcast_to(1 / np.asarray(shape), size))
    return mean + scale * generator.choice([-1.0, 1.0], size) * power ** (1 / np.asarray(shape))


@cache
def brute_force(case, margin, seed):
    """Client's value, best and second-best rival (inf where there is none) and status at a margin."""
    client, rivals, n_dealers = CASES[case]
    generator, m = np.random.default_rng(seed), n_dealers - 1
    value = draw(generator, *client, (N,))
    start = generator.integers(len(rivals), size=N)
    laws = np.array(rivals)[(start[:, None] + np.arange(m)) % len(rivals)]
    quotes = np.full((N, m + 2), np.inf)
    quotes[:, :m] = draw(generator, laws[..., 0], laws[..., 1], laws[..., 2], (N, m))
    quotes.sort(axis=1)
    best, second = quotes[:, 0], quotes[:, 1]
    done = (margin < best) & (margin < value)
    traded_away = (best < margin) & (best < value)
    status = np.where(done, Status.DONE, np.where(traded_away, Status.TRADED_AWAY, Status.NOT_TRADED))
    return value, best, np.where(traded_away & (second > margin), Status.COVER, status)


@pytest.mark.parametrize("shift", [-0.5, -0.1, 0.1, 0.4])
@pytest.mark.parametrize("case", CASES)
def test_chances_given_each_outcome_are_those_of_brute_force(case, shift):
    client, rivals, n_dealers = CASES[case]
    margin = 0.35
    value, best, status = brute_force(case, margin, seed=1)
    moved = (margin + shift < best) & (margin + shift < value)
    tables = tables_of(client, rivals, n_dealers)
    coarse = np.where(status == Status.COVER, Status.TRADED_AWAY, status)
    lost = np.where(status == Status.DONE, Status.DONE, Status.LOST)
    compared = 0
    for told, statuses in ((True, status), (False, coarse), (False, lost)):
        for code in np.unique(statuses):
            sample = moved[statuses == code]
            one = np.array([margin])
            (chance,) = done_probability(
                tables, one, shift, np.array([code]), np.array([np.nan]), cover_told=told
            )  # fmt: skip
            error = max(np.sqrt(chance * (1 - chance) / sample.size), 1e-9)
            assert abs(sample.mean() - chance) <= 3.3 * error, (Status(code).name, told)
            compared += 0 < chance < 1
    assert compared >= (1 if shift > 0 else 2)


@pytest.mark.parametrize("shift", [-0.4, 0.3])
def test_chances_given_a_known_rival_are_those_of_brute_force(shift):
    margin, case = 0.35, "the paper's case"
    client, rivals, n_dealers = CASES[case]
    value, best, status = brute_force(case, margin, seed=2)
    moved = (margin + shift < best) & (margin + shift < value)
    tables = tables_of(client, rivals, n_dealers)
    chance = done_probability(tables, np.full(N, margin), shift, status, best, cover_told=True)
    for code in np.unique(status):
        rows = status == code
        for part in (best < np.median(best[rows])), (best >= np.median(best[rows])):
            p, sample = chance[rows & part], moved[rows & part]
            assert abs(sample.mean() - p.mean()) <= 3.3 * np.sqrt((p * (1 - p)).sum()) / p.size + 1e-12, code


@pytest.mark.parametrize("case", CASES)
def test_chances_averaged_over_the_outcomes_are_the_hit_curve(case):
    tables = tables_of(*CASES[case])
    y = np.linspace(-1.5, 2.5, 81)
    none = np.full(y.shape, np.nan)
    cover = tables.cover(y, np.full(y.shape, -np.inf))
    outcomes = {
        Status.DONE: tables.laws.hit_curve(y),
        Status.NOT_TRADED: tables.not_traded(y),
        Status.COVER: cover,
        Status.TRADED_AWAY: tables.away(y) - cover,
    }
    np.testing.assert_allclose(sum(outcomes.values()), 1, atol=1e-9)
    for shift in (-0.7, -0.05, 0.0, 0.2):
        total = np.zeros(y.shape)
        for code, probability in outcomes.items():
            chance = done_probability(tables, y, shift, np.full(y.size, code), none, cover_told=True)
            total += np.where(probability > 1e-9, probability * chance, 0)
        np.testing.assert_allclose(total, tables.laws.hit_curve(y + shift), atol=1e-8)


@pytest.mark.parametrize("shape", [0.3, 0.7, 1.0, 2.0, 5.0, 20.0, 50.0])
def test_tables_are_the_integrals(shape):
    client, rival = (0.2, 1.0, shape), (0.6, 0.8, min(1.3 * shape, 50.0))
    tables = tables_of(client, [rival] * 4, 5)
    for x in (-0.8, 0.2, 0.37, 1.3):
        points = sorted({p for p in (-20.0, -3.0, -1.2, -0.4, 0.2, 0.6) if p < x})
        edges = [-2000.0, *points, x]
        for table, density in (
            (tables.not_traded, lambda v: pdf(v, *client) * sf(v, *rival) ** 4),
            (tables.away, lambda v: 4 * pdf(v, *rival) * sf(v, *rival) ** 3 * sf(v, *client)),
        ):
            exact = sum(quad(density, a, b, epsabs=1e-12, limit=200)[0] for a, b in pairwise(edges))
            assert table(x) == pytest.approx(exact, abs=1e-9)


def test_the_narrowest_flattest_law_meets_the_widest_without_a_warning():
    tables = tables_of((0.0, 0.01, 50.0), [(0.0, 5.0, 0.3)], 2)
    y = np.array([-1.0, 0.0, 0.1])
    np.testing.assert_allclose(tables.laws.hit_curve(y), [sf(-1.0, 0.0, 5.0, 0.3), 0.25, 0.0], atol=1e-12)


def test_outcomes_that_the_market_does_not_know_are_marked():
    tables = tables_of((0.0, 0.01, 2.0), [(0.0, 0.01, 2.0)], 2)
    chance = done_probability(
        tables, np.array([5.0]), 0.1, np.array([Status.DONE]), np.array([np.nan]), cover_told=False
    )  # fmt: skip
    assert np.isnan(chance)
