"""Markets: a folder per kind, each with its description, rules, kernel and differentiable twin."""

from simcal.models.market import DESCRIPTIONS as DESCRIPTIONS
from simcal.models.market import MARKETS as MARKETS
from simcal.models.market import Description as Description
from simcal.models.market import Market as Market
from simcal.models.market import from_dict as from_dict
from simcal.models.market import is_own as is_own
from simcal.models.market import load as load
from simcal.models.market import names as names
from simcal.models.market import read_toml as read_toml
from simcal.models.market import save as save
