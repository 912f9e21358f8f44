"""What the price markets gave at commit a211edc, where every kernel and adjoint was written by hand.

``python tests/golden/cases.py FILE`` writes the numbers of the present code; `test_golden.py` compares with the file
that commit left.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

import simcal

SEED, PATHS, STEPS = 7, 48, 100

STOCK_TERMS = {
    "n_noise": 3,
    "n_technical": 2,
    "n_fundamental": 2,
    "short_window": [2, 5],
    "long_window": [9, 6],
    "public_weight": [0.5, 1.5, -0.3],
    "trend_sensitivity": [0.4, 0.7],
    "value_sensitivity": [1.0, 0.6],
    "leverage_correlation": -0.4,
    "vol_of_vol": 0.05,
    "variance_mean": 0.02,
    "variance_start": None,
    "predisposition": 0.1,
    "herding": 0.3,
    "misalignment": 4.0,
    "misalignment_tilt": 0.5,
}
HERDING_TERMS = {
    "misalignment_tilt": 0.4,
    "trend_attraction": 8.0,
    "trend_memory": 0.8,
    "fall_response": 6.0,
    "fundamental_tail": 0.05,
    "chartist_tail": 0.08,
    "chartist_skew": -0.05,
    "growth": 0.0003,
    "fundamental_mean": 104.0,
    "fundamental_reversion": 0.02,
    "variance_mean": 0.0001,
    "variance_reversion": 0.1,
    "vol_of_vol": 0.001,
    "leverage_correlation": -0.4,
}
# Terms that came after these numbers, and are off in them.
LATER = ("slow_sensitivity", "turbulence_response", "turbulence_memory", "fall_attraction", "rise_attraction",
         "johnson_tail", "johnson_skew")  # fmt: skip
# name -> (market, changes)
CASES = {
    "stock": ("stock", {}),
    "stock-hard": ("stock-hard", {}),
    "stock-sp500": ("stock-sp500", {}),
    "stock-switching": ("stock-switching", {}),
    "stock-terms": ("stock", STOCK_TERMS),
    "stock-hard-terms": ("stock-hard", {**STOCK_TERMS, "trend_threshold": [0.01, 0.02]}),
    "herding": ("herding", {}),
    "herding-sp500": ("herding-sp500", {}),
    "herding-terms": ("herding", HERDING_TERMS),
}


def market_of(case: str) -> simcal.Market:
    """The market of a case."""
    name, changes = CASES[case]
    return simcal.load(name).replace(**changes)


def numbers(case: str) -> dict[str, np.ndarray]:
    """Prices, every output at the last step, prices of a stepper with orders and restarts, and gradients."""
    market = market_of(case)
    found = {}
    for dtype in ("float64", "float32"):
        paths = simcal.simulate(market, PATHS, STEPS, seed=SEED, save=market.OUTPUTS, dtype=dtype, burn_in=5, every=5)
        found[f"prices {dtype}"] = paths.prices
        if dtype == "float64":
            found |= {f"output {name}": values[:, [0, -1]] for name, values in paths.outputs.items()}
    found["stepper"] = stepped(market)
    if getattr(market, "rule", "smoothed") == "smoothed":
        found |= {f"gradient {name}": value for name, value in gradients(market).items()}
    return found


def stepped(market: simcal.Market) -> np.ndarray:
    """Prices (steps, paths) under outside demand, where some paths begin anew and some are adopted on the way."""
    stepper, rows = market.stepper(SEED, 0, PATHS), []
    other = market.stepper(SEED, 0, PATHS)
    for t in range(60):
        rows.append(stepper.advance(0.1 * np.sin(t + np.arange(PATHS))).copy())
        if t == 22:
            stepper.restart(np.arange(5), 100 + np.arange(5))
        if t < 40:
            other.advance()
    stepper.adopt(np.arange(10, 14), other, np.arange(20, 24))
    rows += [stepper.advance(0.1 * np.cos(t + np.arange(PATHS))).copy() for t in range(20)]
    return np.array(rows)


def gradients(market: simcal.Market, engine: str = "adjoint", dtype: torch.dtype = torch.float64) -> dict:
    """Derivatives of a fixed sum of prices in all free numbers that the market allows to be trained."""
    names, per_trader = [], []
    for spec in market.SPECS.values():
        value = getattr(market, spec.name)
        values = np.atleast_1d(np.array(value, float)) if value is not None else np.array([spec.low])
        inside = ((values > spec.low) & (values < spec.high)).all()
        if (
            spec.name not in LATER
            and spec.trainable
            and not spec.integer
            and inside
            and (spec.group is None or getattr(market, spec.group))
        ):
            names.append(spec.name)
            per_trader += [spec.name] if spec.group else []
    twin = market.twin(names, per_trader=per_trader, engine=engine, dtype=dtype)
    prices = twin.simulate(SEED, 0, PATHS, STEPS)
    weights = torch.sin(torch.arange(prices.numel(), dtype=dtype)).reshape(prices.shape)
    (prices * weights).sum().backward()
    return {name: free.grad.numpy() for name, free in twin.trainable.free.items()}


if __name__ == "__main__":
    np.savez_compressed(sys.argv[1], **{f"{case}: {k}": v for case in CASES for k, v in numbers(case).items()})
