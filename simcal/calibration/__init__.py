"""Calibration: the adversarial game between a market and a discriminator, recipes, and the verbs around it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from simcal.calibration.bound import Bound as Bound
from simcal.calibration.bound import efficient_errors as efficient_errors
from simcal.calibration.calibrate import calibrate as calibrate
from simcal.calibration.certificate import PartValidation as PartValidation
from simcal.calibration.certificate import Validation as Validation
from simcal.calibration.estimate import Estimate as Estimate
from simcal.calibration.gan import Game as Game
from simcal.calibration.gan import GameData as GameData
from simcal.calibration.losses import LOSSES as LOSSES
from simcal.calibration.losses import Loss as Loss
from simcal.calibration.prices import ESTIMATORS as ESTIMATORS
from simcal.calibration.recipe import GameSettings as GameSettings
from simcal.calibration.recipe import Recipe as Recipe
from simcal.calibration.recipe import load_recipe as load_recipe
from simcal.calibration.recipe import recipe_names as recipe_names
from simcal.calibration.result import Calibration as Calibration
from simcal.calibration.result import Run as Run
from simcal.calibration.result import read_run as read_run
from simcal.calibration.result import write_validation as write_validation
from simcal.calibration.runs import RUNS as RUNS
from simcal.calibration.simulator import Simulator as Simulator
from simcal.calibration.simulator import as_black_it as as_black_it
from simcal.calibration.simulator import as_sbi as as_sbi
from simcal.calibration.statistics import STATISTICS as STATISTICS
from simcal.calibration.statistics import Statistics as Statistics
from simcal.calibration.validate import validate as validate

if TYPE_CHECKING:
    from simcal.calibration.moments import fit_moments as fit_moments
    from simcal.calibration.report import write_run_report as write_run_report
    from simcal.calibration.requests import RequestCalibration as RequestCalibration
    from simcal.calibration.requests import RequestExperimentResult as RequestExperimentResult
    from simcal.calibration.requests import RequestValidation as RequestValidation
    from simcal.calibration.requests import identification as identification
    from simcal.calibration.requests import load_request_experiment as load_request_experiment
    from simcal.calibration.requests import run_request_experiment as run_request_experiment
    from simcal.calibration.requests import validate_requests as validate_requests
    from simcal.calibration.requests import write_request_report as write_request_report
    from simcal.calibration.study import StudyResult as StudyResult
    from simcal.calibration.study import load_study as load_study
    from simcal.calibration.study import run_study as run_study
    from simcal.calibration.study import write_study_report as write_study_report

# Not needed by the processes that train, and figures take a second to import.
_LATER = {
    **dict.fromkeys(
        (
            "RequestCalibration",
            "RequestExperimentResult",
            "RequestValidation",
            "identification",
            "load_request_experiment",
            "run_request_experiment",
            "validate_requests",
            "write_request_report",
        ),
        "simcal.calibration.requests",
    ),
    **dict.fromkeys(("StudyResult", "load_study", "run_study", "write_study_report"), "simcal.calibration.study"),
    "fit_moments": "simcal.calibration.moments",
    "write_run_report": "simcal.calibration.report",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module 'simcal.calibration' has no attribute {name!r}")
