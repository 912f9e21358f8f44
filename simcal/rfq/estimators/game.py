"""The adversarial route: the game of the stock market, played on windows of requests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from simcal.calibration.discriminator import Normaliser
from simcal.calibration.gan import GameData
from simcal.calibration.recipe import CLIENT_AND_QUOTES, GameSettings, Recipe
from simcal.calibration.start import StartResult, StartTask
from simcal.calibration.starts import Listener, play_all, start_markets
from simcal.calibration.statistics import statistics
from simcal.errors import DataError
from simcal.parameters import flat_values
from simcal.rfq.estimators.estimate import Estimate, inverse_information
from simcal.rfq.estimators.likelihood import starting_values
from simcal.rfq.estimators.sample import Event, Sample, View
from simcal.rfq.market import RfqMarket
from simcal.rfq.rules import GIVEN, SEEN

FEWEST_WINDOWS = 50
"""Windows that a game needs at least: their covariance weighs the statistics."""

COPIES = 8
"""Simulations of all windows behind the standard errors; the first two give the Jacobian."""

_JACOBIAN_COPIES = 2
_SMALL_SKEW = 0.05  # half spreads per request of mean size, where the search for the skew begins
_SEED = 0x5EED  # the standard errors' noise is not that of the game


def request_windows(sample: Sample, *, view: View, window: int, warm_up: int) -> GameData:
    """Windows of consecutive requests, one after the other, each after `warm_up` requests that belong to it.

    Returns
    -------
    ``train`` (n, len(SEEN), window + 1), whose first entry is the request before the window (zeros where there is
    none), and ``given`` (n, len(GIVEN), warm_up + window + 1), whose first entry is not used.

    Raises
    ------
    DataError
        The sample is too short, or does not tell whether clients traded at all.
    """
    if (sample.event == Event.LOST).any():
        raise DataError(
            "Some requests have the status LOST, which does not say whether the client traded with another dealer; the "
            "adversarial method needs to know that. Use the methods likelihood and moments, or fill in the statuses."
        )
    count = (sample.n - warm_up) // window
    if count < FEWEST_WINDOWS:
        raise DataError(
            f"The table holds {sample.n} requests, which make {max(count, 0)} windows of {window}, but the adversarial "
            f"method needs at least {FEWEST_WINDOWS}; give a longer table or a smaller game.window."
        )
    # The last requests, so that the whole table is used but for a rest at its beginning.
    ends = sample.n - np.arange(count)[::-1] * window
    channels = _channels(sample, view)
    seen = np.pad(np.stack(list(channels.values())), ((0, 0), (1, 0)))
    given = np.pad(np.stack([channels[name] for name in GIVEN]), ((0, 0), (1, 0)))
    train = seen[:, ends[:, None] + np.arange(-window, 1)]
    before = given[:, ends[:, None] + np.arange(-window - warm_up, 1)]
    return GameData(train.transpose(1, 0, 2), given=before.transpose(1, 0, 2))


def _channels(sample: Sample, view: View) -> dict[str, np.ndarray]:
    """`SEEN`, of which `GIVEN` is a part, each (n,)."""
    done, absent = sample.done.astype(float), np.full(sample.n, np.nan)
    rival, best, cover = absent, absent, np.where(sample.event == Event.DONE_COVER, sample.other, np.nan)
    if view == "platform":
        rival, best, cover = sample.best_rival, *sample.ordered[:, :2].T
    given = (sample.side, sample.size, sample.rivals + 1, sample.margin)
    return dict(zip(SEEN, (*given, rival, best, cover, done, done + sample.away), strict=True))


def starting_market(origin: RfqMarket, sample: Sample, trainable: Sequence[str]) -> RfqMarket:
    """Where the game begins: client and equal dealers at `starting_values`, as many as the largest panel.

    Dealers with inventories trade by the smoothed rule, at the temperature of `origin`: the hard one has no gradient.
    """
    values = dict(zip(CLIENT_AND_QUOTES, map(float, starting_values(sample)), strict=True))
    skewed = "inventory_skew" in trainable
    return RfqMarket(
        n_dealers=int(sample.rivals.max()) + 1,
        inventory_skew=_SMALL_SKEW / float(np.mean(sample.size)) if skewed else 0.0,
        rule="smoothed" if skewed else "hard",
        temperature=origin.temperature,
        **values,
    )


def play_games(
    origin: RfqMarket, samples: Sequence[Sample], recipe: Recipe, *, out: Path | None, jobs: int | None,
    listen: Listener | None, device: str = "cpu",
) -> tuple[list[StartResult], list[GameData]]:  # fmt: skip
    """How the games ended, all starts of one sample after those of another, and the windows of each sample."""
    game, tasks, windows = recipe.game, [], []
    for sample in samples:
        windows.append(request_windows(sample, view=recipe.requests.view, window=game.window, warm_up=game.warm_up))
        tasks += adversarial_tasks(
            starting_market(origin, sample, recipe.trainable), windows[-1], recipe, first_number=len(tasks),
            checkpoints=None if out is None else out / "checkpoints", device=device,
        )  # fmt: skip
    return play_all(tasks, jobs=jobs, listen=listen, budget=recipe.budget), windows


def adversarial_tasks(
    start: RfqMarket, data: GameData, recipe: Recipe, *, checkpoints: Path | None, first_number: int = 0,
    device: str = "cpu",
) -> list[StartTask]:  # fmt: skip
    """The starts of the recipe as tasks of `play_all`, numbered from `first_number` on.

    With a folder for checkpoints they can be continued. The batch is raised to whole copies of the real windows, which
    then share all that is given.
    """
    markets, n = start_markets(start, recipe.trainable, (), recipe.starts, recipe.seed), len(data.train)
    settings = recipe.game.model_copy(update={"batch": max(math.ceil(recipe.game.batch / n), 1) * n})
    return [
        StartTask(
            number=number, market=market, trainable=recipe.trainable, per_trader=(), data=data,
            settings=settings, seed=recipe.seed,
            checkpoint=None if checkpoints is None else checkpoints / f"start-{number}.safetensors", device=device,
        )
        for number, market in enumerate(markets, start=first_number)
    ]  # fmt: skip


def adversarial_estimate(result: StartResult, data: GameData, recipe: Recipe, n: int) -> Estimate:
    """What the game found, with standard errors."""
    names = recipe.trainable
    values = np.array(list(flat_values(result.market, names).values()))
    covariance = covariance_of_estimate(result.market, names, data, recipe.game) if result.succeeded else None
    said = result.status[0].upper() + result.status[1:] + "."
    if result.succeeded and covariance is None:
        said += " The statistics do not identify all of the parameters."
    k = len(names)
    return Estimate(
        "adversarial", tuple(names), values, np.full((k, k), np.nan) if covariance is None else covariance, said,
        covariance is not None, result.seconds, n,
    )  # fmt: skip


def covariance_of_estimate(
    market: object, names: Sequence[str], data: GameData, settings: GameSettings
) -> np.ndarray | None:
    """The sandwich (J' J)^-1 J' S J (J' J)^-1 / n of an estimator that matches means of normalised statistics.

    J is the Jacobian of the simulated means, by backward passes through the twin; S the covariance over windows of real
    statistics less their simulated expectations on the same given requests, so that these add no noise. None where the
    statistics do not identify the parameters.
    """
    windows = torch.as_tensor(np.array(data.train), dtype=torch.float64)
    given = torch.as_tensor(np.array(data.given), dtype=torch.float64)
    features = statistics(settings.statistics).fitted(windows)
    real = features(windows)
    normalise = Normaliser(real, settings.normalise, settings.shrinkage)
    twin = market.twin(names, dtype=torch.float64)  # type: ignore[attr-defined]
    n, n_steps = len(windows), settings.warm_up + settings.window
    total, jacobian = torch.zeros_like(real), torch.zeros(real.shape[1], len(names), dtype=torch.float64)
    for copy in range(COPIES):
        with torch.set_grad_enabled(copy < _JACOBIAN_COPIES):
            seen = twin.simulate(_SEED, copy * n, n, n_steps, given=given)
            fake = normalise(features(seen[:, settings.warm_up :].transpose(1, 2)))
        if copy < _JACOBIAN_COPIES:
            jacobian += _jacobian(fake.mean(dim=0), list(twin.trainable.free.values())) / _JACOBIAN_COPIES
        total += fake.detach() / COPIES
    natural = _jacobian(torch.stack(list(twin.trainable.values().values())), list(twin.trainable.free.values()))
    j = jacobian.numpy() / np.diag(natural.numpy())
    noise = np.cov((normalise(real) - total).numpy(), rowvar=False)
    inverse = inverse_information(j.T @ j)
    return None if inverse is None else inverse @ (j.T @ noise @ j) @ inverse / n


def _jacobian(outputs: torch.Tensor, inputs: list[torch.Tensor]) -> torch.Tensor:
    """Derivatives of outputs (m,) in scalar inputs, (m, k); zero where one does not depend on the other."""
    rows = []
    for output in outputs:
        gradients = torch.autograd.grad(output, inputs, retain_graph=True, allow_unused=True)
        rows.append(torch.stack([torch.zeros(()) if g is None else g.double() for g in gradients]))
    return torch.stack(rows)
