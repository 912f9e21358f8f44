"""Recovery: a known market found again from single long samples, errors beside those that theory allows."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simcal.calibration.recovery.folder import load_recovery as load_recovery
    from simcal.calibration.recovery.report import write_recovery_report as write_recovery_report
    from simcal.calibration.recovery.result import RecoveryResult as RecoveryResult
    from simcal.calibration.recovery.run import run_recovery as run_recovery

# Figures and the optimiser take a second to import.
_HOMES = {
    "RecoveryResult": "result",
    "load_recovery": "folder",
    "run_recovery": "run",
    "write_recovery_report": "report",
    "RUN": "verbs",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute {name!r}")
