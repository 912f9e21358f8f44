"""How good a solution is, measured on fresh paths without knowing the true one."""

from simcal.equilibrium.certificates.certificate import Certificate as Certificate
from simcal.equilibrium.certificates.certify import certify as certify
