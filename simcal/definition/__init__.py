"""One definition of a market, and everything that is made from it.

A market of one price is a class: its body declares parameters, states, draws, outputs and groups of traders, and its
``step`` says in plain arithmetic how one step goes (`PriceMarket`, `Trader`). The step is run once on symbols; what it
writes on a tape becomes the compiled kernel, the stepper and, by the rules of differentiation, the reverse sweep. The
same step also runs as it stands on NumPy arrays and PyTorch tensors. ``market.simulate_chunk``, ``market.stepper`` and
``market.twin`` are the doors; the emitted text lies in `cache_folder()`, to be read.
"""

from simcal.definition.declarations import Orders, choice, draw, group, output, parameter, state
from simcal.definition.functions import exp, log, maximum, minimum, root, sign, sinh, tanh_half, where
from simcal.definition.language import Trader
from simcal.definition.market import PriceMarket
from simcal.definition.trace import DefinitionError

__all__ = [
    "DefinitionError",
    "Orders",
    "PriceMarket",
    "Trader",
    "choice",
    "draw",
    "exp",
    "group",
    "log",
    "maximum",
    "minimum",
    "output",
    "parameter",
    "root",
    "sign",
    "sinh",
    "state",
    "tanh_half",
    "where",
]
