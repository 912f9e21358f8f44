"""The study of known truth: a market found again from data of its own, errors beside those that theory allows."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
