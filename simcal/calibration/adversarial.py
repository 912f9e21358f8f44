"""The estimator ``adversarial``: the game of equation (1) on windows of prices, from several starts."""

from __future__ import annotations

from pathlib import Path

from simcal.calibration.losses import Loss
from simcal.calibration.recipe import PriceRecipe
from simcal.calibration.start import StartResult, StartTask, checkpoint_path
from simcal.calibration.starts import Listener, play_all, start_markets
from simcal.calibration.statistics import Statistics
from simcal.calibration.windows import training_windows
from simcal.data import PriceSeries
from simcal.models import Market


def estimate_by_game(
    origin: Market,
    series: PriceSeries,
    recipe: PriceRecipe,
    *,
    features: Statistics | None = None,
    loss: Loss | None = None,
    out: Path | None = None,
    jobs: int | None = None,
    device: str = "cpu",
    listen: Listener | None = None,
) -> tuple[list[StartResult], None]:
    """Play the recipe's game from each of its starts; `features` and `loss` stand in for those that it names."""
    windows = training_windows(series, recipe)
    tasks = [
        StartTask(
            number=number, market=market, trainable=recipe.trainable, per_trader=recipe.per_trader, data=windows,
            settings=recipe.game, seed=recipe.seed, early_stopping=recipe.early_stopping,
            checkpoint=checkpoint_path(out, number) if out is not None else None, device=device, features=features,
            loss=loss,
        )
        for number, market in enumerate(
            start_markets(origin, recipe.trainable, recipe.per_trader, recipe.starts, recipe.seed)
        )
    ]  # fmt: skip
    return play_all(tasks, jobs=jobs, listen=listen, budget=recipe.budget), None
