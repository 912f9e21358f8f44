"""The objectives of both players, as functional gradients: their derivatives in what each network says, per state."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from simcal.equilibrium.adversarial.paths import Batch, Surprises, risk, values_before
from simcal.equilibrium.adversarial.players import Dynamics, Generator
from simcal.equilibrium.adversarial.settings import AdversarialSettings
from simcal.equilibrium.adversarial.units import Units


@dataclass(frozen=True, eq=False)
class Gradients:
    """Directions of steepest ascent of what each player wants small, and the terminal error S_T - dividend.

    `rates` (n_steps, paths, agents) is c'(v) minus the marginal value of the shares bought; `volatility` (n_steps,
    paths); `price` (); `drift` (n_steps, paths) or None.
    """

    rates: Tensor
    volatility: Tensor
    price: Tensor
    drift: Tensor | None
    terminal: Tensor


def gradients(
    traders: Generator, prices: Dynamics, batch: Batch, known: Surprises, settings: AdversarialSettings
) -> Gradients:
    """Both players' gradients on the same paths."""
    units = traders.units
    drift = _drift(units, prices, batch, known)
    if not traders.clears:
        drift = drift - discount(units, batch.volatility, batch.held(units))
    rates = traders_gradient(traders, batch, known, drift, settings)
    volatility, price, terminal = price_gradient(prices, batch, known, drift)
    learned = None
    if prices.drift is not None:  # the link: the drift at which the demand that optimal traders have clears
        learned = _drift(units, prices, batch, known) - _required(units, batch, known)
    return Gradients(rates, volatility, price, learned, terminal)


def traders_gradient(
    traders: Generator, batch: Batch, known: Surprises, drift: Tensor, settings: AdversarialSettings
) -> Tensor:
    r"""Of minus the goals, in the rate of each step and state, per unit of time, as sampled by the paths.

    .. math:: -\frac{1}{\Delta} \frac{\partial J_n}{\partial v^n_k} = c'(v^n_k)
        - \sum_{j \text{ held after } k} (\mu_j - \gamma_n \sigma_j (\sigma_j \varphi^n_j + \xi_n W_j)) \Delta ,

    with the price held fixed unless `settings.leak`, plus later surprises, which have mean zero. With hard clearing the
    part common to all agents is taken out: it moves no rate.
    """
    units = traders.units
    dt, steps = units.step, units.n_steps
    weights = agent_weights(units, settings)
    with torch.enable_grad():
        rates = batch.rates.detach().requires_grad_()
        positions = torch.cat([torch.zeros_like(batch.psi[:1]), rates.cumsum(0) * dt]) + units.start
        held = (positions[1:] if units.post_trade else positions[:-1])[:steps]
        sigma, w = batch.volatility[..., None], batch.brownian[:-1, :, None]
        carried = units.gamma * sigma * (sigma * held + units.xi * w)
        offered = drift + (carried.mean(-1) - carried.mean(-1).detach() if settings.leak else 0)
        per_agent = -offered[..., None] * held + units.gamma / 2 * (sigma * held + units.xi * w) ** 2
        per_agent = per_agent + units.problem.cost_factor / units.problem.power * rates.abs() ** units.problem.power
        loss = weights * per_agent + settings.rate_penalty * rates**2
        (gradient,) = torch.autograd.grad(loss.sum(), rates)
    gradient = gradient + weights * known.values.flip(0).cumsum(0).flip(0)
    if traders.clears:
        gradient = gradient - gradient.mean(-1, keepdim=True)
    if settings.rate_penalty or settings.agent_weights:  # in units of the network's output, in which it is steeper
        values = traders.marginal(batch.raw).abs().clamp_min(1e-300)
        steepness = batch.rates.abs() / (values * (units.problem.power - 1))
        gradient = gradient / (weights + 2 * settings.rate_penalty * steepness)
        gradient = gradient - gradient.mean(-1, keepdim=True) if traders.clears else gradient
    return gradient


def agent_weights(units: Units, settings: AdversarialSettings) -> Tensor:
    """What each agent's goal counts, (agents,): 1, or (largest exposure / own)^2 as published."""
    if not settings.agent_weights:
        return torch.ones_like(units.xi)
    size = units.xi.abs().clamp_min(1e-6 * units.xi.abs().max())
    return (size.max() / size) ** 2


def price_gradient(prices: Dynamics, batch: Batch, known: Surprises, drift: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    r"""Of half the mean square of :math:`S_{\bar T} - \beta \bar T - \alpha W_{\bar T}`, and that error.

    The traders' positions and the drift they require are held fixed, so that the best volatility is the projection of
    what remains on the increments of W.
    """
    units, p = prices.units, prices.units.problem
    gains = drift * units.step + batch.volatility * batch.increments + known.price
    terminal = prices.price + gains.sum(0) - p.dividend_mean * p.horizon - units.alpha * batch.brownian[-1]
    return terminal * batch.increments / units.step, terminal.mean(), terminal


def discount(units: Units, volatility: Tensor, psi: Tensor) -> Tensor:
    r"""How much lower the drift is where agents together hold more than the supply: mean gamma sigma^2 (mean psi).

    It is zero where rates clear. Only the drift can clear rates that do not by construction; but that of the optimality
    conditions is the mean of what all agents require, whatever they hold together, and leaves this sum to wander.
    """
    return units.gamma.mean() * volatility**2 * psi.mean(-1)


def _drift(units: Units, prices: Dynamics, batch: Batch, known: Surprises) -> Tensor:
    """mu of every step: the discriminator's, or the formula."""
    if prices.drift is None:
        return _required(units, batch, known)
    return prices.drift(prices.drift_features(batch.price_features, batch.held(units), batch.brownian[:-1]))


def _required(units: Units, batch: Batch, known: Surprises) -> Tensor:
    r"""The drift at which optimal traders' rates sum to zero: the mean over agents of what each requires,

    .. math:: \mu_k = \frac{1}{N} \sum_n \gamma_n \sigma_k (\sigma_k \varphi^n + \xi_n W_k)
        + \frac{\bar Y_k - E_k \bar Y_{k+1}}{\Delta}, \qquad \sum_n R(Y^n_k) = 0 .

    The mean value Y is zero for power 2 or two agents. Its conditional mean is sampled: the next value less its
    surprise.
    """
    held = batch.held(units)
    required = risk(units, batch.volatility, held, batch.brownian[:-1]).mean(-1)
    if units.problem.clears_at_mean:
        return required
    mean = values_before(units, batch.raw, batch.volatility, batch.psi[:-1], batch.brownian[:-1]).mean(-1)
    following = torch.cat([mean[1:], torch.zeros_like(mean[:1])]) - known.values.mean(-1)
    return required + (mean - following) / units.step
