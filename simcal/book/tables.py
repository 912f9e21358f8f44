"""Tables of orders in currency become the engine's instructions in ticks, checked at the door; and back to tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

SIDES = ("buy", "sell")
# In the order of the engine's numbers, with the columns that each must have.
KINDS = {"limit": ("side", "price"), "market": ("side",), "cancel": ("order",), "advance": ()}
LIMITS = {"volume": (1, 2**31 - 1), "trader": (0, 2**31 - 1), "lifetime": (-1, 2**31 - 1), "order": (0, 2**39)}
DEFAULTS = {"volume": 1, "trader": 0, "lifetime": -1, "order": 0}
COLUMNS = ("kind", "side", "price", *LIMITS)


class Grid:
    """The prices of a book: `lowest_price` and `n_ticks` - 1 more, a tick apart."""

    def __init__(self, tick_size: float, lowest_price: float, n_ticks: int) -> None:
        if not 0 < tick_size < np.inf or not abs(lowest_price) < np.inf:
            raise ParameterError(
                f"The grid of prices has a tick size of {tick_size!r} from {lowest_price!r}, but a tick must be above "
                "0 and both must be finite."
            )
        self.tick_size, self.lowest_price, self.n_ticks = tick_size, lowest_price, n_ticks

    def prices_of(self, ticks: Any) -> Any:
        """Prices in currency."""
        return np.round(self.lowest_price + np.asarray(ticks) * self.tick_size, 10)

    def ticks_of(self, prices: Any, sides: Any) -> np.ndarray:
        """Ticks of limits; those between two ticks go to the one that is better for the sender."""
        exact = (np.asarray(prices, float) - self.lowest_price) / self.tick_size
        nearest = np.rint(exact)
        better = np.where(np.asarray(sides) == 0, np.floor(exact), np.ceil(exact))
        ticks = np.where(np.abs(exact - nearest) < 1e-6, nearest, better)
        bad = ~((ticks >= 0) & (ticks < self.n_ticks))
        if bad.any():
            raise ParameterError(
                f"A price is {np.asarray(prices)[bad][0]:g}, but this book's prices go from "
                f"{self.prices_of(0):g} to {self.prices_of(self.n_ticks - 1):g}. Make the book with another "
                "lowest_price, tick_size or n_ticks."
            )
        return ticks.astype(np.int64)


def numbers_in(identities: np.ndarray) -> np.ndarray:
    """The numbers of orders, from 1 as they were sent, in the engine's identities."""
    from simcal.book.engine import SLOT_BITS

    return identities >> SLOT_BITS


def rows_of(grid: Grid, table: Any) -> np.ndarray:
    """The engine's instructions for a table of orders; see `OrderBook.send`.

    Raises
    ------
    ParameterError
        A column is unknown, missing or not as long as the others, or has a value that is not allowed.
    """
    from simcal.book.engine import INSTRUCTION

    columns = _columns(table)
    kinds = _places("kind", columns["kind"], tuple(KINDS))
    n = kinds.size
    rows = np.zeros(n, INSTRUCTION)
    rows["kind"] = kinds
    for name, values in columns.items():
        if values.shape != (n,):
            raise ParameterError(f"The column {name} of the orders has shape {values.shape}, but kind has {n} rows.")
    for place, (kind, needed) in enumerate(KINDS.items()):
        for name in needed:
            if (kinds == place).any() and name not in columns:
                raise ParameterError(f"The orders of kind {kind!r} need a column {name}, which is missing.")
    for name, (low, high) in LIMITS.items():
        values = columns.get(name, np.full(n, DEFAULTS[name]))
        rows[name] = _whole(name, values, low, high)
    is_order = kinds <= 1
    if is_order.any():
        rows["side"][is_order] = _places("side", columns["side"][is_order], SIDES)
    is_limit = kinds == 0
    if is_limit.any():
        prices = _numbers("price", columns["price"][is_limit])
        rows["tick"][is_limit] = grid.ticks_of(prices, rows["side"][is_limit])
    return rows


def _columns(table: Any) -> dict[str, np.ndarray]:
    names = list(table.keys()) if isinstance(table, Mapping) or hasattr(table, "columns") else []
    unknown = [str(name) for name in names if name not in COLUMNS]
    if unknown or "kind" not in names:
        raise ParameterError(
            "A table of orders is a DataFrame or a mapping with a column kind and the others among "
            + ", ".join(COLUMNS[1:])
            + "; "
            + (f"unknown: {', '.join(unknown)}." if unknown else "kind is missing.")
        )
    return {name: np.asarray(table[name]) for name in names}


def _places(name: str, values: np.ndarray, allowed: tuple[str, ...]) -> np.ndarray:
    values, places = values.astype(object), np.full(values.shape, -1)
    for place, word in enumerate(allowed):
        places[values == word] = place
    if (places < 0).any():
        raise ParameterError(
            f"The {name} of an order is {values[places < 0][0]!r}, but must be one of {', '.join(map(repr, allowed))}."
        )
    return places


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    try:
        return values.astype(float)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"The column {name} of the orders must hold numbers, but does not.") from error


def _whole(name: str, values: np.ndarray, low: int, high: int) -> np.ndarray:
    numbers = _numbers(name, values)
    numbers = np.where(np.isnan(numbers), DEFAULTS[name], numbers)
    bad = ~((numbers >= low) & (numbers <= high) & (numbers == np.floor(numbers)))
    if bad.any():
        raise ParameterError(
            f"The {name} of an order is {values[bad][0]}, but must be a whole number from {low} to {high}."
        )
    return numbers.astype(np.int64)


def orders_table(grid: Grid, orders: np.ndarray) -> pd.DataFrame:
    """The live ones of a pool of orders; see `OrderBook.orders`."""
    import pandas as pd

    live = orders[orders["sequence"] > 0]
    better = np.where(live["side"] == 0, -live["tick"], live["tick"])
    live = live[np.lexsort((live["sequence"], better, live["side"]))]
    last: Any = pd.array(live["expiry"] - 1, dtype="Int64")
    last[live["expiry"] == 0] = pd.NA
    return pd.DataFrame({
        "number": live["sequence"], "side": np.array(SIDES)[live["side"]], "price": grid.prices_of(live["tick"]),
        "volume": live["volume"], "sent": live["sent"], "trader": live["trader"], "placed": live["placed"],
        "last_step": last,
    })  # fmt: skip


def levels_table(orders: pd.DataFrame, n: int | None) -> pd.DataFrame:
    """The best levels of a table of orders; see `OrderBook.levels`."""
    table = orders.groupby(["side", "price"], sort=False)["volume"].agg(volume="sum", orders="size").reset_index()
    return table if n is None else table.groupby("side", sort=False).head(n).reset_index(drop=True)


def fills_table(grid: Grid, fills: np.ndarray) -> pd.DataFrame:
    """Trades; see `OrderBook.fills`."""
    import pandas as pd

    return pd.DataFrame({
        "step": fills["step"], "price": grid.prices_of(fills["tick"]), "volume": fills["volume"],
        "buyer": fills["buyer"], "seller": fills["seller"], "resting": numbers_in(fills["resting"]),
        "incoming": numbers_in(fills["incoming"]), "side": np.array(SIDES)[fills["side"]],
    })  # fmt: skip
