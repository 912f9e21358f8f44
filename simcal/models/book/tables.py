"""Tables of what is in a book and what was traded, in currency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.models.book.instructions import SIDES, Grid, numbers_in

if TYPE_CHECKING:
    import pandas as pd


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
