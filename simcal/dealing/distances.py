"""How far a quote was from the one that mattered: the cover when it won, the traded price when it lost."""

import numpy as np
import pandas as pd

from simcal.data import Requests
from simcal.data.requests import AWAY


def cover_distances(requests: Requests) -> pd.DataFrame:
    """By how much each winning quote beat the next: what was left on the table.

    The cover gap of a market (`simcal.models.dealers.closed_forms`) is that of all its requests, whoever quoted best.

    Returns
    -------
    One row per done request whose cover price is known, with the columns request (its position), margin and distance
    (half spreads), price (the distance in price) and money (the distance in price times the notional).
    """
    known = requests.done & ~np.isnan(requests.cover_price)
    return _frame(requests, known, requests.side * (requests.cover_price - requests.quote))


def missed_by(requests: Requests) -> pd.DataFrame:
    """By how much each losing quote was worse for the client than the price at which another dealer traded.

    Returns
    -------
    As `cover_distances`, one row per request traded away whose traded price is known. Negative where the client traded
    at a worse price elsewhere.
    """
    known = np.isin(requests.status, AWAY) & ~np.isnan(requests.traded_price)
    return _frame(requests, known, requests.side * (requests.quote - requests.traded_price))


def _frame(requests: Requests, known: np.ndarray, price: np.ndarray) -> pd.DataFrame:
    price = price[known]
    return pd.DataFrame(
        {
            "request": np.flatnonzero(known),
            "margin": requests.margin[known],
            "distance": price / requests.half_spread[known],
            "price": price,
            "money": price * requests.size[known],
        }
    )
