"""Simulated requests as people look at them: the table of dealer 0, and what they are like in a few numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simcal.errors import ParameterError
from simcal.noise import check_integer, check_range, check_seed
from simcal.rfq.market import Quoting, RfqMarket
from simcal.rfq.table import Requests, Status

HORIZONS = (1, 5, 20)
"""Requests after which the mid is noted, for mark-outs, where it walks."""

MOST = 2**21  # requests that a summary looks at
SAVED = ("side", "n_dealers", "best_quote", "cover_quote", "own_quote", "traded", "own_done", "own_inventory")


def request_table(
    market: RfqMarket, n: int, *, seed: int = 0, path: int = 0, quoting: Quoting | None = None, platform: bool = False,
    name: str = "simulated",
) -> Requests:  # fmt: skip
    """What dealer 0 sees of `n` requests in a row.

    The cover price is told where dealer 0 traded, the price of a trade wherever there was one. Where the mid walks,
    ``mids`` holds that of 1, 5 and 20 requests later (``"1rfq"`` and so on).

    Parameters
    ----------
    market
        A market with the hard rule.
    n
        Number of requests.
    seed, path
        Which path of which seed: its requests are those of ``market.simulate_chunk(seed, path, 1, n)``.

    Other Parameters
    ----------------
    quoting
        How dealer 0 quotes instead of its own law, see `RfqMarket.simulate_chunk`.
    platform
        Whether the table also has the quotes of all dealers, as the platform sees them.
    name
        What to call the table.

    Raises
    ------
    ParameterError
        Where the market has the smoothed rule, or its mid leaves the positive numbers.
    DataError
        Where a quote lies so far from the mid that no table of requests takes it.

    Examples
    --------
    >>> from simcal.rfq import RfqMarket, request_table
    >>> table = request_table(RfqMarket(), 1000, seed=1)
    >>> table.n, int(table.done.sum()), round(float(table.margin.mean()), 2)
    (1000, 123, 0.58)
    """
    if market.rule != "hard":
        raise ParameterError(
            "The market has the smoothed rule, under which clients split their requests; a request table needs the "
            "hard one: market.replace(rule='hard')."
        )
    n = check_integer("n", n, 1, 2**31 - 1 - max(HORIZONS))
    check_range(path, 1, 1, n)
    rivals = [f"quote_{i}" for i in range(1, market.n_dealers)]
    save = ("side", "size", "n_dealers", "own_quote", "best_quote", "cover_quote", "traded", "own_status",
            "own_inventory", *(rivals if platform else []))  # fmt: skip
    later = max(HORIZONS) if market.mid_law == "walk" else 0
    saved = market.simulate_chunk(check_seed(seed), path, 1, n + later, save=save, quoting=quoting)
    failed = int(saved.pop("failed_step")[0])
    if failed:
        raise ParameterError(
            f"The mid of path {path} is no longer positive at request {failed}; give the market a smaller "
            "mid_volatility or information, or ask for fewer requests."
        )
    mids = saved["prices"][0, 1:]
    seen = {key: values[0, 1 : n + 1] for key, values in saved.items()}
    mid, done = seen["prices"], seen["own_status"] == Status.DONE
    return Requests(
        name=name,
        side=seen["side"],
        bid=mid - market.half_spread,
        ask=mid + market.half_spread,
        quote=seen["own_quote"],
        status=seen["own_status"],
        n_dealers=seen["n_dealers"],
        size=seen["size"],
        cover_price=np.where(done, seen["cover_quote"], np.nan),
        traded_price=np.where(seen["traded"] > 0, seen["best_quote"], np.nan),
        mids={f"{k}rfq": mids[k : n + k] for k in HORIZONS} if later else {},
        inventory_before=seen["own_inventory"],
        quotes=np.column_stack([seen["own_quote"], *(seen[rival] for rival in rivals)]) if platform else None,
    )


def request_summary(
    market: RfqMarket, n_paths: int, n_steps: int, *, seed: int = 0, burn_in: int = 0, threads: int | None = None
) -> pd.DataFrame:
    """A row per measure in the columns quantity, value, standard error and unit.

    Of the first paths that make about two million requests at most. Requests of one path may depend on each other, so
    the errors are those of means over paths; they are NaN for a single path.
    """
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
