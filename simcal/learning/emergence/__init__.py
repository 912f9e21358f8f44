"""Do fat tails and slow volatility emerge from learning and heterogeneity together? Four arms, many seeds, both clocks.

>>> from simcal.learning.emergence import load_emergence, run_emergence
>>> settings = load_emergence("learning-emergence").replace(seeds=2, steps=500_000)
>>> result = run_emergence(settings, out="runs/emergence")    # doctest: +SKIP
"""

from simcal.book import z_scores as z_scores
from simcal.learning.emergence.days import CLOCKS as CLOCKS
from simcal.learning.emergence.days import Bars as Bars
from simcal.learning.emergence.days import Trades as Trades
from simcal.learning.emergence.days import both_clocks as both_clocks
from simcal.learning.emergence.days import curve as curve
from simcal.learning.emergence.days import cut as cut
from simcal.learning.emergence.days import real_days as real_days
from simcal.learning.emergence.experiment import GRID as GRID
from simcal.learning.emergence.experiment import TraitCalibration as TraitCalibration
from simcal.learning.emergence.experiment import calibrate_traits as calibrate_traits
from simcal.learning.emergence.experiment import load_result as load_result
from simcal.learning.emergence.experiment import run_emergence as run_emergence
from simcal.learning.emergence.figures import plot_arms as plot_arms
from simcal.learning.emergence.figures import plot_clustering as plot_clustering
from simcal.learning.emergence.figures import plot_policy as plot_policy
from simcal.learning.emergence.figures import plot_specialisation as plot_specialisation
from simcal.learning.emergence.figures import plot_tails_of_arms as plot_tails_of_arms
from simcal.learning.emergence.figures import policy_maps as policy_maps
from simcal.learning.emergence.measures import STATISTICS as STATISTICS
from simcal.learning.emergence.measures import behaviour as behaviour
from simcal.learning.emergence.measures import cliffs_delta as cliffs_delta
from simcal.learning.emergence.measures import compare_arms as compare_arms
from simcal.learning.emergence.measures import holm as holm
from simcal.learning.emergence.measures import specialisation as specialisation
from simcal.learning.emergence.measures import statistics as statistics
from simcal.learning.emergence.report import write_emergence_report as write_emergence_report
from simcal.learning.emergence.result import EmergenceResult as EmergenceResult
from simcal.learning.emergence.result import judge as judge
from simcal.learning.emergence.result import sentences as sentences
from simcal.learning.emergence.settings import ARMS as ARMS
from simcal.learning.emergence.settings import EmergenceSettings as EmergenceSettings
from simcal.learning.emergence.settings import experiment_names as experiment_names
from simcal.learning.emergence.settings import is_emergence as is_emergence
from simcal.learning.emergence.settings import load_emergence as load_emergence
from simcal.learning.emergence.transport import Distance as Distance
from simcal.learning.emergence.transport import clouds as clouds
from simcal.learning.emergence.transport import distance as distance
from simcal.learning.emergence.transport import squared_distance as squared_distance
