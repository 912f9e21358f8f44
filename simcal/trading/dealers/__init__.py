"""Pricing policies in the dealer market: strategies, accounts, counterfactuals."""
