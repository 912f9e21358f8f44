"""What happens to a quote by its margin: the hit curve, and how requests end."""

import numpy as np
import pandas as pd

from simcal.data import Requests, Status
from simcal.data.requests import AWAY
from simcal.dealing.intervals import share_interval
from simcal.errors import ParameterError

ENDS = {"done": (Status.DONE,), "traded_away": AWAY, "not_traded": (Status.NOT_TRADED,), "lost": (Status.LOST,)}
"""How quoted requests end; lost are those of which it is not known whether another dealer traded."""


def hit_curve(requests: Requests, bins: int = 12, level: float = 0.95) -> pd.DataFrame:
    """The share of quoted requests that are done, by the margin that was quoted.

    Returns
    -------
    One row per bin of about as many requests with the columns margin (mean of the bin), margin_low, margin_high (its
    edges; half spreads), n, done, hit_ratio, low, high (Wilson's interval).
    """
    bin_of, table = _bins(requests, bins)
    done = np.bincount(bin_of, weights=requests.done[requests.quoted], minlength=len(table)).astype(int)
    low, high = share_interval(done, table["n"].to_numpy(), level)
    return table.assign(done=done, hit_ratio=done / table["n"], low=low, high=high)


def ends_by_margin(requests: Requests, bins: int = 12) -> pd.DataFrame:
    """How quoted requests end, by the margin that was quoted: whether my price was worse, or the client was fishing.

    Returns
    -------
    The bins of `hit_curve` with the columns margin, margin_low, margin_high, n, and the shares done, traded_away,
    not_traded and lost, which add up to 1. Lost are those of which it is not known whether another dealer traded.
    """
    bin_of, table = _bins(requests, bins)
    status = requests.status[requests.quoted]
    for name, codes in ENDS.items():
        counts = np.bincount(bin_of, weights=np.isin(status, codes), minlength=len(table))
        table[name] = counts / table["n"].to_numpy()
    return table


def _bins(requests: Requests, bins: int) -> tuple[np.ndarray, pd.DataFrame]:
    """The bin of each quoted request, and the bins; fewer than asked for where quotes repeat."""
    if bins < 1:
        raise ParameterError(f"{bins} bins were asked for; give at least 1, for example 12.")
    margin = requests.margin[requests.quoted]
    edges = np.unique(np.quantile(margin, np.linspace(0, 1, min(bins, margin.size) + 1)))
    edges = edges if edges.size > 1 else np.repeat(edges, 2)
    bin_of = np.clip(np.searchsorted(edges, margin, side="right") - 1, 0, edges.size - 2)
    filled, bin_of = np.unique(bin_of, return_inverse=True)
    n = np.bincount(bin_of)
    table = pd.DataFrame(
        {
            "margin": np.bincount(bin_of, weights=margin) / n,
            "margin_low": edges[filled],
            "margin_high": edges[filled + 1],
            "n": n,
        }
    )
    return bin_of, table
