"""Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011) on arrays, and the checks of its arguments."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from simcal.errors import ParameterError

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
MASK = 0xFFFFFFFF


def check_integer(name: str, value: Any, low: int, high: int) -> int:
    """`value` as a plain int with ``low <= value <= high``, or `ParameterError`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        limit = f"2**{(high + 1).bit_length() - 1} - 1" if high > MASK // 2 else str(high)
        raise ParameterError(f"{name} is {value!r}, but must be a whole number from {low} to {limit}.")
    return int(value)


def check_seed(seed: Any) -> int:
    """The seed as a plain int from 0 to 2**64 - 1 (0 is a seed like any other), or `ParameterError`."""
    return check_integer("seed", seed, 0, 2**64 - 1)


def check_range(first_path: Any, n_paths: Any, first_step: Any, n_steps: Any) -> None:
    """Raise `ParameterError` where a path lies beyond 2**64 - 1 or a step beyond 2**32 - 1."""
    first_path = check_integer("first_path", first_path, 0, 2**64 - 1)
    check_integer("n_paths", n_paths, 0, 2**64 - first_path)
    first_step = check_integer("first_step", first_step, 0, 2**32 - 1)
    check_integer("n_steps", n_steps, 0, 2**32 - first_step)


def check_dtype(dtype: Any) -> str:
    """``"float64"`` or ``"float32"`` from a name, a NumPy type or a torch type, or `ParameterError`."""
    name = str(dtype).removeprefix("torch.")
    if name not in ("float32", "float64"):
        name = getattr(dtype, "__name__", name)
    if name not in ("float32", "float64"):
        raise ParameterError(f"dtype is {dtype!r}, but must be 'float64' or 'float32'.")
    return name


def key_of(seed: int) -> tuple[int, int]:
    """Low and high word of the seed."""
    return seed & MASK, seed >> 32


def philox(key: tuple[int, int], counter: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
    """Four words per counter, for NumPy arrays and for tensors.

    The words are held in int64: the product of two words wraps, which leaves its 64 bits as they are. Everything
    that broadcasts together is a legal counter.
    """
    k0, k1 = key
    c0, c1, c2, c3 = counter
    for _ in range(ROUNDS):
        p0, p1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = ((p1 >> 32) & MASK) ^ c1 ^ k0, p1 & MASK, ((p0 >> 32) & MASK) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return c0, c1, c2, c3
