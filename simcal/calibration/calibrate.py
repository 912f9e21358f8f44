"""The verb `calibrate`: from data and a recipe to a calibrated market."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simcal import models
from simcal.calibration.losses import LOSSES, Loss
from simcal.calibration.prior import with_prior_from
from simcal.calibration.recipe import Recipe, check_recipe, load_recipe
from simcal.calibration.runs import RUNS
from simcal.calibration.starts import Listener, check_jobs
from simcal.calibration.statistics import Statistics, statistics
from simcal.definition import PriceMarket
from simcal.definition.likelihood import has_likelihood
from simcal.errors import ParameterError
from simcal.models import Market
from simcal.user_code import is_reference, require_trust, trusting

DEFAULT_RECIPE = "likelihood"
_GAME = "sp500-herding"  # whose game a market without a likelihood plays


def calibrate(
    market: Market | type[Market] | str | Path | None,
    data: Any,
    *,
    recipe: Recipe | str | Path | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    budget: float | None = None,
    starts: int | None = None,
    iterations: int | None = None,
    estimator: str | Callable[..., Any] | None = None,
    statistics: str | Statistics | Callable[[Any], Any] | None = None,
    loss: str | Loss | None = None,
    prior_from: str | Path | None = None,
    jobs: int | None = None,
    device: str = "cpu",
    listen: Listener | None = None,
    mapping: Mapping[str, str] | None = None,
    trust: bool = False,
) -> Any:
    """Calibrate a market: to a price series by an estimator, or to other data as the recipe's kind says.

    A recipe with a section [requests] calibrates a dealer market to a request table, by several methods; one with a
    section [equilibrium] a market with trading costs to prices and volume, by moments.

    Parameters
    ----------
    market
        Where to start, as it is: what `simcal.load` takes. None takes the recipe's with the recipe's changes.
    data
        A catalogue name, a CSV or Parquet file, ``FILE.py:NAME``, a pandas object, an array of prices or a
        `PriceSeries`; for a dealer market what `load_requests` takes. None takes the recipe's.
    recipe
        A name from ``calibration/``, a TOML file or a `Recipe`; its first ``train_share`` of the data is used. None:
        "likelihood", or for a market that has not its parameters `default_recipe`.
    out
        A run folder; with one, the run can be killed and continued, and leaves its record there.

    Other Parameters
    ----------------
    seed, budget, starts, iterations
        Override the recipe's. The budget is in seconds of wall time; the recipe's own does not apply where iterations
        are given.
    estimator
        "adversarial", "moments" or one of your own; overrides the recipe's, as do the next two.
    statistics, loss
        What the discriminator (or the moments) see, and what the game is about: a name, ``FILE.py:NAME``, or the thing.
    prior_from
        Of an estimate by likelihood: where its prior is learned from, a folder of runs on other series (as
        `calibrate_many` leaves it), a CSV file, or a name from ``calibration/``.
    jobs
        Starts played at the same time, each in a process of its own; one per core when absent.
    device
        Where the twin runs, "cpu" or "cuda".
    listen
        Called with (start number, history row) now and then, for progress.
    mapping
        Of a request table, which column is which: ours -> the file's, see `load_requests`.
    trust
        Whether Python files that the recipe or a run folder names may be run.

    Returns
    -------
    A `Calibration`; a `RfqCalibration` or an `EquilibriumCalibration` by recipes of these kinds.

    Raises
    ------
    ParameterError, DataError
        The arguments cannot be used, in one sentence.
    NumericalError
        No start ended with finite numbers.

    Examples
    --------
    >>> import numpy as np, simcal
    >>> prices = 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(0).standard_normal(400)))
    >>> recipe = Recipe.model_validate(
    ...     {"name": "tiny", "trainable": ["impact"], "game": {"window": 20, "batch": 30, "iterations": 3}}
    ... )
    >>> simcal.calibrate("stock", prices, recipe=recipe, jobs=1).status
    'all 3 iterations played'
    """
    with trusting(trust):
        start = None if market is None else models.load(market)
        if recipe is None:
            recipe = default_recipe(start)
        recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
        recipe = override(recipe, seed=seed, budget=budget, starts=starts, iterations=iterations)
        if prior_from is not None:
            recipe = with_prior_from(recipe, prior_from)
        given = {"market": market, "starts": starts, "iterations": iterations, "mapping": mapping or None,
                 "device": None if device == "cpu" else device,
                 "estimator": estimator, "statistics": statistics, "loss": loss}  # fmt: skip
        recipe.refuse({name: value for name, value in given.items() if value is not None})
        check_device(device)
        check_jobs(jobs)
        data = recipe.data if data is None else data
        if data is None:
            raise ParameterError(
                f"No data were given, and the recipe {recipe.name} names none; give a price series or a request table."
            )
        own = {"estimator": estimator, "features": statistics, "loss": loss}
        return RUNS.find(recipe.run).calibrate(
            start, data, recipe, out=None if out is None else Path(out),
            jobs=jobs, device=device, listen=listen, mapping=mapping,
            **{name: thing for name, thing in own.items() if thing is not None},
        )  # fmt: skip


def default_recipe(market: Market | None) -> Recipe:
    """The recipe for prices where none is named.

    That by exact likelihood, for no market or one that has its parameters. For any other market all its real parameters
    that are not 0, on a bound or prices are trained by the game of stylised facts, or by simulated moments where the
    market has no gradients.
    """
    recipe = load_recipe(DEFAULT_RECIPE)
    if market is None or (set(recipe.trainable) <= set(market.SPECS) and has_likelihood(market, recipe.trainable)):
        return recipe
    trainable = []
    for name, spec in market.SPECS.items():
        if spec.trainable and not spec.integer and spec.unit != "price":
            values = np.ravel(getattr(market, name))
            if values.any() and (values > spec.low).all() and (values < spec.high).all() and np.ptp(values) == 0:
                trainable.append(name)
    if not trainable:
        raise ParameterError(
            f"The {market.kind} market has no parameter that is neither 0 nor on a bound; name those to calibrate in a "
            "recipe, under trainable."
        )
    values = load_recipe(_GAME).model_dump() | {
        "name": "own", "description": f"Every parameter of a {market.kind} market that is not off",
        "market": market.kind, "changes": {},
        "trainable": trainable, "match_scale": _has_scale(market), "match_growth": "growth" in market.SPECS,
        "estimator": "adversarial" if isinstance(market, PriceMarket) else "moments",
    }  # fmt: skip
    return check_recipe(values)


def _has_scale(market: Market) -> bool:
    try:
        market.rescaled(1.0)
    except ParameterError:
        return False
    return True


def origin_of(market: Market | None, recipe: Recipe) -> Market:
    """The market that is given as it is, or else the recipe's with its changes."""
    if market is not None:
        return market
    if is_reference(recipe.market):
        require_trust(recipe.market, f"The recipe {recipe.name}")
    return models.load(recipe.market).replace(**recipe.changes)


def features_of(given: Any, name: str, recipe: Recipe) -> Statistics:
    """The statistics that the caller gave, or else those that the recipe names."""
    if given is None and is_reference(name):
        require_trust(name, f"The recipe {recipe.name}")
    return statistics(name if given is None else given)


def loss_of(given: str | Loss | None, recipe: Recipe) -> Loss:
    """The loss that the caller gave, or else the one that the recipe names."""
    if given is None and is_reference(recipe.game.loss):
        require_trust(recipe.game.loss, f"The recipe {recipe.name}")
    found = LOSSES.take(recipe.game.loss if given is None else given)
    if not isinstance(found, Loss):
        raise ParameterError(f"The loss is of type {type(found).__name__}; give a Loss, or the name of one.")
    return found


def override(
    recipe: Recipe, *, seed: int | None, budget: float | None, starts: int | None, iterations: int | None
) -> Recipe:
    """The recipe with what the caller set; checked like the file."""
    values = recipe.model_dump()
    if seed is not None:
        values["seed"] = seed
    if budget is not None:
        values["budget"] = budget
    if starts is not None and "starts" in values:
        values["starts"]["count"] = starts
    if iterations is not None and "game" in values:
        values["game"]["iterations"] = iterations
        values["budget"] = budget  # the recipe's was made for its own number of iterations
    return check_recipe(values)


def check_device(device: str) -> None:
    """`ParameterError` where PyTorch cannot compute there."""
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise ParameterError(
            f"device is {device!r}, but this PyTorch cannot compute there; give 'cpu', or 'cuda' on a machine with it."
        ) from None
