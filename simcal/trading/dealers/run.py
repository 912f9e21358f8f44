"""The backtest in the dealer market: every policy on the same requests, settled and measured path by path."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from simcal.errors import NumericalError, NumericalWarning, ParameterError
from simcal.trading.bands import Noise, summarise
from simcal.trading.dealers.accounts import Account, measures, path_measures
from simcal.trading.dealers.policies import Policy, Watched, not_finite
from simcal.trading.result import Backtest, over_time

if TYPE_CHECKING:
    from simcal.models.dealers.market import RfqMarket

CHUNK = 1_500_000  # requests settled at a time
TIMES, FAN_PATHS = 101, 20_000  # of the fans over time
_SAVED = ("side", "size", "own_quote", "own_done", "own_inventory")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Played:
    """A policy's results: the frame of paths, and P&L and inventory of the first paths at some steps, (n, n_times)."""

    paths: pd.DataFrame
    steps: np.ndarray
    pnl: np.ndarray
    inventory: np.ndarray
    n_failed: int


def account_of(policy: Policy, market: RfqMarket, noise: Noise) -> tuple[Account, np.ndarray]:
    """Play a policy; its account, and the first step of each path at which the mid was no usable price (0: none)."""
    quoting = policy.quoting
    if quoting is None and policy.shift:
        means = market.vector("quote_mean")
        means[0] += policy.shift
        market = market.replace(quote_mean=means.tolist())
    elif quoting is not None and (not policy.compiled or policy.shift):
        quoting = Watched(policy, noise.first_path)
    options: dict[str, Any] = {"save": _SAVED, "burn_in": noise.burn_in, "threads": noise.threads}
    try:
        out = market.simulate_chunk(
            noise.seed, noise.first_path, noise.n_paths, noise.n_steps, quoting=quoting, **options
        )
    except ParameterError:
        raise
    except Exception:
        if policy.compiled and not policy.shift:  # the kernel cannot say where: play again with eyes open
            watched = Watched(policy, noise.first_path)
            market.simulate_chunk(
                noise.seed, noise.first_path, noise.n_paths, noise.n_steps, quoting=watched, **options
            )
        raise
    prices, side, size, quote, share, inventory = (out[name][:, 1:] for name in ("prices", *_SAVED))
    failed = out["failed_step"]
    bad = ~np.isfinite(quote) & (failed == 0)[:, None]
    if bad.any():
        path, place = np.argwhere(bad)[0]
        raise not_finite(
            policy.name, float(quote[path, place]), noise.first_path + int(path), noise.burn_in + int(place) + 1
        )
    return Account(side, size, prices, np.broadcast_to(market.half_spread, side.shape), quote, share, inventory), failed


def play(policy: Policy, market: RfqMarket, noise: Noise, told: Callable[[int], None] | None = None) -> Played:
    """Play a policy on all paths, in chunks; paths whose mid left the range of prices are left out.

    `told` is called with the number of paths of each chunk.
    """
    chunk = max(CHUNK // noise.n_steps, 1)
    times = np.unique(np.linspace(0, noise.n_steps - 1, min(TIMES, noise.n_steps)).round().astype(int))
    tables, pnl, inventory, n_failed, n_drawn = [], [], [], 0, 0
    for part in noise.chunks(chunk):
        account, failed = account_of(policy, market, part)
        good = failed == 0
        n_failed += int((~good).sum())
        table = {"path": np.arange(part.n_paths) + part.first_path, **path_measures(account)}
        tables.append(pd.DataFrame(table)[good])
        drawn = np.flatnonzero(good)[: FAN_PATHS - n_drawn]
        if drawn.size:
            pnl.append(account.pnl[np.ix_(drawn, times)])
            inventory.append(account.inventory[np.ix_(drawn, times)])
            n_drawn += drawn.size
        if told is not None:
            told(part.n_paths)
    paths = pd.concat(tables, ignore_index=True)
    if paths.empty:
        raise NumericalError(
            "The mid of every path left the range of prices; give a smaller mid_volatility or fewer steps."
        )
    return Played(paths, times + 1, np.concatenate(pnl), np.concatenate(inventory), n_failed)


def backtest_dealers(
    policy: Policy,
    market: RfqMarket,
    baseline: Policy | None,
    noise: Noise,
    *,
    shifts: Sequence[float],
    level: float,
    risk_level: float,
    progress: Progress | None,
) -> Backtest:
    """See `simcal.backtest`."""
    others = [shift for shift in dict.fromkeys(float(s) for s in shifts) if shift != 0]
    total = noise.n_paths * (1 + (baseline is not None) + len(others))
    done = 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    mine = play(policy, market, noise, told)
    theirs = None if baseline is None else play(baseline, market, noise, told)
    series = {"pnl": over_time(mine.steps, mine.pnl), "inventory": over_time(mine.steps, mine.inventory)}
    if theirs is not None:
        series |= {
            "baseline_pnl": over_time(mine.steps, theirs.pnl),
            "baseline_inventory": over_time(mine.steps, theirs.inventory),
            "difference": over_time(mine.steps, mine.pnl - theirs.pnl),
        }
    counted = measures(risk_level)
    curve = None
    if len(shifts):
        rows = {0.0: summarise(counted, mine.paths, mine.paths, level)}
        for shift in others:
            rows[shift] = summarise(counted, play(policy.shifted(shift), market, noise, told).paths, mine.paths, level)
        frames = [rows[shift].reset_index().assign(shift=shift) for shift in sorted(rows)]
        curve = pd.concat(frames, ignore_index=True).set_index(["shift", "name"])
    if mine.n_failed:
        warnings.warn(_failed(mine.n_failed, noise.n_paths), NumericalWarning, stacklevel=3)
    return Backtest(
        strategy=policy.name,
        baseline=None if baseline is None else baseline.name,
        summary=summarise(counted, mine.paths, None if theirs is None else theirs.paths, level),
        paths=mine.paths,
        baseline_paths=None if theirs is None else theirs.paths,
        series=series,
        shifts=curve,
        market=market.to_dict(),
        settings={
            "n_paths": noise.n_paths, "n_steps": noise.n_steps, "seed": noise.seed, "first_path": noise.first_path,
            "burn_in": noise.burn_in, "level": level, "risk_level": risk_level,
        },
        notes=tuple(_notes(market, mine.n_failed, noise.n_paths)),
    )  # fmt: skip


def _notes(market: RfqMarket, n_failed: int, n_paths: int) -> list[str]:
    notes = []
    if n_failed:
        notes.append(_failed(n_failed, n_paths))
    if market.mid_law == "uniform":
        notes.append(
            "The mid is drawn anew for each request (mid_law 'uniform'), so that the inventory carry, and with it the "
            "risk of the P&L, is noise without a meaning; look at the spread captured, or give a market with mid_law "
            "'walk'."
        )
    return notes


def _failed(n_failed: int, n_paths: int) -> str:
    return (
        f"{n_failed} of {n_paths} paths are left out because their mid left the range of prices; give a smaller "
        "mid_volatility or fewer steps."
    )
