"""Calibration: the adversarial game between a market and a discriminator, recipes, and the verbs around it."""

from simcal.calibration.bound import Bound as Bound
from simcal.calibration.bound import efficient_errors as efficient_errors
from simcal.calibration.calibrate import calibrate as calibrate
from simcal.calibration.gan import Game as Game
from simcal.calibration.gan import GameData as GameData
from simcal.calibration.losses import LOSSES as LOSSES
from simcal.calibration.recipe import GameSettings as GameSettings
from simcal.calibration.recipe import Recipe as Recipe
from simcal.calibration.recipe import load_recipe as load_recipe
from simcal.calibration.recipe import recipe_names as recipe_names
from simcal.calibration.result import Calibration as Calibration
from simcal.calibration.result import load_run as load_run
from simcal.calibration.statistics import STATISTICS as STATISTICS
from simcal.calibration.statistics import Statistics as Statistics
