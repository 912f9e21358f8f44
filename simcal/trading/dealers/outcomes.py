"""From how a request ended to the chance that another margin would have traded; derived in `conditional`."""

from __future__ import annotations

import numpy as np

from simcal.data.requests.status import Status
from simcal.trading.dealers.conditional import PanelTables

_IMPOSSIBLE = 1e-11  # an outcome of less probability tells nothing; the integrals are not known better either


def done_probability(
    tables: PanelTables,
    margin: np.ndarray,
    shift: float,
    status: np.ndarray,
    best_rival: np.ndarray,
    *,
    cover_told: bool,
) -> np.ndarray:
    """Probability of DONE at ``margin + shift`` given how each request ended at `margin`, shape (n,).

    Parameters
    ----------
    tables
        Of the number of dealers that were asked.
    margin
        Reduced, (n,).
    shift
        In half spreads, of either sign.
    status
        `Status` codes, (n,), of requests that were quoted to their end.
    best_rival
        Reduced quote of the best rival where it is known (a cover, the price of a trade with another), else NaN.
    cover_told
        The dealer is told when its quote was second best, so that TRADED_AWAY means third or worse.

    Returns
    -------
    Probabilities; NaN where the outcome has none in this market.
    """
    y, x, b, laws = margin, margin + shift, best_rival, tables.laws
    known, result = np.isfinite(b), np.zeros(margin.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        done = status == Status.DONE
        if shift > 0:
            given_cover = np.where(x < b, laws.client_sf(x) / laws.client_sf(y), 0)
            kept = np.where(known, given_cover, _ratio(laws.hit_curve(x), laws.hit_curve(y)))
            result = np.where(done, kept, 0.0)
        elif shift == 0:
            result = done.astype(float)
        else:
            edge = np.minimum(y, np.where(known, b, np.inf))
            above, hit = laws.client_sf(edge), laws.hit_curve(y)
            seen_rival = np.where(x < edge, _ratio(laws.client_sf(x) - above, 1 - above), 0)
            unseen_rival = _ratio(tables.not_traded(y) - tables.not_traded(x), tables.not_traded(y))
            cover, cover_all = tables.cover(y, x), tables.cover(y, np.full(y.shape, -np.inf))
            away, away_all = tables.away(y) - tables.away(x), tables.away(y)
            elsewhere = _ratio(away - cover, away_all - cover_all) if cover_told else _ratio(away, away_all)
            beaten = {
                Status.TRADED_AWAY: elsewhere,
                Status.COVER: _ratio(cover, cover_all),
                Status.TIED_COVER: _ratio(cover, cover_all),
                Status.TIED: np.ones(y.shape),
                Status.LOST: _ratio(laws.hit_curve(x) - hit, 1 - hit),
            }
            result = np.where(done, 1.0, np.nan)
            result = np.where(status == Status.NOT_TRADED, np.where(known, seen_rival, unseen_rival), result)
            for code, chance in beaten.items():
                result = np.where(status == code, np.where(known, x < b, chance), result)
    return np.where(np.isnan(result), np.nan, np.clip(result, 0, 1))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > _IMPOSSIBLE, part / whole, np.nan)
