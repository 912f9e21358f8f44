"""Calibration: the adversarial game between a market and a discriminator, recipes, and the verbs around it."""

import lazy_loader

# Processes that train need little of it, and figures take a second to import.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
