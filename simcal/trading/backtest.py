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
from simcal.trading.bands import check_level, check_shifts
from simcal.trading.noise import Noise
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

    Main arguments
    --------------
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
    options
        Of a strategy known by name, such as ``{"margin": 0.5}``; of a list, the first one's.
    baseline
        Another strategy to compare with path by path; "default" is "hold" or, in a dealer market, "own"; None for none.

    Arguments for markets with a price
    ----------------------------------
    size
        Traders of the model that one unit counts as (0.1); a list has one for each strategy.
    sizes
        Sizes for the capacity curve and for impact against size.
    execution
        An order given at P(t) is executed at "next" P(t + 1), which it helps to make (the default), at "last" P(t), or
        at "mid", their mean.
    fixed_cost, proportional_cost, quadratic_cost
        Money per trade, share of the value traded, money per squared trader.
    returns
        "target" or "order": what the strategy returns; None is what its attribute ``gives`` says, else the target.
    periods_per_year
        Steps in a year, for the Sharpe ratio and the like (252).

    Other arguments
    ---------------
    shifts
        In a dealer market: half spreads to add to all margins: had I quoted 0.1 tighter (-0.1)? On the same noise.
    burn_in
        Steps to play first that do not count. None is 250 in a market with a price, where the strategy sees them but
        does not trade, and 0 in a dealer market, where it quotes and the inventory that they leave is held.
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
    """
    market = models.load(market) if isinstance(market, (str, Path)) else market
    kind = getattr(market, "kind", None)
    dealers = hasattr(market, "backtest")  # a market that brings its own way
    if not dealers and not hasattr(market, "stepper"):
        what = f"a market of kind {kind!r}" if kind is not None else repr(market)
        raise ParameterError(
            f"There is no backtest yet in {what}; give a stock market, such as simcal.load('stock-sp500'), a dealer "
            "market, such as simcal.load('rfq'), or the folder of a run that calibrated one."
        )
    priced = {
        "size": size, "sizes": sizes, "execution": execution, "fixed_cost": fixed_cost,
        "proportional_cost": proportional_cost, "quadratic_cost": quadratic_cost, "returns": returns,
        "periods_per_year": periods_per_year,
    }  # fmt: skip
    _check_arguments(priced, shifts, dealers)
    n_paths, n_steps = check_integer("n_paths", n_paths, 1, 2**31 - 1), check_integer("n_steps", n_steps, 1, 2**31 - 1)
    burn_in = (0 if dealers else BURN_IN) if burn_in is None else check_integer("burn_in", burn_in, 0, 2**31 - 1)
    check_range(first_path, n_paths, 1, n_steps + burn_in)
    noise = Noise(check_seed(seed), int(first_path), n_paths, n_steps, burn_in, check_threads(threads))
    levels = {"level": check_level("level", level), "risk_level": check_level("risk_level", risk_level)}
    if dealers:
        moved = check_shifts(shifts).tolist()
        return market.backtest(  # type: ignore[attr-defined]
            strategy, noise, options=options, baseline=baseline, shifts=moved, **levels, progress=progress
        )
    return _orders(strategy, market, noise, options, baseline, priced, **levels, progress=progress)


def _check_arguments(priced: Mapping[str, Any], shifts: Any, dealers: bool) -> None:
    """Refuse what only the other kind of market knows."""
    given = next((name for name, value in priced.items() if value is not None), None)
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


def _orders(
    strategy: Any,
    market: Any,
    noise: Noise,
    options: Mapping[str, float] | None,
    baseline: Any,
    priced: Mapping[str, Any],
    **more: Any,
) -> Backtest:
    from simcal.trading.orders import strategies_of, strategy_of, terms_of
    from simcal.trading.orders.run import backtest_orders
    from simcal.trading.orders.terms import positive

    given = {name: value for name, value in priced.items() if value is not None}
    strategies = strategies_of(strategy, market, noise, options, given.get("returns"))
    other = None
    if baseline is not None and not (_is_default(baseline) and strategies[0].name == "hold"):
        other = strategy_of("hold" if _is_default(baseline) else baseline, market, noise)
    terms = terms_of(
        given.get("size", SIZE), len(strategies), execution=given.get("execution", "next"),
        **{kind: given.get(f"{kind}_cost", 0.0) for kind in ("fixed", "proportional", "quadratic")},
    )  # fmt: skip
    per_year = positive("periods_per_year", given.get("periods_per_year", 252))
    return backtest_orders(
        strategies, market, other, noise, terms, sizes=given.get("sizes", ()), periods_per_year=per_year, **more
    )  # fmt: skip


def _is_default(baseline: Any) -> bool:
    return isinstance(baseline, str) and baseline == "default"
