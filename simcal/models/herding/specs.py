"""The parameters of the herding market, and the streams of noise that its step consumes."""

from __future__ import annotations

from simcal.parameters import Parameter

# Streams of the noise at every step, see `simcal.noise`; the last two only where the fundamental value moves.
STREAM_FUNDAMENTAL, STREAM_CHARTIST, STREAM_VALUE, STREAM_VARIANCE = 0, 1, 2, 3

PARAMETERS = (
    Parameter(
        "initial_price",
        100.0,
        "price before the first step",
        0,
        open=True,
        letter="P(0)",
        unit="price",
        trainable=False,
    ),
    Parameter("impact", 0.01, "change of the log price per unit of excess demand", 0, open=True, letter="mu"),
    # How they trade.
    Parameter("value_sensitivity", 0.12, "fundamentalists' demand per unit of log mispricing", 0, letter="phi"),
    Parameter("trend_sensitivity", 1.5, "chartists' demand per unit of the trend", letter="chi", scale=10.0),
    Parameter("fundamental_sd", 0.758, "deviation of the fundamentalists' own demand", 0, letter="sigma_f"),
    Parameter("chartist_sd", 2.087, "deviation of the chartists' own demand", 0, letter="sigma_c"),
    # Who they are.
    Parameter("choice_intensity", 1.0, "how sharply the shares follow attractiveness", 0, letter="beta"),
    Parameter("predisposition", -0.327, "standing attractiveness of fundamentalism", letter="alpha_0"),
    Parameter("herding", 1.79, "attractiveness of being many", letter="alpha_n"),
    Parameter(
        "misalignment",
        18.43,
        "attractiveness of fundamentalism per squared log mispricing",
        letter="alpha_p",
        scale=30.0,
    ),
    Parameter("share_start", 0.5, "share of fundamentalists at the first step", 0, 1, letter="n_f(1)", trainable=False),
    # Extensions; each is off where it is 0.
    Parameter(
        "misalignment_tilt", 0.0, "attractiveness of fundamentalism per log overpricing", letter="alpha_m", scale=5.0
    ),
    Parameter(
        "trend_attraction", 0.0, "attractiveness of fundamentalism per unit of the trend", letter="alpha_r", scale=100.0
    ),
    Parameter("trend_memory", 0.0, "weight that the trend keeps from step to step", 0, 1, letter="omega"),
    Parameter(
        "fall_response", 0.0, "how much the chartists' own demand grows as prices fall", letter="lambda", scale=100.0
    ),
    Parameter("fundamental_tail", 0.0, "tail index^-1 of the fundamentalists' own demand", 0, 0.5, letter="h_f"),
    Parameter("chartist_tail", 0.0, "tail index^-1 of the chartists' own demand", 0, 0.5, letter="h_c"),
    Parameter(
        "chartist_skew", 0.0, "skew of the chartists' own demand, about a sixth of its skewness", letter="s", scale=0.1
    ),
    Parameter("growth", 0.0, "growth of price and fundamental value", letter="g", unit="1/step", scale=1e-3),
    # The fundamental value: constant where both variance_mean and vol_of_vol are 0.
    Parameter(
        "fundamental_mean",
        100.0,
        "level that the fundamental value reverts to",
        0,
        open=True,
        letter="P*",
        unit="price",
    ),
    Parameter("fundamental_reversion", 0.0, "speed of that reversion, in logs", 0, 1, letter="v1", unit="1/step"),
    Parameter(
        "fundamental_start",
        100.0,
        "fundamental value before the first step; absent: at its mean",
        0,
        open=True,
        letter="P*(0)",
        unit="price",
        trainable=False,
    ),
    Parameter(
        "variance_mean",
        0.0,
        "level that the variance of the log fundamental value reverts to",
        0,
        letter="mu2",
        unit="1/step",
    ),
    Parameter("variance_reversion", 0.1, "speed of that reversion", 0, 1, letter="v2", unit="1/step"),
    Parameter(
        "variance_start",
        0.0,
        "variance before the first step; absent: at its mean",
        0,
        letter="sigma(0)",
        unit="1/step",
        trainable=False,
    ),
    Parameter("vol_of_vol", 0.0, "size of the variance's own shocks", 0, letter="xi", unit="1/step"),
    Parameter("leverage_correlation", 0.0, "correlation of the shocks to value and variance", -1, 1, letter="corr"),
)
SPECS: dict[str, Parameter] = {p.name: p for p in PARAMETERS}
STARTS_AT_MEAN = {"fundamental_start": "fundamental_mean", "variance_start": "variance_mean"}
