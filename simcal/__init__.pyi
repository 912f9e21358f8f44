# The front door: every public name and the room it is imported from when it is first used. The only such table: Python
# reads it through lazy_loader, type checkers as it is.

from . import book as book
from . import calibration as calibration
from . import data as data
from . import definition as definition
from . import environments as environments
from . import equilibrium as equilibrium
from . import facts as facts
from . import inference as inference
from . import learning as learning
from . import models as models
from . import report as report
from . import rfq as rfq
from . import trading as trading
from .book import BookMarket as BookMarket
from .book import OrderBook as OrderBook
from .calibration import Calibration as Calibration
from .calibration import Recipe as Recipe
from .calibration import Validation as Validation
from .calibration import calibrate as calibrate
from .calibration import validate as validate
from .data import PriceSeries as PriceSeries
from .data import load_series as load_series
from .equilibrium import EquilibriumProblem as EquilibriumProblem
from .equilibrium import solve as solve
from .errors import DataError as DataError
from .errors import NumericalError as NumericalError
from .errors import NumericalWarning as NumericalWarning
from .errors import ParameterError as ParameterError
from .errors import SimcalError as SimcalError
from .inference import Filtered as Filtered
from .inference import Forecast as Forecast
from .inference import Tracked as Tracked
from .inference import filter as filter
from .inference import forecast as forecast
from .inference import track as track
from .learning import LearningMarket as LearningMarket
from .learning import TrainedMarket as TrainedMarket
from .learning import train as train
from .models import Market as Market
from .models import load as load
from .models.herding import HerdingMarket as HerdingMarket
from .models.stock import StockMarket as StockMarket
from .paths import Paths as Paths
from .rfq import RfqMarket as RfqMarket
from .simulation import simulate as simulate
from .trading import Backtest as Backtest
from .trading import backtest as backtest
from .trading import backtest_family as backtest_family

__version__: str
