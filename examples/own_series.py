"""A series of your own, made by code instead of read from a file.

simcal facts examples/own_series.py:prices
simcal calibrate examples/own_series.py:prices
"""

import numpy as np


def prices():
    """Prices of a stochastic volatility model; a pandas Series with dates would do as well."""
    rng = np.random.default_rng(0)
    log_volatility = np.zeros(1500)
    for t in range(1, 1500):
        log_volatility[t] = 0.97 * log_volatility[t - 1] + 0.2 * rng.standard_normal()
    return 100 * np.exp(np.cumsum(0.01 * np.exp(log_volatility / 2) * rng.standard_normal(1500)))
