"""The verbs: train a baseline and hand back its equilibrium."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from simcal.equilibrium.adversarial.training import Listener, Training, train
from simcal.equilibrium.baselines.combo import Combo
from simcal.equilibrium.baselines.fbsde import DeepFBSDE
from simcal.equilibrium.baselines.learner import Learner
from simcal.equilibrium.baselines.settings import BaselineSettings
from simcal.equilibrium.mean_volatility import mean_volatility
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import ParameterError
from simcal.noise import check_seed
from simcal.training import torch_threads

if TYPE_CHECKING:
    from simcal.equilibrium.adversarial.game import Game


def solve_combo(
    problem: EquilibriumProblem,
    *,
    seed: int = 0,
    iterations: int | None = None,
    budget: float | None = None,
    checkpoint: str | Path | None = None,
    listen: Listener | None = None,
    device: str = "cpu",
    settings: BaselineSettings | None = None,
) -> EquilibriumSolution:
    r"""Combo, the paper's simplest learner, made fair: traders and price trained at once on the sum of their losses,

    .. math:: \sum_n E \int \tfrac{\gamma_n}{2} (\sigma \varphi^n + \xi_n W)^2 + c(\dot\varphi^n)\, dt
        + E (S_{\bar T} - \beta \bar T - \alpha W_{\bar T})^2 ,

    in which each network takes what the other says as given: Adam, one step for both, with the derivatives along whole
    paths. In the plain sum the price would be rewarded for pleasing the traders (its S_0 has no lower bound but the
    published penalties). The cost is the true one, S_0 is trained, nothing is penalised, rates clear by construction,
    and the drift is that at which they do.

    Main arguments
    --------------
    seed
        Of networks and paths.
    iterations, settings
        Length of the training, and all else; without them what suits the problem.

    Other arguments
    ---------------
    budget
        Seconds after which the training stops; the status tells.
    checkpoint
        A file from which an interrupted training goes on, bit for bit, and which it keeps up to date.
    listen
        Called with a row of numbers after each iteration.
    device
        "cpu" (on one thread) or "cuda".

    Source: the baseline "Combo" of "Reinforced-GAN" (arXiv 2504.04300) and its code.

    Raises
    ------
    ParameterError
        Where an argument is not allowed, or a checkpoint belongs to another training.
    """
    return _solve("combo", Combo, problem, seed, iterations, budget, checkpoint, listen, device, settings)


def solve_fbsde(
    problem: EquilibriumProblem,
    *,
    seed: int = 0,
    iterations: int | None = None,
    budget: float | None = None,
    checkpoint: str | Path | None = None,
    listen: Listener | None = None,
    device: str = "cpu",
    settings: BaselineSettings | None = None,
) -> EquilibriumSolution:
    r"""Deep FBSDE, the paper's second baseline, made fair: the system of equations simulated forwards,

    .. math:: d\varphi^n = R(Y^n)\, dt, \quad dY^n = (\gamma_n \sigma (\sigma \varphi^n + \xi_n W) - \mu)\, dt
        + Z^n dW, \quad dS = \mu\, dt + \sigma\, dW,

    from an S_0 and a Y_0 of every agent that are trained with networks for Z and sigma until Y ends at zero and S at
    the dividend. mu is the drift at which the rates clear, in every state.

    Simulated forwards, an error in Y grows as exp(speed of trade * time), which no training survives where agents
    trade fast. So time has parts: at the start of each but the first Y begins anew from a network of the state, and
    what Y misses there is in the loss as what it misses at the end (multiple shooting). Rates stop to grow at marginal
    values five times the typical ones, and the loss is linear for large errors, so no path explodes.

    As Y depends on a whole path, the feedback of the solution is a regression of Y on the state.

    Main arguments
    --------------
    seed
        Of networks and paths.
    iterations, settings
        Length of the training, and all else; without them what suits the problem.

    Other arguments
    ---------------
    budget, checkpoint, listen, device
        As those of `solve_combo`.

    Source: the baseline "FBSDE" of "Reinforced-GAN" (arXiv 2504.04300) and its code.

    Raises
    ------
    ParameterError
        Where an argument is not allowed, or a checkpoint belongs to another training.
    """
    return _solve("fbsde", DeepFBSDE, problem, seed, iterations, budget, checkpoint, listen, device, settings)


def _solve(
    method: str, kind: type[Learner], problem: EquilibriumProblem, seed: int, iterations: int | None,
    budget: float | None, checkpoint: str | Path | None, listen: Listener | None, device: str,
    settings: BaselineSettings | None,
) -> EquilibriumSolution:  # fmt: skip
    check_seed(seed)
    if device != "cpu" and not (device.startswith("cuda") and torch.cuda.is_available()):
        raise ParameterError(f"device is {device!r}, but must be 'cpu', or 'cuda' where there is such a device.")
    settings = BaselineSettings.of(problem) if settings is None else settings
    if iterations is not None:
        settings = replace(settings, iterations=iterations)
    identity = {"method": method, "problem": problem.to_dict(), "settings": settings.to_dict(), "seed": seed}
    with torch_threads(1):
        learner = kind(problem, settings, seed=seed, device=device)
        file = None if checkpoint is None else Path(checkpoint)
        # A learner is all that this loop needs of a game.
        done = train(cast("Game", learner), identity, budget=budget, checkpoint=file, listen=listen)
        learner.take_averages()
        return _solution(method, problem, learner, done)


def _solution(method: str, problem: EquilibriumProblem, learner: Learner, done: Training) -> EquilibriumSolution:
    details = {"history": done.history, "seconds": done.seconds}
    if not done.succeeded or not learner.finite:
        status = done.status + ("" if learner.finite else " What was learned is not finite.")
        return _failed(method, problem, status, details)
    policy, price = learner.market().policy, float(learner.start.detach())
    volatility, drift, _ = (float(np.ravel(x)[0]) for x in policy(0, problem.initial_positions[None], np.zeros(1)))
    if problem.power != 2 and problem.n_agents > 2:
        # The drift is a ratio of numbers near 0 there; as all marginal values vanish, this is its limit.
        drift = problem.aggregate_risk_aversion * problem.supply * volatility**2
    means = mean_volatility(problem, policy, price)
    return EquilibriumSolution(problem, method, price, drift, volatility, means, policy, done.status, details)


def _failed(method: str, problem: EquilibriumProblem, status: str, details: dict[str, Any]) -> EquilibriumSolution:
    nan = float("nan")

    def policy(_: int, positions: np.ndarray, brownian: np.ndarray) -> tuple[float, float, np.ndarray]:
        return nan, nan, np.full(positions.shape, nan)

    means = np.full(problem.n_steps, nan)
    return EquilibriumSolution(problem, method, nan, nan, nan, means, policy, status, details)
