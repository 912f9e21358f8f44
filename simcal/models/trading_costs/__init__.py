"""The market that agents with quadratic trading costs make in equilibrium."""

from simcal.models.trading_costs.market import EquilibriumMarket as EquilibriumMarket
