"""Calibration: the adversarial game between a market and a discriminator, recipes, and the verbs around it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from simcal.calibration.bound import Bound as Bound
from simcal.calibration.bound import efficient_errors as efficient_errors
from simcal.calibration.calibrate import calibrate as calibrate
from simcal.calibration.certificate import PartValidation as PartValidation
from simcal.calibration.certificate import Validation as Validation
from simcal.calibration.experiment import ExperimentResult as ExperimentResult
from simcal.calibration.experiment import load_experiment as load_experiment
from simcal.calibration.experiment import run_experiment as run_experiment
from simcal.calibration.gan import Game as Game
from simcal.calibration.gan import GameData as GameData
from simcal.calibration.losses import LOSSES as LOSSES
from simcal.calibration.recipe import GameSettings as GameSettings
from simcal.calibration.recipe import Recipe as Recipe
from simcal.calibration.recipe import load_recipe as load_recipe
from simcal.calibration.recipe import recipe_names as recipe_names
from simcal.calibration.result import Calibration as Calibration
from simcal.calibration.run import Run as Run
from simcal.calibration.run import read_run as read_run
from simcal.calibration.run import write_validation as write_validation
from simcal.calibration.statistics import STATISTICS as STATISTICS
from simcal.calibration.statistics import Statistics as Statistics
from simcal.calibration.validate import validate as validate

if TYPE_CHECKING:
    from simcal.calibration.experiment.report import write_experiment_report as write_experiment_report
    from simcal.calibration.recovery import RecoveryResult as RecoveryResult
    from simcal.calibration.recovery import load_recovery as load_recovery
    from simcal.calibration.recovery import run_recovery as run_recovery
    from simcal.calibration.recovery import write_recovery_report as write_recovery_report
    from simcal.calibration.reporting import write_run_report as write_run_report

# Not needed by the processes that train, and figures take a second to import.
_LATER = {
    **dict.fromkeys(
        ("RecoveryResult", "load_recovery", "run_recovery", "write_recovery_report"), "simcal.calibration.recovery"
    ),
    "write_experiment_report": "simcal.calibration.experiment.report",
    "write_run_report": "simcal.calibration.reporting",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module 'simcal.calibration' has no attribute {name!r}")
