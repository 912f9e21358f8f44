"""Hit ratios: how often a quote is done, against what equal dealers would get."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from simcal.data import Requests
from simcal.dealing.intervals import share_interval, weighted_share_interval
from simcal.errors import DataError

_MOST_LABELS = 12
_SIZE_BUCKETS = 4


def hit_ratios(requests: Requests, level: float = 0.95) -> pd.DataFrame:
    """Hit ratio by count and by volume, against the expected one.

    The hit ratio is done requests / quoted requests. Quoted are those that this dealer quoted to their end: neither
    passed nor expired. (Some call the share of requests that are answered "hit rate"; `measure` calls it the response
    ratio.) Expected is the mean of 1 / n_dealers over the quoted requests: what a dealer gets who is as good as the
    others, if every request trades. The score is the difference. By volume, requests count by their notional.

    Returns
    -------
    Rows "count" and "volume" with the columns n, done, hit_ratio, low, high, expected, score.
    """
    require_quoted(requests)
    kinds = ("count", "volume")
    return pd.DataFrame([_ratio(requests, requests.quoted, kind, level) for kind in kinds], index=list(kinds))


def hit_ratios_by_group(requests: Requests, level: float = 0.95) -> pd.DataFrame:
    """Hit ratio by count for each client side, bucket of size, number of dealers, and label of each group.

    Returns
    -------
    One row per group with the columns by, group, n, done, hit_ratio, low, high (Wilson), expected, score, mean_margin
    (half spreads). Of groups with many labels the largest have their own row and the others share one. Quartiles bound
    the sizes.
    """
    require_quoted(requests)
    rows = []
    for by, group, members in _groups(requests):
        quoted = members & requests.quoted
        if quoted.any():
            row = _ratio(requests, quoted, "count", level)
            rows.append({"by": by, "group": group, **row, "mean_margin": float(np.mean(requests.margin[quoted]))})
    return pd.DataFrame(rows)


def require_quoted(requests: Requests) -> None:
    """Refuse a table in which nothing was quoted to its end."""
    if not requests.quoted.any():
        raise DataError(
            f"None of the {requests.n} requests of '{requests.name}' was quoted to its end, so there is nothing to "
            "measure. Give a table with done, lost or not traded requests."
        )


def _ratio(requests: Requests, quoted: np.ndarray, how: str, level: float) -> dict[str, object]:
    done = requests.done[quoted].astype(float)
    weights = np.ones(done.size) if how == "count" else requests.size[quoted]
    ratio, low, high = weighted_share_interval(done, weights, level)
    if how == "count":
        low, high = (float(end) for end in share_interval(int(done.sum()), done.size, level))
    expected = float(np.sum(weights / requests.n_dealers[quoted]) / np.sum(weights))
    return {
        "n": done.size,
        "done": int(done.sum()),
        "hit_ratio": ratio,
        "low": low,
        "high": high,
        "expected": expected,
        "score": ratio - expected,
    }


def _groups(requests: Requests) -> Iterator[tuple[str, str, np.ndarray]]:
    yield "side", "client buys", requests.side > 0
    yield "side", "client sells", requests.side < 0
    edges = np.unique(np.quantile(requests.size, np.linspace(0, 1, _SIZE_BUCKETS + 1)))
    if edges.size > 2:
        bucket = np.clip(np.searchsorted(edges, requests.size, side="left"), 1, edges.size - 1)
        for k in range(1, edges.size):
            yield "size", f"{edges[k - 1]:.4g} to {edges[k]:.4g}", bucket == k
    if np.ptp(requests.n_dealers) > 0:
        for number in np.unique(requests.n_dealers):
            yield "n_dealers", f"{number}", requests.n_dealers == number
    for name, labels in requests.groups.items():
        counts = pd.Series(labels).value_counts()
        if counts.size < 2:
            continue
        shown = list(counts.index[: _MOST_LABELS if counts.size > _MOST_LABELS + 1 else counts.size])
        for label in shown:
            yield name, str(label) or "(none)", labels == label
        if len(shown) < counts.size:
            yield name, f"{counts.size - len(shown)} others", ~np.isin(labels, shown)
