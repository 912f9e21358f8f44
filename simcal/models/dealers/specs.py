"""The parameters of the dealer market, and the streams of noise that a request consumes."""

from __future__ import annotations

from simcal.parameters import Parameter

MOST_DEALERS = 9

# Streams of the noise at every step, see `simcal.noise`. Words but for the last two, which are normals.
STREAM_CLIENT, STREAM_SIDE, STREAM_MID, STREAM_PANEL = 0, 1, 2, 3
STREAM_QUOTES = 4  # of dealer 0; those of the others follow
STREAM_RING, STREAM_TIE = 13, 14
STREAM_SIZE, STREAM_MOVE = 16, 18
N_STREAMS = 20

PARAMETERS = (
    Parameter("n_dealers", 5, "number of dealers", 1, MOST_DEALERS, integer=True, letter="N", trainable=False),
    Parameter(
        "panel_weights",
        1.0,
        "how often a request goes to 1, 2, ... dealers; absent: always to all",
        0,
        group="n_dealers",
        trainable=False,
    ),
    Parameter("client_mean", 0.2, "mean of a client's reserve price beyond the mid", letter="mu0", unit="half spreads"),
    Parameter("client_scale", 1.0, "its scale", 0, open=True, letter="sigma0", unit="half spreads"),
    Parameter("client_shape", 2.0, "its shape: 1 Laplace, 2 normal", 0.3, 50, letter="alpha0"),
    Parameter("quote_mean", 0.6, "mean of a dealer's margin", letter="mu1", unit="half spreads", group="n_dealers"),
    Parameter("quote_scale", 0.8, "its scale", 0, open=True, letter="sigma1", unit="half spreads", group="n_dealers"),
    Parameter("quote_shape", 1.2, "its shape", 0.3, 50, letter="alpha1", group="n_dealers"),
    Parameter(
        "inventory_skew",
        0.0,
        "how far a dealer lowers both its prices per unit that it is long",
        0,
        unit="half spreads/unit",
        group="n_dealers",
    ),
    Parameter("buy_share", 0.5, "share of the clients who buy", 0, 1, trainable=False),
    Parameter(
        "half_spread",
        0.05,
        "half the spread between composite bid and ask",
        0,
        open=True,
        letter="Delta",
        unit="price",
        trainable=False,
    ),
    Parameter(
        "mid_low", 95.0, "lowest mid, law 'uniform'", 0, open=True, letter="p_min", unit="price", trainable=False
    ),
    Parameter(
        "mid_high", 105.0, "highest mid, law 'uniform'", 0, open=True, letter="p_max", unit="price", trainable=False
    ),
    Parameter("initial_price", 100.0, "first mid, law 'walk'", 0, open=True, unit="price", trainable=False),
    Parameter(
        "mid_volatility", 0.0, "deviation of the mid's moves, law 'walk'", 0, unit="price/request", trainable=False
    ),
    Parameter(
        "information",
        0.0,
        "expected move of the mid in the client's direction after a request, law 'walk'",
        unit="half spreads",
        trainable=False,
    ),
    Parameter("size_median", 1.0, "median size of a request", 0, open=True, unit="units", trainable=False),
    Parameter("size_log_sd", 0.0, "deviation of the logarithm of the size", 0, 10, trainable=False),
    Parameter("tick", 0.0, "quotes are multiples of it; 0: any number", 0, unit="price", trainable=False),
    Parameter(
        "temperature",
        0.1,
        "how softly the smoothed rule chooses",
        0,
        open=True,
        unit="half spreads",
        trainable=False,
    ),
)
SPECS: dict[str, Parameter] = {p.name: p for p in PARAMETERS}
