"""Requests from an independent simulator: laws by scipy's gennorm, best quotes by sorting."""

import numpy as np
from scipy import stats

from simcal.rfq.estimators.sample import Event, Sample

TRUTH = np.array([0.2, 1.0, 2.0, 0.6, 0.8, 1.2])


def law(mean, scale, shape):
    return stats.gennorm(shape, loc=mean, scale=scale * shape ** (1 / shape))


def simulate(n, values=TRUTH, *, n_dealers=5, seed=0, own=None, covers=True):
    """A platform's sample; `n_dealers` is a number or (n,), `own` the own dealer's law."""
    rng = np.random.default_rng(seed)
    panel = np.broadcast_to(n_dealers, n)
    client, quote = law(*values[:3]), law(*values[3:])
    margin = (own or quote).rvs(n, random_state=rng)
    value = client.rvs(n, random_state=rng)
    most = max(int(panel.max()) - 1, 1)
    quotes = quote.rvs((n, most), random_state=rng)
    quotes[np.arange(most) >= panel[:, None] - 1] = np.nan
    rival = np.fmin.reduce(quotes, axis=1)
    best = np.fmin(margin, rival)
    traded = best < value
    done = traded & ~(rival < margin)
    told = done & (panel > 1) & covers
    event = np.select([told, done, traded], [Event.DONE_COVER, Event.DONE, Event.AWAY], Event.NOT_TRADED)
    side = np.where(rng.random(n) < 0.5, 1.0, -1.0)
    return Sample(margin, panel - 1, event, np.where(told, rival, np.nan), side, np.ones(n), quotes)
