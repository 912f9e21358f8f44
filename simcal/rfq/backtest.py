"""The backtest in the dealer market: every policy on the same requests, settled and measured path by path."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import NumericalError, NumericalWarning, ParameterError
from simcal.rfq.market import RfqMarket
from simcal.rfq.measures import inventory_carry, spread_captured
from simcal.rfq.policies import Policy, Watched, compiled_shift, not_finite, policy_of
from simcal.rfq.rules import next_inventory
from simcal.trading.bands import Measure, Noise, expected_shortfall, summarise, value_at_risk
from simcal.trading.result import Backtest, over_time

CHUNK = 1_500_000  # requests settled at a time
TIMES, FAN_PATHS = 101, 20_000  # of the fans over time
_SAVED = ("side", "size", "own_quote", "own_done", "own_inventory")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Account:
    """One dealer's requests and what came of them; all arrays (n_paths, n_requests).

    `quote` is its price, `share` the share of the size that was traded with it, 0 to 1, `inventory_before` what it held
    before each request.
    """

    side: np.ndarray
    size: np.ndarray
    mid: np.ndarray
    half_spread: np.ndarray
    quote: np.ndarray
    share: np.ndarray
    inventory_before: np.ndarray

    @property
    def volume(self) -> np.ndarray:
        """Units traded at each request."""
        return self.size * self.share

    @property
    def inventory(self) -> np.ndarray:
        """Units held after each request."""
        return next_inventory(self.inventory_before, self.side, self.size, self.share)

    @property
    def spread(self) -> np.ndarray:
        """Spread captured at each request."""
        return spread_captured(self.side, self.quote, self.mid, self.volume)

    @property
    def carry(self) -> np.ndarray:
        """What the inventory held before each request gained by the move of the mid since the one before."""
        return inventory_carry(self.inventory, self.mid)

    @property
    def pnl(self) -> np.ndarray:
        """Profit up to each request: spread captured and carry.

        It is the cash of the trades + inventory * mid, less the worth of the inventory at the start.
        """
        return np.cumsum(self.spread + self.carry, axis=1)


def path_measures(account: Account) -> dict[str, np.ndarray]:
    """One number per path and measure, each (n_paths,); P&L in price times units, inventory in units."""
    pnl, inventory, volume = account.pnl, account.inventory, account.volume
    held, before = inventory != 0, account.inventory_before
    peak = np.maximum(np.maximum.accumulate(pnl, axis=1), 0)
    return {
        "pnl": pnl[:, -1],
        "spread_pnl": account.spread.sum(1),
        "carry_pnl": account.carry.sum(1),
        "requests": np.full(len(pnl), float(pnl.shape[1])),
        "trades": account.share.sum(1),
        "hit_ratio": account.share.mean(1),
        "volume_asked": account.size.sum(1),
        "volume": volume.sum(1),
        "half_spread_volume": (account.half_spread * volume).sum(1),
        "drawdown": (peak - pnl).max(1),
        "mean_abs_inventory": np.abs(inventory).mean(1),
        "inventory_95": np.quantile(np.abs(inventory), 0.95, axis=1),
        "last_inventory": inventory[:, -1],
        "requests_held": held.sum(1).astype(float),
        "times_flat": ((before != 0) & (before * inventory <= 0)).sum(1).astype(float),
    }


def measures(risk_level: float) -> tuple[Measure, ...]:
    """What a backtest in the dealer market reports, from the columns of `path_measures`."""
    money, units = "price × units", "units"
    tail = f"{100 * risk_level:g} %"
    return (
        Measure("pnl", "P&L", money, "pnl"),
        Measure("spread_pnl", "spread captured", money, "spread_pnl"),
        Measure("carry_pnl", "inventory carry", money, "carry_pnl"),
        Measure("pnl_deviation", "standard deviation of P&L", money, "pnl", statistic=_deviation),
        Measure("value_at_risk", f"value at risk, {tail}", money, "pnl", statistic=value_at_risk(risk_level)),
        Measure("expected_shortfall", f"expected shortfall, {tail}", money, "pnl",
                statistic=expected_shortfall(risk_level)),
        Measure("drawdown", "worst drawdown", money, "drawdown"),
        Measure("requests", "requests", "", "requests"),
        Measure("trades", "trades", "", "trades"),
        Measure("hit_ratio", "hit ratio", "trades / requests", "trades", per="requests"),
        Measure("volume_hit_ratio", "hit ratio by volume", "traded / asked", "volume", per="volume_asked"),
        Measure("volume", "volume traded", units, "volume"),
        Measure("average_margin", "average margin of trades", "half spreads", "spread_pnl", per="half_spread_volume"),
        Measure("mean_abs_inventory", "mean absolute inventory", units, "mean_abs_inventory"),
        Measure("inventory_95", "absolute inventory, 95 %", units, "inventory_95"),
        Measure("requests_to_flat", "requests until flat", "requests", "requests_held",
                per="times_flat"),
    )  # fmt: skip


def _deviation(pnl: Any) -> float:
    return float(np.std(pnl, ddof=1)) if len(pnl) > 1 else float("nan")


@dataclass(frozen=True, eq=False)
class Played:
    """A policy's results: the frame of paths, and P&L and inventory of the first paths at some steps, (n, n_times)."""

    paths: pd.DataFrame
    steps: np.ndarray
    pnl: np.ndarray
    inventory: np.ndarray
    n_failed: int


@dataclass(frozen=True, eq=False)
class RfqBacktest(Backtest):
    """A backtest in the dealer market: what `simcal.trading.Backtest` says, and what a report shows of it."""

    def _room(self) -> Any:
        from simcal.rfq import backtest_report

        return backtest_report


def account_of(policy: Policy, market: RfqMarket, noise: Noise) -> tuple[Account, np.ndarray]:
    """Play a policy; its account, and the first step of each path at which the mid was no usable price (0: none)."""
    quoting = policy.quoting
    if quoting is None and policy.shift:
        means = market.vector("quote_mean")
        means[0] += policy.shift
        market = market.replace(quote_mean=means.tolist())
    elif quoting is not None and not policy.compiled:
        quoting = Watched(policy, noise.first_path)
    elif quoting is not None and policy.shift:
        quoting = compiled_shift(quoting, policy.shift)

    def simulate(quoting: Any) -> dict[str, np.ndarray]:
        return market.simulate_chunk(
            noise.seed, noise.first_path, noise.n_paths, noise.n_steps, save=_SAVED, burn_in=noise.burn_in,
            threads=noise.threads, quoting=quoting,
        )  # fmt: skip

    try:
        out = simulate(quoting)
    except ParameterError:
        raise
    except Exception:
        if policy.compiled:  # the kernel cannot say where: play again with eyes open
            simulate(Watched(policy, noise.first_path))
        raise
    mid, side, size, quote, share, inventory = (out[name][:, 1:] for name in ("prices", *_SAVED))
    bad = ~np.isfinite(quote) & (out["failed_step"] == 0)[:, None]
    if bad.any():
        path, place = map(int, np.argwhere(bad)[0])
        where = noise.first_path + path, noise.burn_in + place + 1
        raise not_finite(policy.name, float(quote[path, place]), *where)
    half_spread = np.broadcast_to(market.half_spread, side.shape)
    return Account(side, size, mid, half_spread, quote, share, inventory), out["failed_step"]


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
        remedy = "give a smaller mid_volatility or fewer steps"
        raise NumericalError(f"The mid of every path left the range of prices; {remedy}.")
    return Played(paths, times + 1, np.concatenate(pnl), np.concatenate(inventory), n_failed)


def backtest_rfq(
    market: RfqMarket, strategy: Any, noise: Noise, *, options: Mapping[str, float] | None, baseline: Any,
    shifts: Sequence[float], level: float, risk_level: float, progress: Progress | None,
) -> RfqBacktest:  # fmt: skip
    """See `simcal.backtest`; the baseline "default" is dealer 0's own law."""
    if isinstance(strategy, (list, tuple)):
        raise ParameterError(
            "Several strategies were given, but in a dealer market one dealer tries one strategy against rivals; give "
            "one of them."
        )
    policy = policy_of(strategy, market, options)
    default = isinstance(baseline, str) and baseline == "default"
    other = None if baseline is None else policy_of("own" if default else baseline, market)
    other = None if other == policy else other
    others = [shift for shift in dict.fromkeys(float(s) for s in shifts) if shift != 0]
    total = noise.n_paths * (1 + (other is not None) + len(others))
    done = 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    mine = play(policy, market, noise, told)
    theirs = None if other is None else play(other, market, noise, told)
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
        played = {0.0: mine.paths} | {s: play(policy.shifted(s), market, noise, told).paths for s in others}
        frames = [summarise(counted, played[shift], mine.paths, level) for shift in sorted(played)]
        curve = pd.concat(frames, keys=sorted(played), names=["shift", "name"])
    notes = []
    if mine.n_failed:
        notes.append(
            f"{mine.n_failed} of {noise.n_paths} paths are left out because their mid left the range of prices; give a "
            "smaller mid_volatility or fewer steps."
        )
        warnings.warn(notes[0], NumericalWarning, stacklevel=4)
    if market.mid_law == "uniform":
        notes.append(
            "The mid is drawn anew for each request (mid_law 'uniform'), so that the inventory carry, and with it the "
            "risk of the P&L, is noise without a meaning; look at the spread captured, or give a market with mid_law "
            "'walk'."
        )
    return RfqBacktest(
        strategy=policy.name, baseline=None if other is None else other.name,
        summary=summarise(counted, mine.paths, None if theirs is None else theirs.paths, level),
        paths=mine.paths, baseline_paths=None if theirs is None else theirs.paths, series=series, shifts=curve,
        market=market.to_dict(), notes=tuple(notes),
        settings={
            "n_paths": noise.n_paths, "n_steps": noise.n_steps, "seed": noise.seed, "first_path": noise.first_path,
            "burn_in": noise.burn_in, "level": level, "risk_level": risk_level,
        },
    )  # fmt: skip
