"""simcal: markets made of interacting traders, simulated, calibrated to real prices, and used.

Everything below is imported when it is first used, so that ``import simcal`` costs nothing.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simcal.calibration import Calibration as Calibration
    from simcal.calibration import Recipe as Recipe
    from simcal.calibration import Validation as Validation
    from simcal.calibration import calibrate as calibrate
    from simcal.calibration import validate as validate
    from simcal.data import PriceSeries as PriceSeries
    from simcal.data import load_series as load_series
    from simcal.equilibrium import EquilibriumProblem as EquilibriumProblem
    from simcal.equilibrium import solve as solve
    from simcal.errors import DataError as DataError
    from simcal.errors import NumericalError as NumericalError
    from simcal.errors import NumericalWarning as NumericalWarning
    from simcal.errors import ParameterError as ParameterError
    from simcal.errors import SimcalError as SimcalError
    from simcal.learning import LearningMarket as LearningMarket
    from simcal.learning import TrainedMarket as TrainedMarket
    from simcal.learning import train as train
    from simcal.models import Market as Market
    from simcal.models import load as load
    from simcal.models.book import BookMarket as BookMarket
    from simcal.models.book import OrderBook as OrderBook
    from simcal.models.herding import HerdingMarket as HerdingMarket
    from simcal.models.stock import StockMarket as StockMarket
    from simcal.paths import Paths as Paths
    from simcal.rfq.market import RfqMarket as RfqMarket
    from simcal.simulation import simulate as simulate
    from simcal.trading import Backtest as Backtest
    from simcal.trading import backtest as backtest
    from simcal.trading import backtest_family as backtest_family

__version__ = version("simcal")

_HOMES = {
    "Calibration": "simcal.calibration",
    "Recipe": "simcal.calibration",
    "Validation": "simcal.calibration",
    "calibrate": "simcal.calibration",
    "validate": "simcal.calibration",
    "PriceSeries": "simcal.data",
    "load_series": "simcal.data",
    "EquilibriumProblem": "simcal.equilibrium",
    "solve": "simcal.equilibrium",
    "DataError": "simcal.errors",
    "NumericalError": "simcal.errors",
    "NumericalWarning": "simcal.errors",
    "ParameterError": "simcal.errors",
    "SimcalError": "simcal.errors",
    "LearningMarket": "simcal.learning",
    "TrainedMarket": "simcal.learning",
    "train": "simcal.learning",
    "Market": "simcal.models",
    "load": "simcal.models",
    "BookMarket": "simcal.models.book",
    "OrderBook": "simcal.models.book",
    "RfqMarket": "simcal.rfq.market",
    "HerdingMarket": "simcal.models.herding",
    "StockMarket": "simcal.models.stock",
    "Paths": "simcal.paths",
    "simulate": "simcal.simulation",
    "Backtest": "simcal.trading",
    "backtest": "simcal.trading",
    "backtest_family": "simcal.trading",
}

__all__ = [
    "Backtest",
    "BookMarket",
    "Calibration",
    "DataError",
    "EquilibriumProblem",
    "HerdingMarket",
    "LearningMarket",
    "Market",
    "NumericalError",
    "NumericalWarning",
    "OrderBook",
    "ParameterError",
    "Paths",
    "PriceSeries",
    "Recipe",
    "RfqMarket",
    "SimcalError",
    "StockMarket",
    "TrainedMarket",
    "Validation",
    "__version__",
    "backtest",
    "backtest_family",
    "calibrate",
    "load",
    "load_series",
    "simulate",
    "solve",
    "train",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'simcal' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
