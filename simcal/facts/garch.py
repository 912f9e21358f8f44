"""Conditional heavy tails (fact 11): what GARCH models of `arch` find in the returns.

Each path is fitted by maximum likelihood, some 50 ms each: array-only, no gradients, never in the default lists.
A fit that does not converge gives nan, and a NumericalWarning counts such fits.
"""

import warnings
from typing import Any, Literal

import numpy as np

from simcal.errors import NumericalWarning
from simcal.facts.arrays import Array, as_array, usable
from simcal.facts.moments import excess_kurtosis


def fit_garch(r: np.ndarray, *, asymmetric: bool, distribution: Literal["normal", "t"]) -> Any:
    """The `arch` result of a GARCH(1,1), or GJR-GARCH(1,1), with constant mean on returns over their deviation.

    At unit variance, because the optimiser's starting values and tolerances are made for it: at other scales it ends
    far from the maximum and says that it converged.
    """
    from arch import arch_model

    r = np.asarray(r, dtype=float)
    model = arch_model(
        r / r.std(),
        mean="Constant",
        vol="GARCH",
        p=1,
        o=int(asymmetric),
        q=1,
        dist=distribution,
        rescale=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence is read from the flag below, by every caller
        return model.fit(disp="off", show_warning=False)


def garch_persistence(r: Array) -> np.ndarray:
    """alpha + beta of a Gaussian GARCH(1,1); (..., n) to (...,)."""
    return _each(r, False, "normal", lambda fit: fit.params["alpha[1]"] + fit.params["beta[1]"])


def garch_residual_kurtosis(r: Array) -> np.ndarray:
    """Excess kurtosis of the standardised residuals of a Gaussian GARCH(1,1); (..., n) to (...,)."""
    return _each(r, False, "normal", lambda fit: excess_kurtosis(np.asarray(fit.std_resid)))


def gjr_asymmetry(r: Array) -> np.ndarray:
    """gamma of a GJR-GARCH(1,1) with Student-t residuals, positive for leverage; (..., n) to (...,)."""
    return _each(r, True, "t", lambda fit: fit.params["gamma[1]"])


def gjr_degrees_of_freedom(r: Array) -> np.ndarray:
    """Degrees of freedom of the residuals of a GJR-GARCH(1,1)-t; (..., n) to (...,)."""
    return _each(r, True, "t", lambda fit: fit.params["nu"])


def _each(r: Array, asymmetric: bool, distribution: Literal["normal", "t"], read) -> np.ndarray:
    r = np.asarray(as_array(r)[0], dtype=float)
    result = np.full(r.shape[:-1], np.nan)
    failed = 0
    for index in np.ndindex(r.shape[:-1]):
        fit = fit_garch(r[index], asymmetric=asymmetric, distribution=distribution) if usable(r[index]) else None
        if fit is not None and fit.convergence_flag == 0:
            result[index] = float(read(fit))
        else:
            failed += 1
    if failed:
        warnings.warn(
            f"{failed} of {result.size} GARCH fits did not converge; their values are nan.",
            NumericalWarning,
            stacklevel=3,
        )
    return result
