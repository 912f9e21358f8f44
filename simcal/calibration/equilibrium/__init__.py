"""Calibration of a market with trading costs to prices and volume, by moments."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simcal.calibration.equilibrium.calibrate import calibrate_equilibrium as calibrate_equilibrium
    from simcal.calibration.equilibrium.fit import MomentFit as MomentFit
    from simcal.calibration.equilibrium.fit import fit_moments as fit_moments
    from simcal.calibration.equilibrium.observations import Observations as Observations
    from simcal.calibration.equilibrium.observations import observe as observe
    from simcal.calibration.equilibrium.report import write_equilibrium_run_report as write_equilibrium_run_report
    from simcal.calibration.equilibrium.result import KIND as KIND
    from simcal.calibration.equilibrium.result import EquilibriumCalibration as EquilibriumCalibration

# Figures take a second to import, and most of it is not needed by processes that play a game.
_HOMES = {
    "EquilibriumCalibration": "result",
    "KIND": "result",
    "MomentFit": "fit",
    "Observations": "observations",
    "calibrate_equilibrium": "calibrate",
    "fit_moments": "fit",
    "observe": "observations",
    "write_equilibrium_run_report": "report",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute {name!r}")
