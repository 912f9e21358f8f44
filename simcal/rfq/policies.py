"""Pricing policies: quoting functions that come with simcal, and what a user calls a strategy, ready and watched.

Quoting functions are called with (side, size, n_dealers, mid, half_spread, inventory, step) and return a margin in half
spreads. Those here are made of arithmetic that NumPy does on arrays and Numba on numbers, so that
``numba.njit(fixed(0.5))`` is the same policy, compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simcal.errors import ParameterError
from simcal.rfq.closed_forms import expected_margin_profit, optimal_margin
from simcal.rfq.kernel.chunks import is_compiled
from simcal.rfq.market import Quoting, RfqMarket
from simcal.trading.orders.forms import load_strategy

ARGUMENTS = "(side, size, n_dealers, mid, half_spread, inventory, step)"
REMEDY = "return one finite margin in half spreads per path; to turn a request down, one that nobody takes, such as 1e6"
_TABLE = 161  # costs at which the averse policy knows its margin


def fixed(margin: float) -> Quoting:
    """The same margin for every request."""
    margin = finite_number("margin", margin)

    def quote(side, size, n_dealers, mid, half_spread, inventory, step):
        return margin + 0.0 * side

    return quote


def skewed(margin: float, skew: float) -> Quoting:
    """A margin, and both prices lower by `skew` half spreads per unit held: margin - side * skew * inventory."""
    margin, skew = finite_number("margin", margin), finite_number("skew", skew)

    def quote(side, size, n_dealers, mid, half_spread, inventory, step):
        return margin - side * (skew * inventory)

    return quote


def optimal(market: RfqMarket, cost: float | None = None) -> Quoting:
    """The one margin with the largest expected profit against this market's rivals, `best_margin` at a cost.

    `cost` is what a trade is expected to lose after it, in half spreads; None is the market's ``information``.
    """
    return fixed(best_margin(market, market.information if cost is None else finite_number("cost", cost)))


def averse(market: RfqMarket, risk_aversion: float) -> Quoting:
    r"""Margins that lean against the inventory as far as its risk is worth it.

    Maximises, per request, expected profit less :math:`\frac{\gamma}{2} \sigma^2 q^2` for an inventory q, sigma the
    mid's volatility in half spreads per request (Avellaneda and Stoikov 2008; Gueant, Lehalle and Fernandez-Tapia 2013;
    the quadratic approximation is that of Bergault, Evangelista, Gueant and Vieira 2021). With the profit of a request
    at cost p, :math:`H(p) = \max_x (x - p) h(x)`, h the hit curve, the value of an inventory is -A q^2 where the terms
    in q^2 of the stationary equation balance:

    .. math:: \tfrac12 \gamma \sigma^2 = 2 E[z] H''(0) A^2, \qquad z \text{ the size}

    A trade of size z then costs :math:`p = A (z - 2 d q)` per unit, d the side, and the margin is the best one at this
    cost plus the market's ``information``.

    Parameters
    ----------
    market
        With the hard rule.
    risk_aversion
        gamma, per half spread and unit.
    """
    gamma = finite_number("risk_aversion", risk_aversion)
    if gamma < 0:
        raise ParameterError(f"risk_aversion is {gamma:g}, but must be at least 0.")
    market = market.replace(inventory_skew=0.0, tick=0.0)
    volatility = market.mid_volatility / market.half_spread
    mean_size = market.size_median * float(np.exp(0.5 * market.size_log_sd**2))
    base, step = market.information, 0.05 * (market.client_scale + 0.1)
    near = base + step * np.array([-1.0, 0.0, 1.0])
    profits = expected_margin_profit(market, optimal_margin(market, near), near)
    curvature = max((profits[0] - 2 * profits[1] + profits[2]) / step**2, 1e-12)
    slope = 0.5 * np.sqrt(gamma * volatility**2 / (mean_size * curvature))
    reach = 4.0 * market.client_scale + 1.0
    costs = np.linspace(base - reach, base + reach, _TABLE)
    margins = optimal_margin(market, costs)

    def quote(side, size, n_dealers, mid, half_spread, inventory, step):
        cost = base + slope * (size - 2.0 * side * inventory)
        beyond = np.minimum(cost - costs[0], 0.0) + np.maximum(cost - costs[-1], 0.0)
        return np.interp(cost, costs, margins) + beyond

    return quote


def best_margin(market: RfqMarket, cost: Any = 0.0) -> Any:
    """`closed_forms.optimal_margin` of the market without inventory skew and tick, at a cost or at several (any shape).

    Raises
    ------
    ParameterError
        Where the market has the smoothed rule, for which there is no hit curve in closed form.
    """
    return optimal_margin(market.replace(inventory_skew=0.0, tick=0.0), cost)


def finite_number(name: str, value: Any) -> float:
    """`value` as a finite float, or `ParameterError`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not np.isfinite(float(value)):
        raise ParameterError(f"{name} is {value!r}, but must be a finite number.")
    return float(value)


# -- strategies that are ready to quote -----------------------------------------------------------------------------


BUILT_IN: dict[str, tuple[Callable[..., Quoting | None], dict[str, bool]]] = {
    "own": (lambda market: None, {}),
    "fixed": (lambda market, margin: fixed(margin), {"margin": True}),
    "optimal": (optimal, {"cost": False}),
    "skewed": (lambda market, margin, skew: skewed(margin, skew), {"margin": False, "skew": True}),
    "averse": (averse, {"risk_aversion": True}),
}
"""Strategies by name: how each is made, and its options with whether they must be given."""


@dataclass(frozen=True)
class Policy:
    """A strategy that is ready to quote: a name, a Python or compiled function (None: dealer 0's own law), and a shift.

    The shift is added to every margin, in half spreads.
    """

    name: str
    quoting: Quoting | None = None
    shift: float = 0.0

    @property
    def compiled(self) -> bool:
        """Whether Numba has compiled the function."""
        return self.quoting is not None and is_compiled(self.quoting)

    def shifted(self, shift: float) -> Policy:
        """The same policy with all margins higher by `shift`."""
        return replace(self, shift=self.shift + shift)


def policy_of(strategy: Any, market: RfqMarket, options: Mapping[str, float] | None = None) -> Policy:
    """The policy that a strategy stands for in a market; `ParameterError` where it stands for none."""
    if isinstance(strategy, Policy):
        return strategy
    if options is not None and not isinstance(options, Mapping):
        raise ParameterError(f"options is {options!r:.60}, but must be a mapping such as {{'margin': 0.5}}.")
    if isinstance(strategy, str) and strategy in BUILT_IN:
        return _built_in(strategy, market, dict(options or {}))
    name, known = strategy, ", ".join(BUILT_IN)
    if isinstance(strategy, str):
        if ":" not in strategy:
            raise ParameterError(
                f"There is no strategy {strategy!r}; known are {known}, and FILE.py:NAME for one of your own."
            )
        strategy = load_strategy(strategy)
    else:
        name = getattr(strategy, "__name__", type(strategy).__name__)
    if not callable(strategy):
        raise ParameterError(
            f"The strategy is of type {type(strategy).__name__}, but must be a function {ARGUMENTS} -> margin, "
            f"FILE.py:NAME, or one of {known}."
        )
    if options:
        raise ParameterError(
            f"The options {', '.join(options)} belong to a strategy known by name, not to the function {name}; write "
            "them into the function."
        )
    return Policy(str(name), strategy)


def _built_in(name: str, market: RfqMarket, options: dict[str, Any]) -> Policy:
    make, allowed = BUILT_IN[name]
    unknown = next((key for key in options if key not in allowed), None)
    if unknown is not None:
        says = f"it takes {', '.join(allowed)}" if allowed else "it takes none"
        raise ParameterError(f"The strategy {name} has no option {unknown}; {says}.")
    missing = next((key for key, needed in allowed.items() if needed and key not in options), None)
    if missing is not None:
        raise ParameterError(
            f"The strategy {name} needs {missing}; give options={{'{missing}': ...}}, or --set {missing}=... in a "
            "command. As a baseline, which takes no options, give a function that has it."
        )
    if name == "skewed" and "margin" not in options:
        options["margin"] = best_margin(market, market.information)
    options = {key: finite_number(key, value) for key, value in options.items()}
    label = f"{name} ({', '.join(f'{k} {v:.4g}' for k, v in options.items())})" if options else name
    return Policy(label, make(market, **options))


class Watched:
    """A policy's function under observation: every answer is checked, every mistake told.

    `first_path` is the number of the first path, for messages. A compiled function is called path by path.
    """

    def __init__(self, policy: Policy, first_path: int) -> None:
        quoting: Any = policy.quoting
        self.policy, self.first_path = policy, first_path
        self.function: Callable[..., Any] = np.vectorize(quoting, otypes=[float]) if policy.compiled else quoting

    def __call__(self, side, size, n_dealers, mid, half_spread, inventory, step):
        state = (side, size, n_dealers, mid, half_spread, inventory, step)
        with np.errstate(all="ignore"):  # what comes of it is checked
            try:
                given = self.function(*state)
            except ParameterError:
                raise
            except Exception as error:
                raise ParameterError(self._raised(error, state)) from error
        try:
            margins = np.asarray(() if given is None else given, float)
            margins = np.broadcast_to(margins, side.shape) + self.policy.shift
        except (TypeError, ValueError):
            what = f"an array of shape {np.shape(given)}" if isinstance(given, np.ndarray) else f"{given!r:.60}"
            raise ParameterError(
                f"The strategy {self.policy.name} returned {what} at step {step} for paths {self.first_path} to "
                f"{self.first_path + side.size - 1}, but must return {side.size} margins; {REMEDY}."
            ) from None
        if not np.isfinite(margins).all():
            path = int(np.flatnonzero(~np.isfinite(margins))[0])
            raise not_finite(self.policy.name, margins[path], self.first_path + path, step)
        return margins

    def _raised(self, error: Exception, state: tuple[Any, ...]) -> str:
        """What went wrong, with the first path that alone makes it go wrong."""
        side, size, n_dealers, mid, half_spread, inventory, step = state
        where = f"for paths {self.first_path} to {self.first_path + side.size - 1}"
        for k in range(side.size):
            one = slice(k, k + 1)
            try:
                self.function(side[one], size[one], n_dealers[one], mid[one], half_spread, inventory[one], step)
            except Exception as again:
                if type(again) is type(error):
                    where = f"for path {self.first_path + k}" if side.size > 1 and k > 0 else where
                break
        return (
            f"The strategy {self.policy.name} raised {type(error).__name__} ({error}) at step {step} {where}; it is "
            f"called as {ARGUMENTS} with arrays of one number per path, and must {REMEDY}."
        )


def not_finite(name: str, margin: float, path: int, step: int) -> ParameterError:
    """The error for a margin that is NaN or infinite."""
    return ParameterError(f"The strategy {name} returned {margin} for path {path} at step {step}; {REMEDY}.")


def compiled_shift(compiled: Quoting, shift: float) -> Quoting:
    """A compiled function whose margins are all higher."""
    from numba import njit

    @njit
    def quote(side, size, n_dealers, mid, half_spread, inventory, step):
        return compiled(side, size, n_dealers, mid, half_spread, inventory, step) + shift

    return quote
