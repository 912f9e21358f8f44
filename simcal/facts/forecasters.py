"""Forecasters of the GARCH family beside which a market's forecasts are judged: densities and paths of coming returns.

Parameters are those of the first part of a series; every forecast uses the returns up to its day. Means are AR(1).
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.random import RandomState

from simcal.errors import check_names

#: name -> the volatility equation and the law of the innovations, as `arch` calls them
FORECASTERS: dict[str, tuple[dict[str, Any], str]] = {
    "GJR-t": ({"vol": "GARCH", "p": 1, "o": 1, "q": 1}, "t"),
    "GJR-skewt": ({"vol": "GARCH", "p": 1, "o": 1, "q": 1}, "skewt"),
    "EGARCH-t": ({"vol": "EGARCH", "p": 1, "o": 1, "q": 1}, "t"),
    "EGARCH-skewt": ({"vol": "EGARCH", "p": 1, "o": 1, "q": 1}, "skewt"),
    "APARCH-skewt": ({"vol": "APARCH", "p": 1, "o": 1, "q": 1}, "skewt"),
}
_SCALE = 100.0  # arch searches best among returns in per cent
_AT_A_TIME = 200  # days of forecasts, for the memory's sake


class Forecaster:
    """A model of `FORECASTERS`, fitted to the first `cut` of log returns (n,).

    Examples
    --------
    >>> returns = 0.01 * np.random.default_rng(0).standard_normal(600)
    >>> found = Forecaster("GJR-t", returns, 400)
    >>> found.log_densities().shape, found.paths(np.array([450, 500]), 5, 100, seed=1).shape
    ((200,), (2, 100, 5))
    """

    def __init__(self, name: str, returns: np.ndarray, cut: int) -> None:
        from arch import arch_model

        check_names([name], FORECASTERS, "a forecaster")
        volatility, law = FORECASTERS[name]
        self.name, self.cut, self._returns = name, cut, _SCALE * np.asarray(returns, dtype=float)
        self._model = arch_model(self._returns, mean="AR", lags=1, dist=law, rescale=False, **volatility)  # type: ignore[arg-type]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a search that did not settle is judged by its forecasts
            self._parameters = self._model.fit(last_obs=cut, disp="off").params
        filtered = self._model.fix(self._parameters)
        self._residuals = np.asarray(filtered.resid)[cut:]
        self._deviations = np.asarray(filtered.conditional_volatility)[cut:]
        self._of_law = np.array([v for n, v in self._parameters.items() if n in ("nu", "eta", "lambda")])
        self._how = {"mean": "AR", "lags": 1, "dist": law, "rescale": False, **volatility}

    def log_densities(self) -> np.ndarray:
        """Log densities of the log returns from number `cut` on."""
        found = self._model.distribution.loglikelihood(
            self._of_law, self._residuals, np.square(self._deviations), individual=True
        )
        return np.asarray(found) + math.log(_SCALE)

    def probabilities(self) -> np.ndarray:
        """Of smaller returns than came, from number `cut` on."""
        return np.asarray(self._model.distribution.cdf(self._residuals / self._deviations, self._of_law))

    def paths(self, days: np.ndarray, horizon: int, n_paths: int, *, seed: int, historical: bool = False) -> np.ndarray:
        """Log returns (days, n_paths, horizon) to come after each of the returns at the positions `days`.

        With `historical` innovations are drawn from the model's own residuals: filtered historical simulation.
        """
        from arch import arch_model

        parts = []
        for k in range(0, len(days), _AT_A_TIME):
            some = np.asarray(days[k : k + _AT_A_TIME])
            model = arch_model(self._returns[: some[-1] + 1], **self._how)
            model.distribution._generator = RandomState(seed + k)
            found = model.fix(self._parameters).forecast(
                horizon=horizon, start=int(some[0]), method="bootstrap" if historical else "simulation",
                simulations=n_paths, reindex=False, random_state=RandomState(seed + k),
            )  # fmt: skip
            values = np.asarray(found.simulations.values)
            parts.append(values[some - some[0]] / _SCALE)
        return np.concatenate(parts)
