"""The facts that a calibrated dealer market is judged by: what one sample of requests shows, as numbers by name."""

from __future__ import annotations

import numpy as np

from simcal.calibration.requests.sample import Sample

N_BINS = 5
_FLOW_BACK = 20  # requests whose flow rivals may still feel


def margin_edges(sample: Sample) -> np.ndarray:
    """Own margins that cut the requests into `N_BINS` equal parts, (N_BINS - 1,)."""
    return np.quantile(sample.margin, np.arange(1, N_BINS) / N_BINS)


def facts_of(sample: Sample, edges: np.ndarray, gaps: np.ndarray) -> dict[str, float]:
    """Facts by name; NaN where the sample does not show them.

    Parameters
    ----------
    sample
        Requests and their outcomes.
    edges, gaps
        Bins of the own margin, and of the distance to the cover: quartiles of the data's.
    """
    known = bool(sample.outcome_known.all())
    done, traded = sample.done, (sample.done | sample.away).astype(float)
    traded[~sample.outcome_known] = np.nan
    found = {"done": float(done.mean())}
    if known:
        found |= {"traded away": float(sample.away.mean()), "not traded": float(1 - traded.mean())}
    place = np.searchsorted(edges, sample.margin, side="right")
    for k in range(N_BINS):
        found[f"done, own margin in part {k + 1} of {N_BINS}"] = _mean(done[place == k])
    if known:
        for k in range(N_BINS):
            found[f"traded at all, own margin in part {k + 1} of {N_BINS}"] = _mean(traded[place == k])
    if np.ptp(sample.rivals) > 0:
        for m in np.unique(sample.rivals):
            found[f"done, {m + 1} {'dealer' if m == 0 else 'dealers'} asked"] = _mean(done[sample.rivals == m])
    for side, what in ((1, "client buys"), (-1, "client sells")):
        found[f"done, {what}"] = _mean(done[sample.side == side])
    covers = (sample.other - sample.margin)[done & np.isfinite(sample.other)]
    if len(covers) > 1:
        found |= {"distance to cover, mean": float(covers.mean()), "distance to cover, deviation": float(covers.std())}
        below = np.searchsorted(np.sort(covers), gaps) / len(covers)
        found |= {f"covers nearer than {g:.2f}": float(share) for g, share in zip(gaps, below, strict=True)}
    missed = (sample.margin - sample.other)[sample.away & np.isfinite(sample.other)]
    if len(missed) > 1:
        found |= {"missed by, mean": float(missed.mean()), "missed by, deviation": float(missed.std())}
    if sample.quotes is not None and sample.quotes.shape[1]:
        found |= _platform_facts(sample)
    if known:
        found["done with the rivals' flow of 20 requests before"] = _flow(sample)
    return found


def _platform_facts(sample: Sample) -> dict[str, float]:
    assert sample.quotes is not None
    ordered = np.sort(np.concatenate([sample.margin[:, None], sample.quotes], axis=1), axis=1)
    gap = ordered[:, 1] - ordered[:, 0]
    gap = gap[np.isfinite(gap)]
    quotes = sample.quotes[np.isfinite(sample.quotes)]
    far = np.abs(quotes - quotes.mean()) > 2 * quotes.std()
    return {
        "best quote, mean": float(ordered[:, 0].mean()),
        "best quote, deviation": float(ordered[:, 0].std()),
        "best to second, mean": float(gap.mean()),
        "best to second, deviation": float(gap.std()),
        "rivals' quotes, mean": float(quotes.mean()),
        "rivals' quotes, deviation": float(quotes.std()),
        "rivals' quotes, share beyond two deviations": float(far.mean()),
    }


def _flow(sample: Sample) -> float:
    """Mean of done times side times the signed size that rivals sold in the requests before, in mean sizes."""
    sold = np.cumsum(np.concatenate([[0.0], sample.side * sample.size / sample.size.mean() * sample.away]))
    before = sold[_FLOW_BACK:-1] - sold[: -_FLOW_BACK - 1]
    return float(np.mean(sample.done[_FLOW_BACK:] * sample.side[_FLOW_BACK:] * before))


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else np.nan
