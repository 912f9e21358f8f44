"""Calibration of the dealer market to request tables: by likelihood, by moments, and by the adversarial game."""
