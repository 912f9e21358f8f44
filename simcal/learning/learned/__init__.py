"""A market whose traders have learned: paths, certificate, and backtests against traders who react."""

from simcal.learning.learned.market import LearnedMarket as LearnedMarket
from simcal.learning.learned.market import load_learned as load_learned
from simcal.learning.learned.stepper import LearnedStepper as LearnedStepper
