"""The parameters of the order-book market, and the blocks of noise that its steps consume."""

from __future__ import annotations

from simcal.parameters import Parameter

# Blocks of the noise, see `simcal.noise`. At a step (counted from 1, warm-up included) block 0 holds two normals of the
# fundamental value and a public signal. Decision i of the step has two blocks: who, a uniform and a normal of her own;
# then, for traders on signals, two uniforms more. Step 0 draws traits and endowments, two blocks per trader.
BLOCK_STEP, BLOCK_DECISIONS, BLOCKS_PER_DECISION, BLOCKS_PER_TRADER = 0, 1, 2, 2

GROUPS = ("n_fcn", "n_cara", "n_noise", "n_technical", "n_fundamental", "n_makers")


def _count(name: str, default: int, description: str) -> Parameter:
    return Parameter(name, default, description, 0, 1_000_000, integer=True, trainable=False)


PARAMETERS = (
    # Who trades.
    _count("n_fcn", 100, "number of fundamental-chartist-noise traders"),
    _count("n_cara", 0, "number of those with constant absolute risk aversion"),
    _count("n_noise", 0, "number of noise traders"),
    _count("n_technical", 0, "number of technical traders"),
    _count("n_fundamental", 0, "number of fundamental traders"),
    _count("n_makers", 0, "number of market makers"),
    Parameter("orders_per_step", 1, "decisions in one step", 1, 100_000, integer=True, trainable=False),
    # The exchange.
    Parameter("initial_price", 100.0, "price before the first step", 0, open=True, letter="P(0)", unit="price",
              trainable=False),
    Parameter("tick", 0.01, "distance of two prices of the book", 0, open=True, letter="delta", unit="price",
              trainable=False),
    Parameter("order_lifetime", 200, "steps after which an order of a trader without a horizon lapses", 0, 100_000,
              integer=True, unit="steps", trainable=False),
    Parameter("warm_up", 100, "steps before time 0 in which orders only rest", 0, 10_000_000, integer=True,
              unit="steps", trainable=False),
    Parameter("session_steps", 0, "steps of a trading session; 0: it never ends", 0, 10_000_000, integer=True,
              unit="steps", trainable=False),
    Parameter("break_steps", 0, "steps between two sessions, in which orders only rest", 0, 10_000_000, integer=True,
              unit="steps", trainable=False),
    Parameter("outside_volume", 10, "shares that one unit of demand from outside counts as", 1, 1_000_000,
              integer=True, unit="shares", trainable=False),
    # Endowments.
    Parameter("shares_mean", 50.0, "mean endowment with shares", 0, 1e6, unit="shares"),
    Parameter("shares_spread", 1.0, "half the range of a uniform endowment, relative to its mean", 0, 1),
    Parameter("cash_mean", 20_000.0, "mean endowment with cash", 0, 1e12, unit="money"),
    Parameter("cash_spread", 0.5, "half the range of a uniform endowment, relative to its mean", 0, 1),
    # Fundamental-chartist-noise traders, with or without risk aversion.
    Parameter("value_weight", 10.0, "mean weight of the fundamental value", 0, 1e3, letter="E w_F"),
    Parameter("trend_weight", 1.25, "mean weight of the trend", 0, 1e3, letter="E w_C"),
    Parameter("noise_weight", 1.0, "mean weight of noise", 0, 1e3, letter="E w_N"),
    Parameter("noise_scale", 1e-4, "deviation of the noise in an expected return per step", 0, 1, unit="1/step"),
    Parameter("value_horizon", 200.0, "steps in which the price is expected to reach its value", 0, 1e9, open=True,
              letter="tau_r", unit="steps"),
    Parameter("horizon", 100.0, "steps that a trader looks back and ahead, before her weights change them", 1, 1e5,
              letter="tau_0", unit="steps", trainable=False),
    Parameter("horizon_inertia", 20.0, "the larger, the less weights change a horizon", 0, 1e9, open=True,
              letter="b", trainable=False),
    Parameter("order_margin", 0.01, "largest distance of a limit order from the price it starts from", 0, 1, open=True,
              letter="k"),
    Parameter("order_volume", 1, "shares in an order of a trader without risk aversion", 1, 100_000, integer=True,
              unit="shares", trainable=False),
    Parameter("risk_aversion", 0.1, "absolute risk aversion, before weights change it", 0, open=True, letter="a",
              unit="1/money"),
    Parameter("risk_inertia", 1.0, "the larger, the less weights change risk aversion", 0, 1e9, open=True),
    # Traders on signals, as in the stock market.
    Parameter("public_weight", 1.0, "weight of the public signal", letter="b", group="n_noise"),
    Parameter("private_weight", 1.0, "weight of the private signal", letter="c", group="n_noise"),
    Parameter("public_sd", 1.0, "deviation of the public signal", 0, letter="sigma_f"),
    Parameter("private_sd", 3.0, "deviation of a private signal", 0, letter="sigma_p"),
    Parameter("short_window", 10, "prices in the short moving average", 1, 100_000, integer=True, letter="l1",
              unit="steps", group="n_technical", trainable=False),
    Parameter("long_window", 50, "prices in the long moving average", 2, 100_000, integer=True, letter="l2",
              unit="steps", group="n_technical", trainable=False),
    Parameter("trend_sensitivity", 0.5, "steepness of the smoothed trend rule", 0, open=True, letter="d",
              unit="1/price", group="n_technical"),
    Parameter("trend_threshold", 0.0, "smallest trend that the hard rule acts on", 0, letter="gamma", unit="price",
              group="n_technical", trainable=False),
    Parameter("value_sensitivity", 1.0, "steepness of the smoothed value rule", 0, open=True, letter="k",
              unit="1/price", group="n_fundamental"),
    Parameter("observation_sd", 1.0, "error of a trader's view of the fundamental value", 0, letter="sigma_F",
              unit="price", group="n_fundamental"),
    Parameter("signal_volume", 10, "shares in the full order of a trader on a signal", 1, 100_000, integer=True,
              unit="shares", trainable=False),
    Parameter("market_share", 0.3, "share of market orders among those of traders on signals", 0, 1),
    # Market makers.
    Parameter("maker_spread", 0.001, "half the spread of a market maker, relative to the mid", 0, 1, open=True),
    Parameter("maker_skew", 1e-5, "how far quotes move per share held, relative to the mid", 0, 1, unit="1/share"),
    Parameter("maker_volume", 10, "shares in a quote", 1, 100_000, integer=True, unit="shares", trainable=False),
    # The logarithm of the fundamental value.
    Parameter("fundamental_mean", 100.0, "level that the fundamental value reverts to", 0, open=True, letter="P*",
              unit="price"),
    Parameter("fundamental_reversion", 0.0, "speed of that reversion, of logarithms", 0, 1, letter="v1",
              unit="1/step"),
    Parameter("fundamental_start", 100.0, "fundamental value before the first step; absent: at its mean", 0, open=True,
              letter="P*(0)", unit="price", trainable=False),
    Parameter("variance_mean", 1e-6, "level that the variance of the log value reverts to", 0, letter="mu2",
              unit="1/step"),
    Parameter("variance_reversion", 0.1, "speed of that reversion", 0, 1, letter="v2", unit="1/step"),
    Parameter("variance_start", 1e-6, "variance before the first step; absent: at its mean", 0, letter="sigma(0)",
              unit="1/step", trainable=False),
    Parameter("vol_of_vol", 0.0, "size of the variance's own shocks", 0, letter="xi", unit="1/step"),
    Parameter("leverage_correlation", 0.0, "correlation of the shocks to value and variance", -1, 1, letter="corr"),
)  # fmt: skip
SPECS: dict[str, Parameter] = {p.name: p for p in PARAMETERS}

# Starts that are at their means where they are not given.
STARTS_AT_MEAN = {"fundamental_start": "fundamental_mean", "variance_start": "variance_mean"}

CHOICES: dict[str, tuple[str, ...]] = {
    "matching": ("each-level", "one-price"),
    "self_trade": ("allow", "cancel-resting", "cancel-incoming"),
    "price": ("last", "mid"),
    "endowment": ("uniform", "exponential"),
    "rule": ("smoothed", "hard"),
}
