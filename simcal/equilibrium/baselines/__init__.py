"""Fair baselines: the paper's Combo and Deep FBSDE with the true cost, a trainable start and rates that clear."""

from simcal.equilibrium.baselines.settings import BaselineSettings as BaselineSettings
from simcal.equilibrium.baselines.solver import solve_combo as solve_combo
from simcal.equilibrium.baselines.solver import solve_fbsde as solve_fbsde
