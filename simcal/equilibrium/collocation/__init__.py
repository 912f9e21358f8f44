"""Any number of agents, any power of the cost: the equilibrium fitted on clouds of likely states."""

from simcal.equilibrium.collocation.solver import solve_collocation as solve_collocation
