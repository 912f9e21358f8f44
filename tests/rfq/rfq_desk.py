"""A dealer market small enough to be seen through: normal values and quotes, written without simcal's models."""

import numpy as np
from scipy.stats import norm

from simcal.rfq.table import Requests, Status

VALUE, QUOTE = norm(0.2, 1.0), norm(0.6, 0.8)


def hit_probability(margin, n_dealers):
    """Of a quote against n - 1 rivals and the client's value."""
    return QUOTE.sf(margin) ** (n_dealers - 1) * VALUE.sf(margin)


def simulate(seed, n=20_000, *, n_dealers=5, always_trades=False, information=0.0, groups=None, **columns) -> Requests:
    """One dealer's table; the mid walks, and moves by `information` half spreads in the client's direction."""
    rng = np.random.default_rng(seed)
    half = 0.05
    side = rng.choice([-1, 1], n)
    panel = np.full(n, n_dealers) if np.ndim(n_dealers) == 0 else rng.choice(n_dealers, n)
    mid = 100 + np.cumsum(rng.normal(0, 0.02, n) + np.concatenate([[0], side[:-1]]) * information * half)
    value = np.full(n, np.inf) if always_trades else VALUE.rvs(n, random_state=rng)
    quotes = QUOTE.rvs((n, int(panel.max())), random_state=rng)
    quotes[np.arange(quotes.shape[1]) >= panel[:, None]] = np.inf
    rivals = np.sort(quotes[:, 1:], axis=1)
    best_rival = rivals[:, 0] if rivals.shape[1] else np.full(n, np.inf)
    own, best = quotes[:, 0], np.min(quotes, axis=1)
    traded = best < value
    done = traded & (own < best_rival)
    status = np.where(done, Status.DONE, np.where(traded, Status.TRADED_AWAY, Status.NOT_TRADED))

    def price(reduced):
        return mid + side * half * reduced

    with np.errstate(invalid="ignore"):
        given = {
            "cover_price": np.where(done & np.isfinite(best_rival), price(best_rival), np.nan),
            "traded_price": np.where(traded, price(best), np.nan),
            "mids": {"1": np.append(mid[1:], np.nan)},
            "size": rng.lognormal(0, 1, n),
        } | columns
    return Requests("desk", side, mid - half, mid + half, price(own), status, panel, groups=groups or {}, **given)
