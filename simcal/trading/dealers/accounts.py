"""What a dealer's trades are worth on many paths: spread captured, inventory and its carry, request by request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simcal.dealing import inventory_carry, spread_captured
from simcal.models.dealers.rules import next_inventory
from simcal.trading.bands import Measure, expected_shortfall, value_at_risk


@dataclass(frozen=True, eq=False)
class Account:
    """One dealer's requests and what came of them; all arrays (n_paths, n_requests).

    Parameters
    ----------
    side
        +1 where the client buys (the dealer sells), -1 where she sells.
    size
        Units asked for.
    mid, half_spread
        Price in the middle of the market, and half its spread.
    quote
        The dealer's price.
    share
        Share of the size that was traded with it, 0 to 1.
    inventory_before
        Units held before each request.
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
