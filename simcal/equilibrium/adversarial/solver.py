"""The verb: train both players and hand back their equilibrium."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from simcal.equilibrium.adversarial.game import PriceGame
from simcal.equilibrium.adversarial.objectives import discount
from simcal.equilibrium.adversarial.paths import risk, values_before
from simcal.equilibrium.adversarial.settings import AdversarialSettings, Known, Objective
from simcal.equilibrium.numerics import normal_rule
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumSolution, Policy
from simcal.errors import ParameterError
from simcal.noise import check_seed
from simcal.parameters import check_choices
from simcal.training import Listener, Trained, torch_threads, train

_NODES, _WEIGHTS = normal_rule(6, 0.75)  # for the next increment
_WORTHLESS = 1.0  # standard deviations of the dividend between it and the price at the end
_RESTLESS = 0.05  # of the volatility at time 0, between the largest and the smallest at the end of the training


def solve_adversarial(
    problem: EquilibriumProblem,
    *,
    seed: int = 0,
    objective: Objective = "unbiased",
    drift: Known = "known",
    clearing: Known = "known",
    iterations: int | None = None,
    budget: float | None = None,
    checkpoint: str | Path | None = None,
    listen: Listener | None = None,
    device: str = "cpu",
    settings: AdversarialSettings | None = None,
) -> EquilibriumSolution:
    r"""Traders against price dynamics: two players with objectives of their own, linked by what each does to the other.

    The generator says each agent's marginal value of a share, whose rate is R of it. It descends on minus the goals
    with the price held fixed (an agent takes prices as given): the gradient in the rate of step k is

    .. math:: c'(v^n_k) - \sum_{j \text{ held later}} (\mu_j - \gamma_n \sigma_j (\sigma_j \varphi^n_j + \xi_n W_j))
        \Delta + \text{martingale increments},

    where the last, differences of the networks one step ahead, have mean zero and take away nearly all noise. The
    discriminator sets S_0 and the volatility (a function of time and, for q other than 2, of the state) and descends
    on the mean square of :math:`S_{\bar T}` minus the dividend, with positions and drift held fixed, so that sigma is
    the projection of what the price must still become on the increments of W. The link: the traders' positions give
    the drift at which the rates that are optimal for them clear, and with it the terminal error; the discriminator's
    price is what the traders' goals are made of. All rates clear by construction, and nothing is penalised.

    A fixed point is an equilibrium: where the first gradient has conditional mean zero, every agent's strictly concave
    goal is at its maximum given the price; where the second has, the price ends at the dividend up to what no
    volatility could hedge within a step.

    Both last layers (linear in the state and in the hidden layers, per step) follow their gradients in Newton steps
    with the observed products of features, which is what makes minutes of it enough; no solution is built in, and the
    start is no trade at all.

    Parameters
    ----------
    seed
        Of networks and paths.
    objective
        "published" trains on what the paper's code trains on and gets its bias: agents see their own influence on the
        drift, squared rates are penalised, and goals are weighted (`AdversarialSettings`).
    drift
        "known": mu follows from the traders' requirements by formula, whatever the power and the number of agents.
        "unknown": the discriminator has a network for it, which follows the link.
    clearing
        "known": a common shift clears the rates in every state. "unknown": only the drift makes them clear, up to the
        error of the training; for powers other than 2 and more than two agents that error is large.
    iterations, settings
        Length of the training, and all else; without them what suits the problem.

    Other Parameters
    ----------------
    budget
        Seconds after which the training stops; the status tells.
    checkpoint
        A file from which an interrupted training goes on, bit for bit, and which it keeps up to date.
    listen
        Called with a row of numbers after each iteration.
    device
        "cpu" (on one thread) or "cuda".

    Raises
    ------
    ParameterError
        Where an argument is not allowed, or a checkpoint belongs to another training.
    """
    check_seed(seed)
    known = get_args(Known)
    words = {"objective": get_args(Objective), "drift": known, "clearing": known}
    check_choices(SimpleNamespace(objective=objective, drift=drift, clearing=clearing), words)
    check_device(device)
    settings = AdversarialSettings.of(problem, objective) if settings is None else settings
    if iterations is not None:
        settings = replace(settings, iterations=iterations)
    identity = {
        "problem": problem.to_dict(), "settings": settings.to_dict(), "seed": seed, "drift": drift,
        "clearing": clearing,
    }  # fmt: skip
    with torch_threads(1):
        game = PriceGame(problem, settings, drift=drift, clearing=clearing, seed=seed, device=device)
        file = None if checkpoint is None else Path(checkpoint)
        done = train(game, settings.iterations, identity=identity, budget=budget, checkpoint=file, listen=listen)
        game.take_averages()
        return _solution(problem, game, done, objective)


def check_device(device: str) -> None:
    """`ParameterError` unless a training can run there."""
    if device != "cpu" and not (device.startswith("cuda") and torch.cuda.is_available()):
        raise ParameterError(f"device is {device!r}, but must be 'cpu', or 'cuda' where there is such a device.")


def _solution(problem: EquilibriumProblem, game: PriceGame, done: Trained, objective: Objective) -> EquilibriumSolution:
    method, details = "adversarial", {"history": done.history, "seconds": done.seconds, "objective": objective}
    status, succeeded = settled(done, problem, game.settings)
    if not (succeeded and game.finite):
        return EquilibriumSolution.failure(problem, method, status, details)
    price = float(game.prices.price)
    return EquilibriumSolution.of(problem, method, price, learned_policy(game), status, details)


def settled(done: Trained, problem: EquilibriumProblem, settings: AdversarialSettings) -> tuple[str, bool]:
    """The status, with what speaks against the numbers at the end of the training, and whether they can be used.

    A price that misses the dividend by more than the dividend varies is worse than none. One whose volatility still
    moves is told, but kept: the error that matters to a reader may be larger.
    """
    if not done.succeeded:
        return done.status, False
    last = done.history[-max(2, math.ceil(settings.averaged * settings.iterations)) :]
    spread = problem.dividend_volatility * math.sqrt(problem.horizon)
    miss = math.sqrt(math.fsum(row["terminal"] for row in last) / len(last)) / spread
    if not miss <= _WORTHLESS:
        return (
            f"{done.status} Training diverged: the price ends {miss:.2g} standard deviations of the dividend away from "
            "it. Take smaller steps (generator_step, discriminator_step and shape_step of AdversarialSettings), more "
            "time steps, or one of the exact methods.",
            False,
        )
    volatilities = [row["volatility"] for row in last]
    moved = (max(volatilities) - min(volatilities)) / abs(math.fsum(volatilities) / len(volatilities))
    if len(last) > 1 and moved > _RESTLESS:
        return (
            f"{done.status} It has not settled: in the last {len(last)} iterations the volatility at the start moved "
            f"by {moved:.0%}. Give more iterations, or take smaller steps.",
            True,
        )
    return done.status, True


def learned_policy(game: PriceGame) -> Policy:
    """The feedback of a game's players as they now are."""
    units, traders, prices = game.units, game.traders, game.prices
    mean_value = _mean_value(game)

    def policy(k: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        with torch.no_grad(), torch_threads(1):
            now = slice(k, k + 1)
            psi = torch.as_tensor(positions, device=units.device)[None] - units.start
            w = torch.as_tensor(np.ascontiguousarray(brownian), device=units.device)[None]
            rates = traders.rates(traders.last(traders.features(psi, w), now))
            seen = prices.features(psi, w)
            volatility = prices.volatility(seen, now)
            after = psi + rates * units.step
            held = after if units.post_trade else psi
            if prices.drift is not None:
                drift = prices.drift(prices.drift_features(seen, held, w), now)
            else:
                drift = risk(units, volatility, held, w).mean(-1) + mean_value(k, psi, after, w)
            if not traders.clears:
                drift = drift - discount(units, volatility, held)
            return volatility[0].cpu().numpy(), drift[0].cpu().numpy(), rates[0].cpu().numpy()

    return policy


def _mean_value(game: PriceGame) -> Callable[[int, Tensor, Tensor, Tensor], Tensor | float]:
    """(Y mean - its conditional mean a step later) / Delta, which is 0 for power 2 or two agents."""
    units, traders, prices = game.units, game.traders, game.prices
    problem = units.problem
    nodes = _NODES * np.sqrt(units.step)

    def at(k: int, psi: Tensor, w: Tensor) -> Tensor:
        raw = traders.last(traders.features(psi, w), slice(k, k + 1))
        volatility = prices.volatility(prices.features(psi, w), slice(k, k + 1))
        return values_before(units, raw, volatility, psi, w).mean(-1)

    def change(k: int, psi: Tensor, after: Tensor, w: Tensor) -> Tensor | float:
        if problem.clears_at_mean:
            return 0.0
        following: Tensor | float = 0.0
        if k + 1 < problem.n_steps:
            following = sum(float(p) * at(k + 1, after, w + float(x)) for p, x in zip(_WEIGHTS, nodes, strict=True))
        return (at(k, psi, w) - following) / units.step

    return change
