"""The verb `backtest`: a strategy on many paths of a market, beside a baseline on the same noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from simcal import models
from simcal.errors import ParameterError
from simcal.models import Market
from simcal.noise import check_integer, check_range, check_seed
from simcal.threads import check_threads
from simcal.trading.bands import Noise, check_level, check_number, check_shifts
from simcal.trading.orders.bench import Bench
from simcal.trading.orders.forms import strategies_of, strategy_of
from simcal.trading.orders.terms import terms_of
from simcal.trading.result import Backtest

BURN_IN = 250  # steps that a strategy sees before it trades, where it is not told
SIZE = 0.1  # traders that one unit counts as, where it is not told, as in the environments


def backtest(
    strategy: Any,
    market: Market | str | Path,
    *,
    n_paths: int = 1000,
    n_steps: int = 500,
    seed: int = 0,
    size: float | Sequence[float] | None = None,
    sizes: Sequence[float] | None = None,
    execution: Literal["next", "last", "mid"] | None = None,
    fixed_cost: float | None = None,
    proportional_cost: float | None = None,
    quadratic_cost: float | None = None,
    options: Mapping[str, float] | None = None,
    returns: Literal["target", "order"] | None = None,
    baseline: Any = "default",
    shifts: Sequence[float] = (),
    burn_in: int | None = None,
    periods_per_year: float | None = None,
    level: float = 0.95,
    risk_level: float = 0.95,
    threads: int | None = None,
    first_path: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Test a strategy inside a market that notices it: profit and risk as distributions over many paths.

    In a market with a price the strategy's orders enter the excess demand, move the price and make the other traders
    react; its impact is exact, as the market is played with and without it on the same noise. In a dealer market the
    strategy quotes beside rivals, and hit ratio and inventory are measured too.

    Parameters
    ----------
    strategy
        In a market with a price a function ``f(prices, position, cash, step) -> target``, called for a batch of paths:
        ``prices`` (n_paths, burn_in + step + 1), all so far and the last one now's; ``position`` (n_paths,) held now,
        in units; ``cash`` (n_paths,) per unit, from 0; ``step`` from 0 to n_steps - 1. It returns the position to hold,
        (n_paths,) or one number, in units, and depends on its arguments alone, as it is played several times on the
        same noise. The same of one path compiled with Numba, with prices (burn_in + step + 1,) and numbers, makes the
        same trades. An object with ``predict(observation, deterministic=True)`` sees what ``simcal/Stock-v0`` shows. A
        function with a fifth argument ``path`` gets the paths' numbers, to draw by. ``"FILE.py:NAME"``, or a name:
        ``"hold"`` (option units), ``"crossover"`` (short, long, lowest), ``"reversion"`` (window, gain, value),
        ``"twap"``, ``"vwap"``, ``"metaorder"`` (units, start, duration), ``"random"`` (holding, seed); see
        `simcal.trading.orders.strategies`. A list of strategies trades together.

        In the dealer market a function ``f(side, size, n_dealers, mid, half_spread, inventory, step) -> margin`` of
        arrays (n_paths,), or compiled, of numbers; or a name: ``"own"`` (dealer 0's own law), ``"fixed"`` (option
        margin), ``"optimal"`` (the best one margin), ``"skewed"`` (skew, margin) or ``"averse"`` (risk_aversion). Side
        is +1 where the client buys, -1 where she sells; inventory is what is held before the request; mid and half
        spread are prices; steps count from 1, burn-in included. The margin is what is earned by a trade, in half
        spreads.
    market
        A market or what `simcal.load` takes. In a dealer market P&L needs a mid that moves, ``mid_law = "walk"``: where
        it is drawn anew for each request, the carry is noise without a meaning, and the result says so.
    n_paths, n_steps
        Independent paths, and steps (requests) of each.
    seed
        Of the noise; everything that is compared meets the same.
    size
        Of orders: traders of the model that one unit counts as (0.1); a list has one for each strategy.
    sizes
        Of orders: sizes for the capacity curve and for impact against size.
    execution
        Of orders: one given at P(t) is executed at "next" P(t + 1), which it helps to make (the default), at "last"
        P(t), or at "mid", their mean.
    fixed_cost, proportional_cost, quadratic_cost
        Of orders: money per trade, share of the value traded, money per squared trader.
    options
        Of a strategy known by name, such as ``{"margin": 0.5}``; of a list, the first one's.
    returns
        "target" or "order": what a strategy with orders returns; None is what its attribute ``gives`` says, else the
        target.
    baseline
        Another strategy to compare with path by path; "default" is "hold" or, in a dealer market, "own"; None for none.

    Other Parameters
    ----------------
    shifts
        In a dealer market: half spreads to add to all margins: had I quoted 0.1 tighter (-0.1)? On the same noise.
    burn_in
        Steps to play first that do not count. None is 250 in a market with a price, where the strategy sees them but
        does not trade, 0 in one that begins on a certain day (`started`), and 0 in a dealer market, where it quotes
        and the inventory that they leave is held.
    periods_per_year
        In a market with a price: steps in a year, for the Sharpe ratio and the like (252).
    level
        Of the bands around measures.
    risk_level
        Of value at risk and expected shortfall.
    threads
        Threads, where strategies are compiled or known to a dealer market; None is one per core.
    first_path
        Number of the first path.
    progress
        Called with (paths done, paths to do).

    Raises
    ------
    ParameterError
        An argument is not allowed, the market has no backtest, or the strategy raises or returns something else than
        one finite number per path: then with the path, the step and the remedy.
    NumericalError
        No path is usable.

    Warns
    -----
    NumericalWarning
        Some paths left the range of prices; they are left out and counted in the notes.

    Examples
    --------
    >>> import simcal
    >>> result = simcal.backtest("crossover", "stock-sp500", n_paths=20, n_steps=30, burn_in=60)
    >>> result.baseline, len(result.paths), "sharpe" in result.summary.index
    ('hold', 20, True)
    """
    found: Any = models.load(market) if isinstance(market, (str, Path)) else market
    kind = getattr(found, "kind", None)
    dealers = hasattr(found, "backtest")  # a market that brings its own way, as that of dealers does
    if not dealers and not hasattr(found, "stepper"):
        what = f"a market of kind {kind!r}" if kind is not None else repr(found)
        raise ParameterError(
            f"There is no backtest yet in {what}; give a stock market, such as simcal.load('stock-sp500'), a dealer "
            "market, such as simcal.load('rfq'), or the folder of a run that calibrated one."
        )
    costs = {"fixed": fixed_cost, "proportional": proportional_cost, "quadratic": quadratic_cost}
    of_orders = {
        "size": size, "sizes": sizes, "execution": execution, **{f"{name}_cost": c for name, c in costs.items()},
        "returns": returns, "periods_per_year": periods_per_year,
    }  # fmt: skip
    given = next((name for name, value in of_orders.items() if value is not None), None)
    if dealers and given is not None:
        raise ParameterError(
            f"{given} belongs to strategies whose orders move a price, but this is a dealer market, where a strategy "
            "quotes margins; leave it out."
        )
    if not dealers and np.size(shifts):
        raise ParameterError(
            "shifts are half spreads added to a dealer's margins, but in this market strategies give orders; leave "
            "them out, or give sizes."
        )
    n_paths, n_steps = check_integer("n_paths", n_paths, 1, 2**31 - 1), check_integer("n_steps", n_steps, 1, 2**31 - 1)
    left_out = 0 if dealers or getattr(found, "begun", {}) else BURN_IN  # nothing of paths from a certain day on
    burn_in = left_out if burn_in is None else check_integer("burn_in", burn_in, 0, 2**31 - 1)
    check_range(first_path, n_paths, 1, n_steps + burn_in)
    noise = Noise(check_seed(seed), int(first_path), n_paths, n_steps, burn_in, check_threads(threads))
    more: dict[str, Any] = {"level": check_level("level", level), "risk_level": check_level("risk_level", risk_level)}
    more["progress"] = progress
    default = isinstance(baseline, str) and baseline == "default"
    if dealers:
        moved = check_shifts(shifts).tolist()
        return found.backtest(strategy, noise, options=options, baseline=baseline, shifts=moved, **more)

    strategies = strategies_of(strategy, found, noise, options, returns)
    other = None
    if baseline is not None and not (default and strategies[0].name == "hold"):
        other = strategy_of("hold" if default else baseline, found, noise)
    terms = terms_of(
        SIZE if size is None else size, len(strategies), execution="next" if execution is None else execution,
        **{name: 0.0 if cost is None else cost for name, cost in costs.items()},
    )  # fmt: skip
    per_year = check_number("periods_per_year", 252 if periods_per_year is None else periods_per_year, positive=True)
    bench = Bench(found, noise, periods_per_year=per_year, **more)
    return bench.backtest(strategies, other, terms, () if sizes is None else sizes)
