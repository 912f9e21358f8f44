"""Equilibrium of agents who trade one asset at a cost: the problem and its solvers."""

from simcal.equilibrium.problem import EquilibriumProblem as EquilibriumProblem
from simcal.equilibrium.problem import load_problem as load_problem
from simcal.equilibrium.problem import problem_names as problem_names
