"""The samples that a market is judged by: its own, and those of the baselines fitted to the same training part."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simcal.calibration.windows import training_part
from simcal.data import PriceSeries
from simcal.errors import NumericalError, NumericalWarning
from simcal.facts import fit_baseline
from simcal.models import Market
from simcal.simulation import simulate

#: samples are paths from this number on: no training reaches it, so their noise is new
FIRST_PATH = 1 << 40


@dataclass(frozen=True)
class Samples:
    """Simulated samples of a series' length.

    `prices` of the market, shape (n_samples, n); log returns of the `baselines` by name, each (n_samples, n - 1);
    how each baseline's fit ended; how many of the market's samples hold numbers that are not usable.
    """

    prices: np.ndarray
    baselines: dict[str, np.ndarray]
    fits: dict[str, str]
    n_failed: int

    @property
    def returns(self) -> np.ndarray:
        """Log returns of the market's samples, (n_samples, n - 1); nan where a price is not usable."""
        with np.errstate(divide="ignore", invalid="ignore"):
            r = np.diff(np.log(self.prices))
        return np.where(np.isfinite(r), r, np.nan)

    @property
    def usable(self) -> np.ndarray:
        """Which of the market's samples are finite, positive and move, (n_samples,)."""
        return _usable(self.returns)


def draw_samples(
    market: Market,
    series: PriceSeries,
    *,
    train_share: float,
    n_samples: int,
    burn_in: int,
    seed: int,
    baselines: Sequence[str],
) -> Samples:
    """Samples of the market after `burn_in` steps, and of baselines fitted to the first `train_share` of the series.

    Raises
    ------
    NumericalError
        Not one sample of the market is usable.
    """
    training = training_part(series, train_share)
    with warnings.catch_warnings():
        # Failed paths and fits that did not converge are part of the result.
        warnings.simplefilter("ignore", NumericalWarning)
        paths = simulate(market, n_samples, series.n - 1, seed=seed, burn_in=burn_in, first_path=FIRST_PATH)
        fitted = {name: fit_baseline(name, training.log_returns) for name in baselines}
    returns, fits = {}, {}
    for number, (name, model) in enumerate(fitted.items()):
        with np.errstate(over="ignore", invalid="ignore"):
            r = model.simulate(n_samples, series.n - 1, seed=seed + number)
        fits[name] = model.status
        if _usable(r).any():
            returns[name] = r
        else:
            fits[name] += "; none of its samples is finite, so it is not compared"
    samples = Samples(paths.prices, returns, fits, 0)
    failed = int(np.count_nonzero(~samples.usable))
    if failed == n_samples:
        raise NumericalError(
            f"None of the {n_samples} simulated samples of {series.n - 1} steps is finite and moves, so nothing can be "
            f"judged. {paths.status if paths.status != 'ok' else 'The simulated price stands still.'}"
        )
    return Samples(paths.prices, returns, fits, failed)


def _usable(returns: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.isfinite(returns).all(axis=1) & (returns.max(axis=1) > returns.min(axis=1))
