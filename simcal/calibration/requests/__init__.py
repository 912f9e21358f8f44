"""Calibration of the dealer market to request tables: by likelihood, by moments, and by the adversarial game."""

import lazy_loader

# Most of it is not needed by the processes that play a game, and figures take a second to import.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
