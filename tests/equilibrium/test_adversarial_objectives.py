"""The adversarial objectives have equilibria as their fixed points, and the biased ones other points."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from simcal.equilibrium import EquilibriumProblem, load_problem, solve
from simcal.equilibrium.adversarial import AdversarialSettings
from simcal.equilibrium.adversarial.game import PriceGame
from simcal.equilibrium.adversarial.objectives import discount, price_gradient, traders_gradient
from simcal.equilibrium.adversarial.paths import Batch, Surprises
from simcal.equilibrium.adversarial.settings import Known

TIMINGS = pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])
TWO = EquilibriumProblem((1.0, 2.0), (3.0, -3.0), horizon=0.4, n_steps=10)
THREE = EquilibriumProblem((0.5, 1.0, 4.0), (6.0, -9.0, 3.0), horizon=0.5, cost=0.03, supply=2.0, n_steps=8)


def sampled(solution, n_paths=20_000, seed=7):
    """Paths of a solution as the batch of a game, without surprises, and its drift."""
    paths = solution.simulate(seed, n_paths)

    def by_step(values):
        return torch.as_tensor(np.moveaxis(values, 0, 1).copy())

    psi = by_step(paths.positions - solution.problem.initial_positions)
    marginal = by_step(solution.problem.marginal_cost(paths.rates))
    brownian, volatility, none = by_step(paths.brownian), by_step(paths.volatility), torch.zeros(0)
    batch = Batch(brownian.diff(dim=0), brownian, psi, none, marginal, by_step(paths.rates), none, volatility)
    return batch, Surprises(torch.zeros_like(batch.rates), torch.zeros_like(volatility)), by_step(paths.drift)


def scores(gradient, known):
    """Means of a gradient times what is known at each step, in standard errors."""
    found = []
    for instrument in known:
        product = gradient * instrument
        error = product.std(1) / np.sqrt(product.shape[1])
        found.append((product.mean(1) / error)[error > 1e-12 * product.abs().max()])
    return torch.cat(found).abs()


def both_scores(solution, settings=None, clearing: Known = "known"):
    """The expected gradients of both objectives at a solution, in standard errors."""
    settings = AdversarialSettings.of(solution.problem) if settings is None else settings
    game = PriceGame(solution.problem, settings, drift="known", clearing=clearing, seed=0, device="cpu")
    batch, surprises, drift = sampled(solution)
    game.prices.price.fill_(solution.price)
    rates = traders_gradient(game.traders, batch, surprises, drift, settings)
    slope, price, terminal = price_gradient(game.prices, batch, surprises, drift)
    w = batch.brownian[:-1]
    traders = scores(rates, [torch.ones(1), w[..., None], batch.psi[:-1]])
    prices = scores(slope, [torch.ones(1), w, batch.psi[:-1, :, 0]])
    return traders, torch.cat([prices, (price / terminal.std() * len(terminal) ** 0.5).abs()[None]])


@TIMINGS
@pytest.mark.parametrize("clearing", ["known", "unknown"])
def test_in_an_exact_equilibrium_the_expected_gradient_of_the_traders_vanishes(timing, clearing):
    traders, _ = both_scores(solve(THREE.replace(timing=timing), method="discrete"), clearing=clearing)
    assert len(traders) > 50
    assert traders.max() < 4.5


@TIMINGS
def test_in_an_exact_equilibrium_of_power_costs_the_expected_gradients_of_both_players_vanish(timing):
    found = solve(load_problem("power-2").replace(n_steps=12, timing=timing), method="quadrature")
    for player in both_scores(found):
        assert len(player) > 20
        assert player.max() < 4.5


@TIMINGS
def test_a_price_that_misses_the_dividend_or_another_volatility_is_a_gradient_of_the_discriminator(timing):
    found = solve(THREE.replace(timing=timing), method="discrete")
    batch, surprises, drift = sampled(found)
    settings = AdversarialSettings.of(found.problem)
    game = PriceGame(found.problem, settings, drift="known", clearing="known", seed=0, device="cpu")
    game.prices.price.fill_(found.price)
    slope, price, _ = price_gradient(game.prices, batch, surprises, drift)
    assert slope.abs().max() < 1e-10
    assert abs(price) < 1e-12
    game.prices.price += 0.01
    assert price_gradient(game.prices, batch, surprises, drift)[1] == pytest.approx(0.01)
    wrong = replace(batch, volatility=batch.volatility + 0.1)
    slope, _, _ = price_gradient(game.prices, wrong, surprises, drift)
    assert slope.mean() == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("bias", [{"leak": True}, {"rate_penalty": 1e-3}])
def test_leak_and_penalty_have_another_fixed_point(bias):
    found = solve(TWO, method="discrete")
    traders, _ = both_scores(found, replace(AdversarialSettings.of(TWO), **bias))
    assert traders.max() > 10


def test_where_rates_need_not_clear_the_drift_falls_with_what_is_held_in_total():
    game = PriceGame(THREE, AdversarialSettings.of(THREE), drift="known", clearing="unknown", seed=0, device="cpu")
    volatility, psi = torch.tensor([2.0, 2.0]), torch.tensor([[1.0, -3.0, 2.0], [1.0, 1.0, 1.0]])
    assert discount(game.units, volatility, psi).tolist() == pytest.approx([0.0, 4 * (0.5 + 1 + 4) / 3])
