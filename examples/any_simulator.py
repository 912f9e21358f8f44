"""Any simulator as a market: here a random walk in NumPy, where yours would call mesa, ABIDES or a C++ program.

simcal calibrate sp500 --market examples/any_simulator.py:market --estimator moments
"""

import numpy as np

from simcal.calibration import Simulator
from simcal.parameters import Parameter


def walk(parameters, n_paths, n_steps, seed):
    """Prices (n_paths, n_steps + 1); the same ones for the same arguments."""
    rng = np.random.default_rng(seed)
    moves = parameters["sd"] * rng.standard_t(parameters["freedom"], (n_paths, n_steps))
    return 100 * np.exp(np.cumsum(np.pad(moves, ((0, 0), (1, 0))), axis=1))


market = Simulator(
    walk,
    [
        Parameter("sd", 0.01, "size of a return", low=0.0, open=True),
        Parameter("freedom", 4.0, "degrees of freedom of a return", low=2.0, high=50.0, open=True),
    ],
)
