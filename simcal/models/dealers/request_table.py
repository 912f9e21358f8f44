"""One path of the dealer market as the request table of dealer 0."""

from __future__ import annotations

import numpy as np

from simcal.data.requests import Requests, Status
from simcal.errors import ParameterError
from simcal.models.dealers.market import Quoting, RfqMarket
from simcal.noise import check_integer, check_range, check_seed

HORIZONS = (1, 5, 20)
"""Requests after which the mid is noted, for mark-outs, where it walks."""


def request_table(
    market: RfqMarket,
    n: int,
    *,
    seed: int = 0,
    path: int = 0,
    quoting: Quoting | None = None,
    platform: bool = False,
    name: str = "simulated",
) -> Requests:
    """What dealer 0 sees of `n` requests in a row.

    The cover price is told where dealer 0 traded, the price of a trade wherever there was one. Where the mid walks,
    ``mids`` holds that of 1, 5 and 20 requests later (``"1rfq"`` and so on).

    Main arguments
    --------------
    market
        A market with the hard rule.
    n
        Number of requests.
    seed, path
        Which path of which seed: its requests are those of ``market.simulate_chunk(seed, path, 1, n)``.

    Other arguments
    ---------------
    quoting
        How dealer 0 quotes instead of its own law, see `RfqMarket.simulate_chunk`.
    platform
        Whether the table also has the quotes of all dealers, as the platform sees them.
    name
        What to call the table.

    Raises
    ------
    ParameterError
        Where the market has the smoothed rule, or its mid leaves the positive numbers.
    DataError
        Where a quote lies so far from the mid that no table of requests takes it.
    """
    if market.rule != "hard":
        raise ParameterError(
            "The market has the smoothed rule, under which clients split their requests; a request table needs the "
            "hard one: market.replace(rule='hard')."
        )
    n = check_integer("n", n, 1, 2**31 - 1 - max(HORIZONS))
    check_range(path, 1, 1, n)
    rivals = [f"quote_{i}" for i in range(1, market.n_dealers)]
    save = ("side", "size", "n_dealers", "own_quote", "best_quote", "cover_quote", "traded", "own_status",
            "own_inventory", *(rivals if platform else []))  # fmt: skip
    later = max(HORIZONS) if market.mid_law == "walk" else 0
    saved = market.simulate_chunk(check_seed(seed), path, 1, n + later, save=save, quoting=quoting)
    failed = int(saved.pop("failed_step")[0])
    if failed:
        raise ParameterError(
            f"The mid of path {path} is no longer positive at request {failed}; give the market a smaller "
            "mid_volatility or information, or ask for fewer requests."
        )
    mids = saved["prices"][0, 1:]
    seen = {key: values[0, 1 : n + 1] for key, values in saved.items()}
    mid, done = seen["prices"], seen["own_status"] == Status.DONE
    return Requests(
        name=name,
        side=seen["side"],
        bid=mid - market.half_spread,
        ask=mid + market.half_spread,
        quote=seen["own_quote"],
        status=seen["own_status"],
        n_dealers=seen["n_dealers"],
        size=seen["size"],
        cover_price=np.where(done, seen["cover_quote"], np.nan),
        traded_price=np.where(seen["traded"] > 0, seen["best_quote"], np.nan),
        mids={f"{k}rfq": mids[k : n + k] for k in HORIZONS} if later else {},
        inventory_before=seen["own_inventory"],
        quotes=np.column_stack([seen["own_quote"], *(seen[rival] for rival in rivals)]) if platform else None,
    )
