"""Traders who switch: shares of fundamentalists and others that follow their attractiveness."""
