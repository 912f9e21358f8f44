"""Client and rivals of the dealer market from request tables: by likelihood, by moments, by the adversarial game."""
