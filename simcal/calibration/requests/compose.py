"""The market that a calibration leaves: client and rivals estimated, the own dealer as it quoted, the rest counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simcal.calibration.requests.estimate import Estimate
from simcal.calibration.requests.fit import fit_quotes
from simcal.data.requests import Requests
from simcal.models.dealers.market import RfqMarket
from simcal.models.dealers.specs import SPECS

_NOTICED = 3.0  # standard errors from which on an effect is taken to be there


@dataclass(frozen=True)
class OwnDealer:
    """How the own dealer quotes: the law of its margins with a flat inventory, and how it leans against it."""

    law: Estimate
    skew: float


def own_dealer(requests: Requests, *, rivals_skew: float = 0.0) -> OwnDealer:
    """The own dealer's law; its skew by least squares on its inventory, else that of the rivals.

    The skew is kept where it is three standard errors above zero.
    """
    rows = np.isfinite(requests.quote) & requests.quoted
    margins = requests.margin[rows]
    if requests.inventory_before is None:
        return OwnDealer(fit_quotes(margins), rivals_skew)
    lean = -requests.side[rows] * requests.inventory_before[rows]
    centred = lean - lean.mean()
    if not centred.any():
        return OwnDealer(fit_quotes(margins), 0.0)
    skew = float(centred @ margins / (centred @ centred))
    rest = margins - margins.mean() - skew * centred
    error = float(np.sqrt(rest @ rest / (len(rest) * (centred @ centred))))
    if skew < _NOTICED * error:
        skew = 0.0
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
    toward = requests.side[:-1] * moves / half_spread
    information = float(toward.mean()) if len(moves) else 0.0
    error = float(toward.std() / max(np.sqrt(len(moves)), 1.0)) if len(moves) else 0.0
    if abs(information) < _NOTICED * error:
        information = 0.0
    rest = moves - requests.side[:-1] * information * half_spread
    return {
        "mid_law": "walk",
        "initial_price": float(mid[-1]),
        "mid_volatility": float(rest.std()) if len(rest) else 0.0,
        "information": information,
    }


def compose(origin: RfqMarket, requests: Requests, values: Mapping[str, float], own: OwnDealer) -> RfqMarket:
    """The calibrated market, with the hard rule: it can be simulated and traded in.

    Parameters
    ----------
    origin
        Gives what is not estimated, such as the tick.
    requests
        What was calibrated to.
    values
        Client's and rivals' parameters by name, the rivals' skew among them where it was estimated.
    own
        The own dealer, who becomes dealer 0.
    """
    counted = exogenous(requests)
    n_rivals = counted["n_dealers"] - 1
    dealers = {name: (own.law.value(name), values[name]) for name in ("quote_mean", "quote_scale", "quote_shape")}
    dealers["inventory_skew"] = (own.skew, values.get("inventory_skew", 0.0))
    changes: dict[str, Any] = {name: (mine, *[theirs] * n_rivals) for name, (mine, theirs) in dealers.items()}
    changes |= {name: value for name, value in values.items() if name.startswith("client_")}
    tick = origin.tick
    return RfqMarket(temperature=origin.temperature, tick=tick, rule="hard", **counted, **changes)
