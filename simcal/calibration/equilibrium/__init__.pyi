from .calibrate import calibrate_equilibrium as calibrate_equilibrium
from .fit import MomentFit as MomentFit
from .fit import fit_moments as fit_moments
from .observations import Observations as Observations
from .observations import observe as observe
from .report import write_equilibrium_run_report as write_equilibrium_run_report
from .result import KIND as KIND
from .result import EquilibriumCalibration as EquilibriumCalibration
