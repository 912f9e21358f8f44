"""Strategies tested inside a market."""
