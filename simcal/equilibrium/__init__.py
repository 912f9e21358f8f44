"""Equilibrium of agents who trade one asset at a cost: the problem, its solvers, its market, and the verb `solve`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from simcal.equilibrium.best_reply import BestReply as BestReply
from simcal.equilibrium.best_reply import best_reply as best_reply
from simcal.equilibrium.checks import Checks as Checks
from simcal.equilibrium.checks import check as check
from simcal.equilibrium.comparison import Comparison as Comparison
from simcal.equilibrium.comparison import Solved as Solved
from simcal.equilibrium.comparison import compare as compare
from simcal.equilibrium.comparison import solve_and_measure as solve_and_measure
from simcal.equilibrium.comparison import write_equilibrium_report as write_equilibrium_report
from simcal.equilibrium.market import EquilibriumMarket as EquilibriumMarket
from simcal.equilibrium.methods import METHODS as METHODS
from simcal.equilibrium.methods import Method as Method
from simcal.equilibrium.methods import default_method as default_method
from simcal.equilibrium.methods import methods_for as methods_for
from simcal.equilibrium.methods import solve as solve
from simcal.equilibrium.predictions import Predictions as Predictions
from simcal.equilibrium.predictions import predictions as predictions
from simcal.equilibrium.problem import EquilibriumProblem as EquilibriumProblem
from simcal.equilibrium.problem import load_problem as load_problem
from simcal.equilibrium.problem import problem_names as problem_names
from simcal.equilibrium.published import published_rows as published_rows
from simcal.equilibrium.solution import EquilibriumErrors as EquilibriumErrors
from simcal.equilibrium.solution import EquilibriumPaths as EquilibriumPaths
from simcal.equilibrium.solution import EquilibriumSolution as EquilibriumSolution
from simcal.equilibrium.solution_market import SolutionMarket as SolutionMarket
from simcal.equilibrium.solution_market import to_market as to_market
from simcal.equilibrium.two_groups import TradeLaw as TradeLaw
from simcal.equilibrium.two_groups import TwoGroups as TwoGroups

if TYPE_CHECKING:
    from simcal.equilibrium.calibration import EquilibriumCalibration as EquilibriumCalibration
    from simcal.equilibrium.calibration import calibrate_equilibrium as calibrate_equilibrium
    from simcal.equilibrium.calibration_report import write_equilibrium_run_report as write_equilibrium_run_report
    from simcal.equilibrium.moment_fit import MomentFit as MomentFit
    from simcal.equilibrium.moment_fit import fit_moments as fit_moments
    from simcal.equilibrium.observations import Observations as Observations

# These need PyTorch (through the room of calibration) or draw figures, and solving needs neither.
_LATER = {
    "EquilibriumCalibration": "calibration",
    "MomentFit": "moment_fit",
    "Observations": "observations",
    "calibrate_equilibrium": "calibration",
    "fit_moments": "moment_fit",
    "write_equilibrium_run_report": "calibration_report",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute {name!r}")
