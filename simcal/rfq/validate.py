"""Is the calibrated dealer market like the table? The same requests, resimulated: the data's facts in their bands."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import DataError, ParameterError
from simcal.noise import check_integer
from simcal.rfq.estimators.sample import Sample, View, sample_of
from simcal.rfq.market import RfqMarket
from simcal.rfq.resimulate import resimulated
from simcal.rfq.table import Requests

N_BINS = 5
_FLOW_BACK = 20  # requests whose flow rivals may still feel

FEWEST = 200
"""Requests of a part that can be judged."""

ALL, HELD_OUT = "all data", "held-out"


@dataclass(frozen=True, eq=False)
class RfqValidation:
    """The facts of a request table beside those of the same requests with rivals and clients from a market.

    Attributes
    ----------
    parts
        For "all data", and "held-out" where there is one: indexed by fact, the columns data, low, simulated, high
        (2.5 % quantile, median and 97.5 % quantile over the samples) and passes.
    sizes
        Requests of each part.
    settings, data, market
        How it was made, of which table, with which market.
    """

    parts: Mapping[str, pd.DataFrame]
    sizes: Mapping[str, int]
    settings: Mapping[str, Any]
    data: Mapping[str, Any]
    market: Mapping[str, Any]
    seconds: float

    def passed(self, part: str = ALL) -> tuple[int, int]:
        """Facts inside their bands, and facts that there are."""
        passes = self.parts[part]["passes"].to_numpy(dtype=bool)
        return int(passes.sum()), len(passes)

    def table(self) -> pd.DataFrame:
        """All facts with their bands, parts under each other."""
        tables = [table.reset_index().assign(part=name) for name, table in self.parts.items()]
        columns = ["part", "fact", "data", "low", "simulated", "high", "passes"]
        return pd.concat(tables, ignore_index=True).loc[:, columns]

    @property
    def verdict(self) -> list[str]:
        """How many facts lie inside, and which do not."""
        said = []
        for name, table in self.parts.items():
            inside, n = self.passed(name)
            where = "all the data" if name == ALL else "the held-out part"
            text = f"On {where} ({self.sizes[name]} requests), {inside} of {n} facts lie inside their 95 % bands"
            outside = [str(fact) for fact in table.index[~table["passes"].to_numpy(dtype=bool)]]
            said.append(text + (f"; outside: {'; '.join(outside)}." if outside else "."))
        said.append(
            "The bands are those of fresh rivals and clients for the same requests and own quotes; they leave out that "
            "the parameters are estimates."
        )
        return said

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        parts = {name: table.reset_index().to_dict(orient="records") for name, table in self.parts.items()}
        return {"kind": "request validation", **vars(self), "parts": parts, "verdict": self.verdict}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RfqValidation:
        """The inverse of `to_dict`."""
        parts: Any = {name: pd.DataFrame(rows).set_index("fact") for name, rows in values["parts"].items()}
        return cls(**{f.name: values[f.name] for f in fields(cls)} | {"parts": parts})


def validate_requests(
    market: RfqMarket, requests: Requests, *, view: View = "own", train_share: float = 1.0, n_samples: int = 200,
    seed: int = 0,
) -> RfqValidation:  # fmt: skip
    """Resimulate a table's requests from a market and see whether the table looks like one of them.

    Parameters
    ----------
    market, requests
        What is judged, and by which table.
    view
        "platform" also compares all quotes.
    train_share
        Where it is below 1, the requests after that share are judged by themselves too.
    n_samples, seed
        How often every request is simulated, and the noise.

    Raises
    ------
    DataError
        The table has fewer than 200 requests that were quoted to their end, or larger panels than the market.

    Examples
    --------
    >>> from simcal.rfq import RfqMarket, request_table, validate_requests
    >>> market = RfqMarket()
    >>> validate_requests(market, request_table(market, 1000), n_samples=20).passed()
    (23, 23)
    """
    began = time.monotonic()
    check_integer("n_samples", n_samples, 2, 100_000)
    if not 0 < train_share <= 1:
        raise ParameterError(f"train_share is {train_share:g}, but must lie above 0 and not above 1.")
    tables = {ALL: requests}
    if train_share < 1:
        tables[HELD_OUT] = requests.split(train_share)[1]
    samples = {name: sample_of(table, view=view) for name, table in tables.items()}
    if samples[ALL].n < FEWEST:
        raise DataError(
            f"The table {requests.name} holds {samples[ALL].n} requests that were quoted to their end, but a "
            f"validation needs at least {FEWEST}; give a longer one."
        )
    if samples[ALL].rivals.max() >= market.n_dealers:
        raise DataError(
            f"The table {requests.name} has requests to {samples[ALL].rivals.max() + 1} dealers, but the market has "
            f"{market.n_dealers}; give a market with as many."
        )
    samples = {name: sample for name, sample in samples.items() if sample.n >= FEWEST}
    return RfqValidation(
        {name: _part(market, sample, n_samples, seed) for name, sample in samples.items()},
        {name: sample.n for name, sample in samples.items()},
        {"view": view, "train_share": train_share, "n_samples": n_samples, "seed": seed},
        {"name": requests.name, "n": requests.n, "sha256": requests.sha256},
        market.to_dict(),
        time.monotonic() - began,
    )


def _part(market: RfqMarket, sample: Sample, n_samples: int, seed: int) -> pd.DataFrame:
    edges = margin_edges(sample)
    covers = (sample.other - sample.margin)[sample.done & np.isfinite(sample.other)]
    gaps = np.quantile(covers, [0.25, 0.5, 0.75]) if len(covers) > 1 else np.empty(0)
    real = facts_of(sample, edges, gaps)
    fakes = pd.DataFrame([facts_of(fake, edges, gaps) for fake in resimulated(market, sample, n_samples, seed)])
    names = [name for name, value in real.items() if np.isfinite(value) and name in fakes]
    values = fakes[names].to_numpy()
    middle = np.nanmedian(values, axis=0)
    # Whole order statistics: between two of them few samples would give too narrow a band.
    low = np.nanquantile(values, 0.025, axis=0, method="lower")
    high = np.nanquantile(values, 0.975, axis=0, method="higher")
    data = np.array([real[name] for name in names])
    return pd.DataFrame(
        {"data": data, "low": low, "simulated": middle, "high": high, "passes": (data >= low) & (data <= high)},
        index=pd.Index(names, name="fact"),
    )


# -- the facts: what one sample of requests shows, as numbers by name ------------------------------------------------


def margin_edges(sample: Sample) -> np.ndarray:
    """Own margins that cut the requests into `N_BINS` equal parts, (N_BINS - 1,)."""
    return np.quantile(sample.margin, np.arange(1, N_BINS) / N_BINS)


def facts_of(sample: Sample, edges: np.ndarray, gaps: np.ndarray) -> dict[str, float]:
    """Facts by name, NaN where the sample does not show them.

    `edges` and `gaps` are the bins of the own margin, and of the distance to the cover: quartiles of the data's.
    """
    known, done = bool(sample.outcome_known.all()), sample.done
    traded = done | sample.away
    found = {"done": float(done.mean())}
    if known:
        found |= {"traded away": float(sample.away.mean()), "not traded": float(1 - traded.mean())}
    place = np.searchsorted(edges, sample.margin, side="right")
    for what, happened in (("done", done), ("traded at all", traded)) if known else (("done", done),):
        for k in range(N_BINS):
            found[f"{what}, own margin in part {k + 1} of {N_BINS}"] = _mean(happened[place == k])
    if np.ptp(sample.rivals) > 0:
        for m in np.unique(sample.rivals):
            found[f"done, {m + 1} {'dealer' if m == 0 else 'dealers'} asked"] = _mean(done[sample.rivals == m])
    for side, what in ((1, "client buys"), (-1, "client sells")):
        found[f"done, {what}"] = _mean(done[sample.side == side])
    covers = (sample.other - sample.margin)[done & np.isfinite(sample.other)]
    if len(covers) > 1:
        found |= _spread("distance to cover", covers)
        below = np.searchsorted(np.sort(covers), gaps) / len(covers)
        found |= {f"covers nearer than {g:.2f}": float(share) for g, share in zip(gaps, below, strict=True)}
    missed = (sample.margin - sample.other)[sample.away & np.isfinite(sample.other)]
    if len(missed) > 1:
        found |= _spread("missed by", missed)
    if sample.quotes is not None and sample.quotes.shape[1]:
        found |= _platform_facts(sample)
    if known:
        found["done with the rivals' flow of 20 requests before"] = _flow(sample)
    return found


def _platform_facts(sample: Sample) -> dict[str, float]:
    assert sample.quotes is not None
    best, second = sample.ordered[:, :2].T
    gap, quotes = second - best, sample.quotes[np.isfinite(sample.quotes)]
    found = _spread("best quote", best) | _spread("best to second", gap[np.isfinite(gap)])
    far = np.abs(quotes - quotes.mean()) > 2 * quotes.std()
    far_share = {"rivals' quotes, share beyond two deviations": float(far.mean())}
    return found | _spread("rivals' quotes", quotes) | far_share


def _spread(name: str, values: np.ndarray) -> dict[str, float]:
    return {f"{name}, mean": float(values.mean()), f"{name}, deviation": float(values.std())}


def _flow(sample: Sample) -> float:
    """Mean of done times side times the signed size that rivals sold in the requests before, in mean sizes."""
    sold = np.cumsum(np.concatenate([[0.0], sample.side * sample.size / sample.size.mean() * sample.away]))
    before = sold[_FLOW_BACK:-1] - sold[: -_FLOW_BACK - 1]
    return float(np.mean(sample.done[_FLOW_BACK:] * sample.side[_FLOW_BACK:] * before))


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else np.nan
