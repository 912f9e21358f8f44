"""The terms on which a strategy trades: how large a unit is, at which price an order is executed, what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simcal.errors import ParameterError
from simcal.trading.bands import check_number


@dataclass(frozen=True)
class Terms:
    """Size, execution and costs.

    Parameters
    ----------
    sizes
        Traders of the model that one unit of each strategy counts as. An order of 0.5 units at size 4 adds 2 to the
        excess demand of its step. At size 0 the market does not notice the strategy, and money is that of one unit.
    execution
        The price at which the order of step t, given when P(t) is known, is executed: "next" is P(t+1), so that the
        order pays its whole own impact; "last" is P(t); "mid" is their mean.
    fixed
        Money per trade, whatever its size.
    proportional
        Share of the value traded.
    quadratic
        Money per squared trader: a trade of n traders costs ``quadratic * n**2``.

    Notes
    -----
    Money is price times traders: one trader of the model buys or sells one share. Accounts per unit are money over
    size, so that the fixed cost per unit falls with the size and the quadratic one grows with it.
    """

    sizes: tuple[float, ...] = (1.0,)
    execution: str = "next"
    fixed: float = 0.0
    proportional: float = 0.0
    quadratic: float = 0.0

    @property
    def scales(self) -> np.ndarray:
        """(n_strategies,) money per unit of account: the sizes, 1 where a size is 0."""
        return np.array([size if size > 0 else 1.0 for size in self.sizes])

    @property
    def scale_free(self) -> bool:
        """Whether accounts per unit are the same at every size, prices being given."""
        return self.fixed == 0 and self.quadratic == 0

    def resized(self, size: float) -> Terms:
        """The same terms at another size of the first strategy."""
        return replace(self, sizes=(size, *self.sizes[1:]))

    def executed(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """The price at which orders given at price `before` are executed where the next one is `after`."""
        if self.execution == "next":
            return after
        return before if self.execution == "last" else 0.5 * (before + after)

    def cost(self, order: np.ndarray, price: np.ndarray, scale: Any) -> np.ndarray:
        """Costs per unit of account of orders in units, executed at a price; `scale` as of `scales`."""
        amount = np.abs(order)
        fixed = np.where(amount > 0, self.fixed / scale, 0.0)
        return fixed + self.proportional * amount * price + self.quadratic * scale * amount**2


def terms_of(size: Any, n_strategies: int, *, execution: Any, **costs: Any) -> Terms:
    """Checked terms; `size` is a number for all strategies or one for each, `costs` the fields of `Terms` they are.

    Raises
    ------
    ParameterError
        A size or a cost is below 0 or not finite, or the execution is unknown.
    """
    listed = isinstance(size, (Sequence, np.ndarray)) and not isinstance(size, str)
    sizes = tuple(check_number("size", one) for one in (size if listed else [size] * n_strategies))
    if len(sizes) != n_strategies:
        raise ParameterError(
            f"size lists {len(sizes)} numbers for {n_strategies} strategies; give one number, or one for each."
        )
    if execution not in ("next", "last", "mid"):
        raise ParameterError(
            f"execution is {execution!r}, but must be 'next' (at the price that the order helps to make), 'last' (at "
            "the price that is seen) or 'mid' (half-way)."
        )
    return Terms(sizes, execution, **{name: check_number(f"{name}_cost", value) for name, value in costs.items()})
