"""Calibration of a market with trading costs to prices and volume, by moments."""

import lazy_loader

# Most of it is not needed by the processes that play a game, and figures take a second to import.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
