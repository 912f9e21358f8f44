"""The market that agents with quadratic trading costs make in equilibrium, and two groups in closed form."""

from simcal.models.trading_costs.market import EquilibriumMarket as EquilibriumMarket
from simcal.models.trading_costs.two_groups import TradeLaw as TradeLaw
from simcal.models.trading_costs.two_groups import TwoGroups as TwoGroups
