"""Simple models beside which a calibrated market is judged, fitted to one series of returns."""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from simcal.errors import NumericalWarning, ParameterError
from simcal.facts.arrays import Array, series
from simcal.facts.bootstrap import BLOCK, block_indices
from simcal.facts.garch import fit_garch

_BURN_IN = 1000

#: each baseline's name and label
BASELINES: dict[str, str] = {
    "gjr-garch-t": "GJR-GARCH(1,1) with Student-t innovations",
    "garch-t": "GARCH(1,1) with Student-t innovations",
    "block-bootstrap": f"Block bootstrap, {BLOCK} steps",
    "iid-bootstrap": "Returns shuffled with replacement",
    "gaussian": "Independent Gaussian returns",
}


@dataclass(frozen=True)
class Garch:
    """A fitted (GJR-)GARCH(1,1) with Student-t innovations; parameters for returns divided by `scale`.

    s_t^2 = omega + (alpha + gamma [e_{t-1} < 0]) e_{t-1}^2 + beta s_{t-1}^2, e_t = s_t z_t, z_t Student-t with
    `degrees` degrees of freedom and unit variance. `status` says whether the fit converged.
    """

    name: str
    mu: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    degrees: float
    converged: bool
    status: str
    scale: float = 0.01

    @property
    def persistence(self) -> float:
        """alpha + gamma / 2 + beta; below 1 the variance has a mean."""
        return self.alpha + self.gamma / 2 + self.beta

    def simulate(self, n_paths: int, n: int, seed: int = 0) -> np.ndarray:
        """Returns (n_paths, n) after a burn-in of 1000 steps. Path k does not depend on the number of paths."""
        _check_size(n_paths, n)
        rng = np.random.default_rng(seed)
        steps = n + _BURN_IN
        # a path draws all its numbers before the next, and the recursion then runs over time-major memory
        z = rng.standard_t(self.degrees, size=(n_paths, steps)).T.copy()
        z *= np.sqrt((self.degrees - 2) / self.degrees)
        variance = np.full(n_paths, self.omega / max(1 - self.persistence, 1e-3))
        for t in range(steps):
            z[t] *= np.sqrt(variance)
            square = z[t] * z[t]
            variance = self.omega + self.beta * variance + (self.alpha + self.gamma * (z[t] < 0)) * square
        return (self.mu + z[_BURN_IN:].T) * self.scale


@dataclass(frozen=True)
class Resampling:
    """Blocks of the returns themselves, drawn with replacement; blocks of one step are independent draws."""

    name: str
    returns: np.ndarray
    block: int
    converged: bool = True
    status: str = "nothing to fit"

    def simulate(self, n_paths: int, n: int, seed: int = 0) -> np.ndarray:
        """Returns (n_paths, n). Path k does not depend on the number of paths."""
        _check_size(n_paths, n)
        rng = np.random.default_rng(seed)
        return self.returns[block_indices(len(self.returns), self.block, n_paths, rng, length=n)]


@dataclass(frozen=True)
class Gaussian:
    """Independent Gaussian returns with the mean and the standard deviation of the data."""

    name: str
    mean: float
    deviation: float
    converged: bool = True
    status: str = "moments matched"

    def simulate(self, n_paths: int, n: int, seed: int = 0) -> np.ndarray:
        """Returns (n_paths, n). Path k does not depend on the number of paths."""
        _check_size(n_paths, n)
        return np.random.default_rng(seed).normal(self.mean, self.deviation, size=(n_paths, n))


Baseline = Garch | Resampling | Gaussian


def fit_baseline(
    name: Literal["gjr-garch-t", "garch-t", "block-bootstrap", "iid-bootstrap", "gaussian"] | str, returns: Array
) -> Baseline:
    """Fit a baseline of `BASELINES` to log returns (n,); its `simulate(n_paths, n, seed)` gives (n_paths, n).

    A GARCH fit is the same at every scale of the returns. One that does not converge is kept, with `converged` false,
    the optimiser's word in `status`, and a NumericalWarning.

    Examples
    --------
    >>> returns = 0.01 * np.random.default_rng(0).standard_normal(500)
    >>> fit_baseline("block-bootstrap", returns).simulate(n_paths=3, n=100, seed=1).shape
    (3, 100)
    """
    r = series(returns)
    if name in ("garch-t", "gjr-garch-t"):
        return _garch(name, fit_garch(r, asymmetric=name == "gjr-garch-t", distribution="t"), float(r.std()))
    if name == "block-bootstrap":
        return Resampling(name, r, min(BLOCK, len(r)))
    if name == "iid-bootstrap":
        return Resampling(name, r, 1)
    if name == "gaussian":
        return Gaussian(name, float(r.mean()), float(r.std()))
    raise ParameterError(f"There is no baseline called {name!r}; choose one of {', '.join(BASELINES)}.")


def _garch(name: str, fit: Any, scale: float) -> Garch:
    parameters = {key: float(value) for key, value in fit.params.items()}
    converged = fit.convergence_flag == 0
    status = "converged" if converged else f"not converged: {fit.optimization_result.message}"
    if not converged:
        warnings.warn(
            f"The fit of {name!r} did not converge ({fit.optimization_result.message}); its paths may be off.",
            NumericalWarning,
            stacklevel=3,
        )
    return Garch(
        name,
        mu=parameters["mu"],
        omega=parameters["omega"],
        alpha=parameters["alpha[1]"],
        gamma=parameters.get("gamma[1]", 0.0),
        beta=parameters["beta[1]"],
        degrees=parameters["nu"],
        converged=converged,
        status=status,
        scale=scale,
    )


def _check_size(n_paths: int, n: int) -> None:
    if n_paths < 1 or n < 1:
        raise ParameterError(f"{n_paths} paths of {n} steps were asked; give at least one of each.")
