"""The recipe of rfq-example.csv: 5 000 requests of the market models/rfq-example.toml, as dealer 0 sees them.

    python data/rfq-example.py     # in the source tree, writes the file anew

The market's parameters are the known truth. The times are a plain grid, because the market has no clock: 50 requests
a business day, ten minutes apart. Prices and sizes are rounded to six decimals.
"""

from dataclasses import replace
from pathlib import Path

import pandas as pd

import simcal
from simcal.rfq import Requests, request_table

N, SEED, PER_DAY, DECIMALS = 5_000, 2024, 50, 6


def make() -> Requests:
    """The table in the file."""
    seen = request_table(simcal.load("rfq-example"), N, seed=SEED, name="rfq-example")
    days = pd.bdate_range("2024-01-02", periods=N // PER_DAY) + pd.Timedelta(hours=9)
    times = [day + pd.Timedelta(minutes=10 * k) for day in days for k in range(PER_DAY)]
    rounded = {
        name: getattr(seen, name).round(DECIMALS)
        for name in ("bid", "ask", "quote", "size", "cover_price", "traded_price", "inventory_before")
    }
    return replace(
        seen,
        rfq_id=[f"R{i:05d}" for i in range(1, N + 1)],
        timestamp=pd.DatetimeIndex(times),
        mids={horizon: mid.round(DECIMALS) for horizon, mid in seen.mids.items()},
        **rounded,
    )


if __name__ == "__main__":
    print(make().save(Path(__file__).with_suffix(".csv")))
