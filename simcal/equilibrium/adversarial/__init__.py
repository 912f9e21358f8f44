"""The adversarial solver: networks of traders against a network of price dynamics."""

from simcal.equilibrium.adversarial.settings import AdversarialSettings as AdversarialSettings
from simcal.equilibrium.adversarial.solver import solve_adversarial as solve_adversarial
