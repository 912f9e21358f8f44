"""Equilibrium of agents who trade one asset at a cost: the problem, its solvers and the verb `solve`."""

from simcal.equilibrium.best_reply import BestReply as BestReply
from simcal.equilibrium.best_reply import best_reply as best_reply
from simcal.equilibrium.certificates import Certificate as Certificate
from simcal.equilibrium.certificates import certify as certify
from simcal.equilibrium.comparison import Comparison as Comparison
from simcal.equilibrium.comparison import compare as compare
from simcal.equilibrium.comparison import solve_and_measure as solve_and_measure
from simcal.equilibrium.market import to_market as to_market
from simcal.equilibrium.methods import METHODS as METHODS
from simcal.equilibrium.methods import Method as Method
from simcal.equilibrium.methods import default_method as default_method
from simcal.equilibrium.methods import methods_for as methods_for
from simcal.equilibrium.methods import solve as solve
from simcal.equilibrium.predictions import Predictions as Predictions
from simcal.equilibrium.predictions import predictions as predictions
from simcal.equilibrium.problem import EquilibriumProblem as EquilibriumProblem
from simcal.equilibrium.problem import load_problem as load_problem
from simcal.equilibrium.problem import problem_names as problem_names
from simcal.equilibrium.published import published_rows as published_rows
from simcal.equilibrium.simulation import EquilibriumPaths as EquilibriumPaths
from simcal.equilibrium.solution import EquilibriumErrors as EquilibriumErrors
from simcal.equilibrium.solution import EquilibriumSolution as EquilibriumSolution
from simcal.equilibrium.solution_market import SolutionMarket as SolutionMarket
