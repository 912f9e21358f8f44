"""The last section of a calibration's report: where the market stands today, and what comes next."""

from __future__ import annotations

import numpy as np

from simcal.calibration.result import Run
from simcal.definition.likelihood import has_likelihood
from simcal.errors import SimcalError
from simcal.inference.filtering import filter
from simcal.inference.forecast import forecast
from simcal.report import Picture, Section, Table

_PATHS = 4000


def from_today(run: Run) -> Section | None:
    """The section, or None where a market does not know where it stands.

    Parameters
    ----------
    run
        What `simcal.calibration.read_run` gives.
    """
    if not has_likelihood(run.market):
        return None
    try:
        state = filter(run.market, run.series)
        known = run.estimate
        if known is not None and not (known.method == "likelihood" and np.isfinite(known.covariance).all()):
            known = None
        found = forecast(run.market, run.series, n_paths=_PATHS, seed=run.recipe.seed, estimate=known)
    except SimcalError as error:
        return Section("From the last day on", [f"There is no forecast. {error}"])
    falls = ", ".join(f"{share:.0%} with probability {found.probability_of_fall(share):.1%}" for share in (0.05, 0.1))
    prose = [
        f"The next return is expected to deviate by {100 * state.next_deviation:.2f} %; its usual deviation in this "
        f"series is {100 * np.std(state.table['log_return']):.2f} %. Within {found.horizon} steps the price falls "
        f"by {falls}.",
        "Paths begin in the state that the prices tell, which is followed exactly"
        + ("." if known is None else f", with {found.n_draws} sets of parameters drawn around the estimate."),
    ]
    return Section(
        "From the last day on", prose,
        [Table(found.risk(), "Value at risk and expected shortfall, steps ahead, as shares of the last price.")],
        [Picture(found.plot(), "The last prices and the fan of those to come."),
         Picture(state.plot(), "The state on every day, beneath the price.")],
    )  # fmt: skip
