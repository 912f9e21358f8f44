"""What a stylised fact is, and the small adapters that its functions are made with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simcal.facts.arrays import Array, as_array, of_order_one


@dataclass(frozen=True)
class Fact:
    """One number about a series of returns.

    Attributes
    ----------
    name
        How it is chosen in a list, and its row in a table.
    label
        What it is, in words.
    function
        Returns (..., n) to (...,); with `needs_volume`, of returns and detrended log volume.
    number
        Of the fact in Cont's list (2001) as the docstrings of this package number it, 1 to 12.
    unit
        Empty for a pure number.
    default
        Whether it is in the default list; the slow, the redundant and the fragile are not.
    long_memory
        Whether it looks 25 steps back or more, so that its bootstrap needs long blocks.
    needs_volume
        Whether it needs volume beside returns.
    expensive
        Milliseconds a path; tables bootstrap it only when asked to.
    """

    name: str
    label: str
    function: Callable[..., Any]
    number: int
    unit: str = ""
    default: bool = True
    long_memory: bool = False
    needs_volume: bool = False
    expensive: bool = False


def percent(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """The function in percent."""
    return lambda r: 100.0 * function(r, **options)


def of_absolute(function: Callable[..., Any], *args: Any) -> Callable[..., Any]:
    """The function of absolute returns."""
    return lambda r: function(abs(r), *args)


def of_square(function: Callable[..., Any], *args: Any) -> Callable[..., Any]:
    """The function of squared returns; one that does not depend on their scale."""

    def squared(r: Array) -> Array:
        r, xp = as_array(r)
        return function(of_order_one(r, xp) ** 2, *args)

    return squared


def average(function: Callable[..., Any], lags: range) -> Callable[..., Any]:
    """The mean of the function over its lags."""

    def averaged(r: Array) -> Array:
        r, xp = as_array(r)
        return xp.mean(function(r, lags), axis=-1)

    return averaged
