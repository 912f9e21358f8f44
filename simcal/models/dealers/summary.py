"""What simulated requests of a dealer market are like, in a few numbers with their standard errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simcal.models.dealers.market import RfqMarket

if TYPE_CHECKING:
    import pandas as pd

MOST = 2**21  # requests that are looked at
SAVED = ("side", "n_dealers", "best_quote", "cover_quote", "own_quote", "traded", "own_done", "own_inventory")


def request_summary(
    market: RfqMarket, n_paths: int, n_steps: int, *, seed: int = 0, burn_in: int = 0, threads: int | None = None
) -> pd.DataFrame:
    """A row per measure in the columns quantity, value, standard error and unit.

    Of the first paths that make about two million requests at most. Requests of one path may depend on each other, so
    the errors are those of means over paths; they are NaN for a single path.
    """
    import pandas as pd

    paths = max(min(n_paths, MOST // n_steps), 1)
    saved = market.simulate_chunk(seed, 0, paths, n_steps, save=SAVED, burn_in=burn_in, threads=threads)
    usable = saved.pop("failed_step") == 0
    now = {name: values[usable, 1:] for name, values in saved.items()}
    traded, done, half_spread = now["traded"], now["own_done"], market.half_spread
    gap = now["side"] * (now["cover_quote"] - now["best_quote"]) / half_spread
    own = now["side"] * (now["own_quote"] - now["prices"]) / half_spread
    best = now["side"] * (now["best_quote"] - now["prices"]) / half_spread
    rows = [
        ("requests looked at", float(traded.size), np.nan, ""),
        ("dealers asked", *_mean(now["n_dealers"]), ""),
        ("acceptance: share that trades", *_mean(traded), ""),
        ("hit ratio: share done by dealer 0", *_mean(done), ""),
        ("mean of 1 / dealers asked", *_mean(1 / now["n_dealers"]), ""),
        ("share traded away", *_mean(traded - done), ""),
        ("share not traded", *_mean(1 - traded), ""),
        ("best quote", *_mean(best), "half spreads"),
        ("cover gap: second best less best", *_mean(gap), "half spreads"),
        ("cover gap where a trade was made", *_mean(gap, traded), "half spreads"),
        ("margin of dealer 0, quoted", *_mean(own), "half spreads"),
        ("margin of dealer 0, done", *_mean(own, done), "half spreads"),
        ("deviation of dealer 0's inventory", *_root(_mean(now["own_inventory"] ** 2)), "units"),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "standard error", "unit"])


def _mean(values: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Weighted mean of what is there, and its standard error by the paths' contributions."""
    weights = np.where(np.isnan(values), 0.0, 1.0 if weights is None else weights)
    total = weights.sum()
    if total == 0:
        return np.nan, np.nan
    mean = float((weights * np.nan_to_num(values)).sum() / total)
    per_path = (weights * (np.nan_to_num(values) - mean)).sum(axis=1)
    n = len(per_path)
    return mean, float(np.sqrt((per_path**2).sum() * n / (n - 1)) / total) if n > 1 else np.nan


def _root(square: tuple[float, float]) -> tuple[float, float]:
    """Root of a mean and, to first order, its error."""
    root = float(np.sqrt(square[0]))
    return root, square[1] / (2 * root) if root > 0 else np.nan
