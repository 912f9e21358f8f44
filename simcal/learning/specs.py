"""The parameters of the order-book market whose traders learn."""

from __future__ import annotations

from simcal.parameters import Parameter

PARAMETERS = (
    Parameter("n_traders", 200, "number of traders", 1, 1_000_000, integer=True, letter="N"),
    Parameter("initial_price", 300.0, "price and fundamental value at the start", 0, open=True, unit="price"),
    Parameter("tick", 0.01, "distance of two prices of the book", 0, open=True, letter="delta", unit="price"),
    Parameter("order_lifetime", 200, "steps after which an order lapses", 1, 2**31 - 2, integer=True, unit="steps"),
    Parameter("fundamental_volatility", 0.003, "highest volatility of the fundamental value", 0, 1, letter="s",
              unit="1/sqrt(step)"),
    Parameter("shares_mean", 20.0, "mean endowment with shares", 0, 1e6, unit="shares"),
    Parameter("cash_mean", 15_000.0, "mean endowment with cash", 0, 1e12, unit="money"),
    Parameter("risk_aversion_mean", 2.0, "mean risk aversion", 0, 1e3, letter="E alpha"),
    Parameter("risk_aversion_sd", 1.0, "its deviation between traders", 0, 1e3, letter="s_alpha"),
    Parameter("noise_mean", 0.02, "mean noise in what traders know of the value", 0, 10, letter="E sigma"),
    Parameter("noise_sd", 0.01, "its deviation between traders", 0, 10, letter="s_sigma"),
    Parameter("discount_low", 0.75, "smallest discount per decision", 0, 0.9999, letter="g_lo"),
    Parameter("discount_high", 0.999, "largest discount per decision", 0, 0.9999, letter="g_hi"),
    Parameter("largest_volume", 20, "largest volume of an order", 1, 10_000, integer=True, unit="shares"),
    Parameter("price_band", 0.02, "how far from the mid an order may be", 0, 0.5, open=True, unit="share of the mid"),
    Parameter("reserve", 3_000.0, "wealth below which gains and risks are measured against it", 0, 1e12, open=True,
              unit="money"),
    Parameter("gain_weight", 20.0, "weight of gains and risks in the gains reward", 0, 1e6),
    Parameter("risk_weight", 5.0, "weight of risks against gains in the gains reward", 0, 1e6, letter="kappa"),
    Parameter("wealth_scale", 6e-5, "scale of wealth in the wealth reward", 0, open=True, unit="1/money"),
    Parameter("short_penalty", 0.1, "penalty of negative shares", 0, 1e6),
    Parameter("debt_penalty", 0.1, "penalty of negative cash", 0, 1e6),
    Parameter("illiquidity_penalty", 0.005, "penalty of holdings beyond the book's depth (wealth reward)", 0, 1e6),
    Parameter("mispricing_penalty", 0.2, "penalty of lasting mispricing (wealth reward)", 0, 1e6),
)  # fmt: skip
SPECS = {p.name: p for p in PARAMETERS}

# Blocks of the noise, see `simcal.noise`. At step t (from 1): who acts, what the value does and how blurred she sees
# it; normals for the policy; from BLOCK_OTHERS on one per trader, who would see it blurred by that. Step 0 draws
# endowments and traits, two blocks a trader, and in the block after the last trader's the volatility of the value.
BLOCK_MARKET, BLOCK_POLICY, BLOCK_OTHERS = 0, 1, 2

FEATURES = (
    "asset ratio", "liquidable ratio", "inverse buying power", "return", "volatility", "bid depth", "ask depth",
    "blurred value", "noise", "risk aversion", "discount",
)  # fmt: skip
"""What a trader sees, in this order, each from -1 to 1."""
ACTIONS = ("price", "volume")
"""What she chooses, each from -1 to 1: how patient the price, and the volume, above 0 to buy."""
