"""The parameters of the stock market, and the streams of noise that its step consumes."""

from __future__ import annotations

from simcal.parameters import Parameter

# Streams of the noise at every step, see `simcal.noise`. Private signals and observation errors follow.
STREAM_VALUE, STREAM_VARIANCE, STREAM_PUBLIC, STREAM_TRADERS = 0, 1, 2, 3

PARAMETERS = (
    Parameter("n_noise", 7, "number of noise traders", 0, integer=True, letter="N1", trainable=False),
    Parameter("n_technical", 5, "number of technical traders", 0, integer=True, letter="N2", trainable=False),
    Parameter("n_fundamental", 3, "number of fundamental traders", 0, integer=True, letter="N3", trainable=False),
    Parameter("impact", 0.1, "largest relative price change of one step", 0, 1, open=True, letter="rho"),
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
    Parameter("public_weight", 1.0, "weight of the public signal", letter="b", group="n_noise"),
    Parameter("private_weight", 1.0, "weight of the private signal", letter="c", group="n_noise"),
    Parameter("public_sd", 1.0, "deviation of the public signal", 0, letter="sigma_f"),
    Parameter("private_sd", 3.0, "deviation of a private signal", 0, letter="sigma_p"),
    Parameter(
        "short_window",
        (7, 4, 2, 7, 6),
        "prices in the short moving average",
        1,
        integer=True,
        letter="l1",
        unit="steps",
        group="n_technical",
        trainable=False,
    ),
    Parameter(
        "long_window",
        (8, 10, 10, 8, 7),
        "prices in the long moving average",
        2,
        integer=True,
        letter="l2",
        unit="steps",
        group="n_technical",
        trainable=False,
    ),
    Parameter(
        "trend_sensitivity",
        0.5,
        "steepness of the smoothed trend rule",
        0,
        open=True,
        letter="d",
        unit="1/price",
        group="n_technical",
    ),
    Parameter(
        "trend_threshold",
        0.0,
        "smallest trend that the hard rule acts on",
        0,
        letter="gamma",
        unit="price",
        group="n_technical",
        trainable=False,
    ),
    Parameter(
        "value_sensitivity",
        1.0,
        "steepness of the smoothed value rule",
        0,
        open=True,
        letter="k",
        unit="1/price",
        group="n_fundamental",
    ),
    Parameter(
        "observation_sd",
        1.0,
        "error of a trader's view of the fundamental value",
        0,
        letter="sigma_F",
        unit="price",
        group="n_fundamental",
    ),
    Parameter("fundamental_mean", 100.0, "level that the fundamental value reverts to", letter="mu1", unit="price"),
    Parameter("fundamental_reversion", 0.1, "speed of that reversion", 0, 1, letter="v1", unit="1/step"),
    Parameter(
        "fundamental_start",
        100.0,
        "fundamental value before the first step",
        letter="P*(0)",
        unit="price",
        trainable=False,
    ),
    Parameter(
        "variance_mean",
        0.01,
        "level that the variance of the fundamental value reverts to",
        0,
        letter="mu2",
        unit="price^2/step",
    ),
    Parameter("variance_reversion", 0.1, "speed of that reversion", 0, 1, letter="v2", unit="1/step"),
    Parameter(
        "variance_start",
        0.01,
        "variance before the first step; absent: at its mean",
        0,
        letter="sigma(0)",
        unit="price^2/step",
        trainable=False,
    ),
    Parameter("vol_of_vol", 1.0, "size of the variance's own shocks", 0, letter="xi", unit="price/step"),
    Parameter("leverage_correlation", 0.0, "correlation of the shocks to value and variance", -1, 1, letter="corr"),
    # Switching; off where all four are 0.
    Parameter("predisposition", 0.0, "standing attractiveness of fundamentalism", letter="alpha_0"),
    Parameter("herding", 0.0, "attractiveness of being many", letter="alpha_n"),
    Parameter(
        "misalignment", 0.0, "attractiveness of fundamentalism per squared relative mispricing", letter="alpha_p"
    ),
    Parameter("misalignment_tilt", 0.0, "attractiveness of fundamentalism per relative overpricing", letter="alpha_m"),
)
SWITCHING = ("predisposition", "herding", "misalignment", "misalignment_tilt")
SPECS: dict[str, Parameter] = {p.name: p for p in PARAMETERS}
