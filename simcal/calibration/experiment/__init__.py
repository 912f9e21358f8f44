"""The synthetic experiment: known parameters found again, errors beside the smallest possible ones."""

from simcal.calibration.experiment.folder import load_experiment as load_experiment
from simcal.calibration.experiment.result import ExperimentResult as ExperimentResult
from simcal.calibration.experiment.run import run_experiment as run_experiment
from simcal.calibration.experiment.verbs import RUN as RUN
