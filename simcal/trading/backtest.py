"""The verb `backtest`: a strategy on many paths of a market, beside a baseline on the same noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simcal import models
from simcal.errors import ParameterError
from simcal.models import Market
from simcal.noise import check_integer, check_range, check_seed
from simcal.threads import check_threads
from simcal.trading.bands import check_level, check_shifts
from simcal.trading.result import Backtest


def backtest(
    strategy: Any,
    market: Market | str | Path,
    *,
    n_paths: int = 1000,
    n_steps: int = 500,
    seed: int = 0,
    options: Mapping[str, float] | None = None,
    baseline: Any = "own",
    shifts: Sequence[float] = (),
    burn_in: int = 0,
    level: float = 0.95,
    risk_level: float = 0.95,
    threads: int | None = None,
    first_path: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Test a strategy inside a market: profit, risk, hit ratio and inventory as distributions over many paths.

    Main arguments
    --------------
    strategy
        In the dealer market a function ``f(side, size, n_dealers, mid, half_spread, inventory, step) -> margin`` of
        arrays (n_paths,), the same of numbers compiled with Numba (which runs inside the kernel; both give the same
        trades), ``"FILE.py:NAME"``, or a name: ``"own"`` (dealer 0's own law), ``"fixed"`` (option margin),
        ``"optimal"`` (the best one margin), ``"skewed"`` (options skew, margin) or ``"averse"`` (option
        risk_aversion). Side is +1 where the client buys, -1 where she sells; inventory is what is held before the
        request; mid and half spread are prices; steps count from 1, burn-in included. The margin is what is earned
        by a trade, in half spreads.
    market
        A market or what `simcal.load` takes. P&L needs a mid that moves: a dealer market with ``mid_law = "walk"``.
        Where the mid is drawn anew for each request, the carry is noise without a meaning, and the result says so.
    n_paths, n_steps
        Independent paths, and steps (requests) of each.
    seed
        Of the noise. The strategy, the baseline and every shift meet the same clients, rivals and mids.
    options
        Of a strategy known by name, such as ``{"margin": 0.5}``.
    baseline
        Another strategy to compare with path by path; None for none.

    Other arguments
    ---------------
    shifts
        Half spreads to add to all margins of the strategy: had I quoted 0.1 tighter (-0.1)? On the same noise.
    burn_in
        Steps to play first that do not count; the inventory that they leave is held.
    level
        Of the bands around measures.
    risk_level
        Of value at risk and expected shortfall over paths.
    threads
        Threads; None is one per core.
    first_path
        Number of the first path.
    progress
        Called with (paths done, paths to do).

    Raises
    ------
    ParameterError
        An argument is not allowed, the market has no backtest, or the strategy raises or returns something else than
        one finite margin per path: then with the path, the step and the remedy.
    NumericalError
        No path is usable.

    Warns
    -----
    NumericalWarning
        Some paths left the range of prices; they are left out and counted in the notes.
    """
    market = models.load(market) if isinstance(market, (str, Path)) else market
    kind = getattr(market, "kind", None)
    if kind != "rfq":
        what = f"a market of kind {kind!r}" if kind is not None else repr(market)
        raise ParameterError(
            f"There is no backtest yet in {what}; give a dealer market, such as simcal.load('rfq'), or the folder of a "
            "run that calibrated one."
        )
    n_paths, n_steps = check_integer("n_paths", n_paths, 1, 2**31 - 1), check_integer("n_steps", n_steps, 1, 2**31 - 1)
    burn_in = check_integer("burn_in", burn_in, 0, 2**31 - 1)
    check_range(first_path, n_paths, 1, n_steps + burn_in)
    moved = check_shifts(shifts)

    from simcal.trading.dealers.policies import policy_of
    from simcal.trading.dealers.run import Noise, backtest_dealers

    policy = policy_of(strategy, market, options)  # type: ignore[arg-type]
    other = None if baseline is None else policy_of(baseline, market)  # type: ignore[arg-type]
    return backtest_dealers(
        policy,
        market,  # type: ignore[arg-type]
        None if other == policy else other,
        Noise(check_seed(seed), int(first_path), n_paths, n_steps, burn_in, check_threads(threads)),
        shifts=moved.tolist(),
        level=check_level("level", level),
        risk_level=check_level("risk_level", risk_level),
        progress=progress,
    )
