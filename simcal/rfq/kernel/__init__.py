"""The dealer market in Numba: lanes of requests that are drawn, quoted and decided; whole paths, or step by step."""
