"""From a request table and a recipe to a calibrated dealer market, by every method that the recipe names."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simcal import models
from simcal.calibration.calibrate import origin_of
from simcal.calibration.prices import choose, source_of
from simcal.calibration.recipe import Recipe, RequestSettings
from simcal.calibration.result import history_of, starts_table
from simcal.calibration.starts import Listener
from simcal.calibration.statistics import statistics
from simcal.data import request_catalogue
from simcal.errors import DataError, NumericalError, NumericalWarning, ParameterError
from simcal.files import make_folder
from simcal.models import Market
from simcal.rfq.estimators.calibration import OwnDealer, RfqCalibration, training_requests
from simcal.rfq.estimators.estimate import Estimate
from simcal.rfq.estimators.game import adversarial_estimate, play_games
from simcal.rfq.estimators.likelihood import check_sample, fit_likelihood, fit_quotes
from simcal.rfq.estimators.moments import fit_moments
from simcal.rfq.estimators.sample import Sample, sample_of
from simcal.rfq.market import SPECS, RfqMarket
from simcal.rfq.table import Requests, load_requests

_NOTICED = 3.0  # standard errors from which on an effect is taken to be there


def calibrate_rfq(
    market: Market | None, data: Any, recipe: Recipe, *, out: Path | None = None,
    mapping: Mapping[str, str] | None = None, jobs: int | None = None, device: str = "cpu",
    listen: Listener | None = None,
) -> RfqCalibration:  # fmt: skip
    """Estimate client and rivals by every method of the recipe, and make a market of the chosen method's estimates.

    See `simcal.calibrate`. `market`, or the recipe's, gives what is not estimated; where it has an inventory skew,
    dealers mind their inventories.
    """
    origin = origin_of(market, recipe)
    if not isinstance(origin, RfqMarket):
        raise ParameterError(
            f"The recipe {recipe.name} has a section [requests], but the market {recipe.market!r} is calibrated to "
            'prices; give market = "rfq" and request data, or leave it out.'
        )
    check_rfq_recipe(recipe)
    settings, requests = recipe.requests, load_requests(data, mapping)
    part = training_requests(requests, recipe)
    sample = request_sample(part, settings)
    check_sample(sample)
    if out is not None:
        make_folder(out)  # before the training, which would be lost with it
    began = time.monotonic()
    skewed = "inventory_skew" in recipe.trainable
    chosen = settings.chosen or ("adversarial" if skewed else settings.methods[0])
    found, starts, chosen_start = closed_fits(sample, settings), [], 0
    if "adversarial" in settings.methods:
        try:
            starts, (windows,) = play_games(
                origin, [sample], recipe, out=out, jobs=jobs, listen=listen, device=device
            )  # fmt: skip
            chosen_start = choose(starts)
            found["adversarial"] = adversarial_estimate(starts[chosen_start], windows, recipe, sample.n)
        except DataError as error:  # the table does not serve for windows
            if chosen == "adversarial":
                raise
            warnings.warn(f"The adversarial method is left out. {error}", NumericalWarning, stacklevel=4)
    fits = tuple(found[method] for method in settings.methods if method in found)
    for fit in fits:
        if not np.isfinite(fit.values).all():
            raise NumericalError(f"The method {fit.method} ended with numbers that are not finite. {fit.status}")
    values = dict(zip(found[chosen].names, map(float, found[chosen].values), strict=True))
    own = own_dealer(part, rivals_skew=values.get("inventory_skew", 0.0))
    calibration = RfqCalibration(
        compose(origin, part, values, own), origin, recipe, requests, fits, chosen, own,
        starts_table(starts, chosen_start), history_of(starts), time.monotonic() - began, _known_truth(data),
        source_of(data), dict(mapping or {}),
    )  # fmt: skip
    if out is not None:
        calibration.save(out)
    return calibration


def check_rfq_recipe(recipe: Recipe) -> None:
    """`ParameterError` where the recipe's statistics cannot be those of its view of requests."""
    if "adversarial" not in recipe.requests.methods:
        return
    name, view = recipe.game.statistics, recipe.requests.view
    fitting = [f"requests{serial}{'-platform' * (view == 'platform')}" for serial in ("", "-inventory")]
    statistics(name)
    wanted = fitting[1:] if "inventory_skew" in recipe.trainable else fitting
    if name not in wanted:
        raise ParameterError(
            f"The recipe {recipe.name} has game.statistics {name!r}, but its view of the requests ({view!r}) "
            f"and its parameters need {' or '.join(map(repr, wanted))}; change the one or the other."
        )


def request_sample(requests: Requests, settings: RequestSettings) -> Sample:
    """What the methods read of the table."""
    told: Any = {name: name in settings.told for name in ("covers", "traded_prices", "ranks")}
    return sample_of(requests, view=settings.view, **told)


def _known_truth(data: Any) -> RfqMarket | None:
    """The market that made a table of the catalogue: it has the same name."""
    if isinstance(data, str) and data in request_catalogue() and data in models.names():
        market = models.load(data)
        return market if isinstance(market, RfqMarket) else None
    return None


def closed_fits(sample: Sample, settings: RequestSettings) -> dict[str, Estimate]:
    """The estimates of the methods that integrate instead of playing."""
    options: dict[str, Any] = {"platform": settings.view == "platform", "shape_prior": settings.shape_prior}
    methods = {"likelihood": fit_likelihood, "moments": fit_moments}
    return {name: fit(sample, **options) for name, fit in methods.items() if name in settings.methods}


# -- the market that it leaves: client and rivals estimated, the own dealer as it quoted, the rest counted ----------


def own_dealer(requests: Requests, *, rivals_skew: float = 0.0) -> OwnDealer:
    """The own dealer's law; its skew by least squares on its inventory, else that of the rivals.

    The skew is kept where it is three standard errors above zero.
    """
    rows = np.isfinite(requests.quote) & requests.quoted
    margins = requests.margin[rows]
    if requests.inventory_before is None:
        return OwnDealer(fit_quotes(margins), rivals_skew)
    lean, skew = -requests.side[rows] * requests.inventory_before[rows], 0.0
    centred = lean - lean.mean()
    if centred.any():
        slope = float(centred @ margins / (centred @ centred))
        rest = margins - margins.mean() - slope * centred
        noticed = _NOTICED * float(np.sqrt(rest @ rest / (len(rest) * (centred @ centred))))
        skew = slope if slope >= noticed else 0.0
    return OwnDealer(fit_quotes(margins - skew * lean), skew)


def exogenous(requests: Requests) -> dict[str, Any]:
    """What no dealer decides, counted in the table: panels, sides, sizes, spread and mid."""
    n, panels = requests.n, requests.n_dealers
    most = int(panels.max())
    counts = np.bincount(panels, minlength=most + 1)[1:]
    sizes = np.log(requests.size)
    half_spread = float(requests.half_spread.mean())
    return {
        "n_dealers": most,
        "panel_weights": None if (panels == most).all() else tuple(float(c) / n for c in counts),
        "buy_share": float(np.mean(requests.side > 0)),
        "half_spread": half_spread,
        "size_median": float(np.exp(np.median(sizes))),
        "size_log_sd": float(min(np.std(sizes), SPECS["size_log_sd"].high)),
        **_mid(requests, half_spread),
    }


def _mid(requests: Requests, half_spread: float) -> dict[str, Any]:
    """A walk where the next mid is nearer than another at random, else a uniform law over the range."""
    mid = requests.mid
    moves = np.diff(mid)
    spread = float(mid.std())
    if spread > 0 and len(moves) and float(np.sqrt(np.mean(moves**2))) > spread and mid.min() > half_spread:
        return {"mid_law": "uniform", "mid_low": float(mid.min()), "mid_high": float(mid.max())}
    if not len(moves):
        return {"mid_law": "walk", "initial_price": float(mid[-1])}
    toward = requests.side[:-1] * moves / half_spread
    information = float(toward.mean())
    if abs(information) < _NOTICED * float(toward.std() / np.sqrt(len(moves))):
        information = 0.0
    volatility = float((moves - requests.side[:-1] * information * half_spread).std())
    first = {"mid_law": "walk", "initial_price": float(mid[-1])}
    return first | {"mid_volatility": volatility, "information": information}


def compose(origin: RfqMarket, requests: Requests, values: Mapping[str, float], own: OwnDealer) -> RfqMarket:
    """The calibrated market, with the hard rule: it can be simulated and traded in; the own dealer is dealer 0.

    `origin` gives what is not estimated, such as the tick; `values` are the client's and the rivals' parameters by
    name, the rivals' skew among them where it was estimated.
    """
    counted = exogenous(requests)
    n_rivals = counted["n_dealers"] - 1
    dealers = {name: (own.law.value(name), values[name]) for name in ("quote_mean", "quote_scale", "quote_shape")}
    dealers["inventory_skew"] = (own.skew, values.get("inventory_skew", 0.0))
    changes: dict[str, Any] = {name: (mine, *[theirs] * n_rivals) for name, (mine, theirs) in dealers.items()}
    changes |= {name: value for name, value in values.items() if name.startswith("client_")}
    return RfqMarket(temperature=origin.temperature, tick=origin.tick, rule="hard", **counted, **changes)
