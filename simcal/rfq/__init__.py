"""The dealer market: requests for quotes, simulated, measured, calibrated to tables of them, and traded in."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
