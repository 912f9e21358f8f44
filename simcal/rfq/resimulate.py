"""The same requests once more: own quotes, sides, sizes and panels as they were, rivals and clients from a market."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from simcal.rfq import rules
from simcal.rfq.estimators.sample import Event, Sample
from simcal.rfq.market import RfqMarket

_TOGETHER = 50  # samples that go through the requests at the same time, where inventories tie these together


def resimulated(market: RfqMarket, sample: Sample, n_samples: int, seed: int) -> Iterator[Sample]:
    """As many samples as asked for, each with the requests of `sample` and outcomes of `market` (hard rule).

    As many covers are told, and as many prices of trades, as in `sample`; second places are not. Inventories begin
    flat.
    """
    rng = np.random.default_rng([seed, sample.n])
    told_cover = _share(sample.event == Event.DONE_COVER, sample.done & (sample.rivals > 0))
    told_price = _share(np.isfinite(sample.other), sample.away)
    lost = (sample.event == Event.LOST).any()
    skewed = bool(market.vector("inventory_skew")[1:].any())
    quotes, values = np.empty((0, 0, 0)), np.empty((0, 0))
    for k in range(n_samples):
        if skewed:
            if k % _TOGETHER == 0:
                quotes, values = _with_inventories(market, sample, min(_TOGETHER, n_samples - k), rng)
            theirs, value = quotes[:, k % _TOGETHER], values[:, k % _TOGETHER]
        else:
            theirs, value = _quotes(market, sample, rng), _client(market, sample.n, rng)
        rival = np.fmin.reduce(theirs, axis=1) if theirs.shape[1] else np.full(sample.n, np.nan)
        best = np.fmin(sample.margin, rival)
        traded = best < value
        done = traded & ~(rival < sample.margin)
        cover = done & np.isfinite(rival) & (rng.random(sample.n) < told_cover)
        price = traded & ~done & (rng.random(sample.n) < told_price)
        event = np.select(
            [cover, done, lost, price, traded],
            [Event.DONE_COVER, Event.DONE, Event.LOST, Event.AWAY_AT, Event.AWAY],
            Event.NOT_TRADED,
        )
        other = np.where(cover | (price & (event != Event.LOST)), rival, np.nan)
        yield replace(sample, event=event, other=other, quotes=None if sample.quotes is None else theirs)


def _share(part: np.ndarray, of: np.ndarray) -> float:
    return float((part & of).sum() / max(of.sum(), 1))


def _client(market: RfqMarket, shape: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return market.client_mean + market.client_scale * _draws(market.client_shape, shape, rng)


def _quotes(market: RfqMarket, sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """Quotes of the rivals with flat inventories, (n, rivals), NaN for those not asked."""
    mean, scale = market.vector("quote_mean")[1:], market.vector("quote_scale")[1:]
    shapes = market.vector("quote_shape")[1:]
    columns = [_draws(shape, sample.n, rng) for shape in shapes]
    z = np.stack(columns, axis=1) if columns else np.empty((sample.n, 0))
    return np.where(_asked(len(shapes), sample.rivals, sample.n, rng), mean + scale * z, np.nan)


def _asked(n_rivals: int, rivals: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    start = rng.integers(max(n_rivals, 1), size=n)
    return rules.is_asked(np.arange(n_rivals), start[:, None], rivals[:, None] + 1, max(n_rivals, 1))


def _with_inventories(
    market: RfqMarket, sample: Sample, n_samples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Quotes (n, n_samples, rivals) and clients' values (n, n_samples), one request after the other."""
    mean, scale = market.vector("quote_mean")[1:], market.vector("quote_scale")[1:]
    shapes, skew = market.vector("quote_shape")[1:], market.vector("inventory_skew")[1:]
    count = len(shapes)
    quotes = np.empty((sample.n, n_samples, count))
    values = _client(market, (sample.n, n_samples), rng)
    inventory = np.zeros((n_samples, count))
    rows = np.arange(n_samples)
    for t in range(sample.n):
        side, size = sample.side[t], sample.size[t]
        z = np.stack([_draws(shape, n_samples, rng) for shape in shapes], axis=1)
        asked = _asked(count, np.full(n_samples, sample.rivals[t]), n_samples, rng)
        quoted = np.where(asked, rules.margin(mean, scale, z, side, skew, inventory), np.inf)
        winner = np.argmin(quoted, axis=1)
        best = quoted[rows, winner]
        share = (best < sample.margin[t]) & (best < values[t])
        inventory[rows, winner] = rules.next_inventory(inventory[rows, winner], side, size, share)
        quotes[t] = np.where(asked, quoted, np.nan)
    return quotes, values


def _draws(shape: float, size: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Exponential power draws: |z|^a / a is a gamma variable of shape 1/a."""
    powers = rng.gamma(1 / shape, size=size)
    return np.where(rng.random(size) < 0.5, -1.0, 1.0) * (shape * powers) ** (1 / shape)
