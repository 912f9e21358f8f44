"""Calibration of the dealer market to request tables: by likelihood, by moments, and by the adversarial game."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simcal.calibration.requests.experiment import run_request_experiment as run_request_experiment
    from simcal.calibration.requests.experiment_report import (
        write_request_experiment_report as write_request_experiment_report,
    )
    from simcal.calibration.requests.experiment_result import RequestExperimentResult as RequestExperimentResult
    from simcal.calibration.requests.experiment_result import load_request_experiment as load_request_experiment
    from simcal.calibration.requests.information import identification as identification
    from simcal.calibration.requests.report import write_request_report as write_request_report
    from simcal.calibration.requests.result import RequestCalibration as RequestCalibration
    from simcal.calibration.requests.run import RequestRun as RequestRun
    from simcal.calibration.requests.run import is_request_run as is_request_run
    from simcal.calibration.requests.run import judge_request_run as judge_request_run
    from simcal.calibration.requests.run import read_request_run as read_request_run
    from simcal.calibration.requests.validate import RequestValidation as RequestValidation
    from simcal.calibration.requests.validate import validate_requests as validate_requests

# Most of it is not needed by the processes that play a game, and figures take a second to import.
_HOMES = {
    "RequestCalibration": "result",
    "RequestExperimentResult": "experiment_result",
    "RequestRun": "run",
    "RequestValidation": "validate",
    "identification": "information",
    "is_request_run": "run",
    "judge_request_run": "run",
    "load_request_experiment": "experiment_result",
    "read_request_run": "run",
    "run_request_experiment": "experiment",
    "validate_requests": "validate",
    "write_request_experiment_report": "experiment_report",
    "write_request_report": "report",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute {name!r}")
