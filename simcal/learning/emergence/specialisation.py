"""Whether traders with other traits do other things: rank correlations and thirds of the traders."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from simcal.learning.episodes import Episodes

TRAITS = {"risk_aversion": "risk aversion", "discount": "discount", "noise": "noise in the value"}
BEHAVIOURS = {
    "invested": "invested share",
    "aggressiveness": "aggressiveness of prices",
    "size": "size of orders",
    "accuracy": "share of orders on the right side of the value",
    "profit": "change of wealth over the day",
}
THIRDS = ("lowest third", "middle third", "highest third")


def behaviour(episodes: Episodes) -> pd.DataFrame:
    """A row per trader and day who decided with trade on: traits, and means over those decisions.

    Aggressiveness is minus the price that she chose, from -1 (patient) to 1 (through the mid); size is the absolute
    volume, from 0 to 1; an order is on the right side where it buys below the fundamental value or sells above it; the
    change of wealth is relative to that at the start, shares at the close at the fundamental value.
    """
    seen = episodes.decisions["step"].to_numpy() >= episodes.market.first_trade
    decisions = {str(name): column.to_numpy()[seen] for name, column in episodes.decisions.items()}
    day, step, volume = decisions["episode"], decisions["step"], decisions["volume"]
    gap = np.log(episodes.values[day, step] / episodes.mids[day, step])
    rows = pd.DataFrame({
        "episode": day,
        "trader": decisions["trader"],
        "invested": decisions["invested"],
        "aggressiveness": -decisions["price"],
        "size": np.abs(volume),
        "accuracy": (np.sign(volume) == np.sign(gap)).astype(float),
    })  # fmt: skip
    accounts = episodes.accounts
    accounts = pd.DataFrame({name: accounts[name] for name in ("episode", "trader", *TRAITS, "start", "end")})
    means = pd.DataFrame(rows.groupby(["episode", "trader"], as_index=False).mean())
    found = means.merge(accounts[accounts["start"] > 0], on=["episode", "trader"])
    found["profit"] = found["end"] / found["start"] - 1.0
    return found.drop(columns=["start", "end"])


def specialisation(table: pd.DataFrame) -> pd.DataFrame:
    """A row per trait and behaviour: Spearman's rank correlation, and medians over thirds of the traders by the trait.

    Parameters
    ----------
    table
        See `behaviour`. Traits in which all traders are alike are left out.
    """
    rows = []
    for trait in TRAITS:
        x = table[trait].to_numpy()
        if np.ptp(x) == 0:
            continue
        ranks = rankdata(x)
        third = np.minimum((3 * (ranks - 0.5) / len(x)).astype(int), 2)
        for what in BEHAVIOURS:
            y = table[what].to_numpy()
            correlation = np.corrcoef(ranks, rankdata(y))[0, 1] if np.ptp(y) > 0 else np.nan
            # Medians, since the invested share of somebody with hardly any wealth can be any number.
            middles = [float(np.median(y[third == k])) for k in range(3)]
            rows.append({"trait": trait, "behaviour": what, "correlation": float(correlation),
                         **dict(zip(THIRDS, middles, strict=True))})  # fmt: skip
    return pd.DataFrame(rows, columns=["trait", "behaviour", "correlation", *THIRDS])
