"""Mark-outs: where the mid goes after a request, from the dealer's side."""

import numpy as np
import pandas as pd

from simcal.data import Requests
from simcal.dealing.intervals import mean_interval


def mark_outs(requests: Requests, level: float = 0.95) -> pd.DataFrame:
    """Moves of the mid after requests, positive where they favour the position a trade gives the dealer.

    The dealer who sells to a client that buys gains when the mid falls: the mark-out is
    - side (mid at the horizon - mid at the request) / half spread at the request. Its mean over done requests is
    usually negative: clients know something, and the quote that wins is the one that erred most (the winner's curse).
    The intervals take the requests as independent, which overlapping horizons are while the sides do not follow each
    other.

    Returns
    -------
    One row per horizon and kind of request, with the columns horizon, requests ("done", or "not done": quoted but not
    done), n, mark_out, low, high (half spreads), price (mean in price) and margin_left (mean margin + mark-out: what
    remains of the spread at the horizon, for done requests). Horizons at which no mid is known are left out.
    """
    rows = []
    for horizon, mid in requests.mids.items():
        move = -requests.side * (mid - requests.mid)
        for name, members in (("done", requests.done), ("not done", requests.quoted & ~requests.done)):
            known = members & ~np.isnan(move)
            if not known.any():
                continue
            mean, low, high = mean_interval(move[known] / requests.half_spread[known], level)
            left = float(np.mean(requests.margin[known])) + mean if name == "done" else np.nan
            rows.append(
                {
                    "horizon": horizon,
                    "requests": name,
                    "n": int(known.sum()),
                    "mark_out": mean,
                    "low": low,
                    "high": high,
                    "price": float(np.mean(move[known])),
                    "margin_left": left,
                }
            )
    columns = ["horizon", "requests", "n", "mark_out", "low", "high", "price", "margin_left"]
    return pd.DataFrame(rows, columns=columns)
