"""simcal: markets made of interacting traders, simulated, calibrated to real prices, and used.

Rooms and names are imported when they are first used, so that ``import simcal`` costs nothing; `__init__.pyi` says
where each comes from.
"""

from importlib.metadata import version

import lazy_loader

__version__ = version("simcal")
__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
# `from simcal import *` must not ask for gymnasium, which not everyone has.
__all__ = sorted({*_names, "__version__"} - {"environments"})  # pyright: ignore[reportUnsupportedDunderAll]
