"""The functions that a definition may use, on symbols, NumPy arrays, PyTorch tensors and plain numbers alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import sqrt
from typing import Any

import numpy as np

from simcal.definition.trace import Node

# Holds up the root in its own derivative, see `root`; set by whoever runs a step on tensors.
_FLOOR: ContextVar[float] = ContextVar("floor", default=0.0)


@contextmanager
def gradient_floor(floor: float) -> Iterator[None]:
    """Within it, derivatives of `root` on tensors are taken at max(x, floor)."""
    token = _FLOOR.set(floor)
    try:
        yield
    finally:
        _FLOOR.reset(token)


def _tape(*numbers: Any) -> Any:
    return next((x.tape for x in numbers if isinstance(x, Node)), None)


def _tensor(*numbers: Any) -> Any:
    return next((x for x in numbers if type(x).__module__.startswith("torch")), None)


def exp(x: Any) -> Any:
    """e to the x."""
    return x.tape.operate("exp", x) if isinstance(x, Node) else x.exp() if _tensor(x) is not None else np.exp(x)


def log(x: Any) -> Any:
    """The natural logarithm."""
    return x.tape.operate("log", x) if isinstance(x, Node) else x.log() if _tensor(x) is not None else np.log(x)


def tanh_half(x: Any) -> Any:
    """tanh(x / 2) = 2 e^x / (1 + e^x) - 1: an order that saturates at one, a balance of two shares."""
    if isinstance(x, Node):
        return x.tape.operate("tanh_half", x)
    return (0.5 * x).tanh() if _tensor(x) is not None else np.tanh(0.5 * x)


def sinh(x: Any) -> Any:
    """(e^x - e^-x) / 2: a draw with heavy tails from a normal one, which can be undone."""
    return x.tape.operate("sinh", x) if isinstance(x, Node) else x.sinh() if _tensor(x) is not None else np.sinh(x)


def root(x: Any) -> Any:
    """The square root of the positive part; its slope is 0 where x is not positive. NaN stays NaN."""
    if isinstance(x, Node):
        return x.tape.operate("root", x)
    return _torch_root(x) if _tensor(x) is not None else np.sqrt(np.maximum(x, 0))


def minimum(x: Any, y: Any) -> Any:
    """The smaller one; derivatives go to it, and to `x` where both are equal."""
    return where(x <= y, x, y)


def maximum(x: Any, y: Any) -> Any:
    """The larger one; derivatives go to it, and to `x` where both are equal."""
    return where(x >= y, x, y)


def where(condition: Any, x: Any, y: Any) -> Any:
    """`x` where the condition (a comparison) holds, else `y`."""
    if (tape := _tape(condition, x, y)) is not None:
        return tape.operate("where", condition, x, y)
    if _tensor(condition, x, y) is None:
        return np.where(condition, x, y)
    import torch

    like = _tensor(x, y)
    x, y = (v if isinstance(v, torch.Tensor) or like is None else torch.as_tensor(v, dtype=like.dtype) for v in (x, y))
    return torch.where(torch.as_tensor(condition), x, y)


def sign(x: Any, threshold: Any = 0.0, *, slope: Any = None) -> Any:
    """+1 where x >= threshold, else -1 where x <= -threshold, else 0.

    Its derivative is zero, or where a `slope` is given, that of the surrogate tanh(slope x / 2).
    """
    if (tape := _tape(x)) is not None:
        return tape.operate("sign", x, threshold, *(() if slope is None else (slope,)))
    if _tensor(x) is None:
        return np.where(x >= threshold, 1.0, np.where(x <= -threshold, -1.0, 0.0)).astype(np.asarray(x).dtype)
    hard = (x >= threshold).to(x.dtype)
    hard = hard - ((x <= -threshold) & (x < threshold)).to(x.dtype)
    if slope is None:
        return hard
    soft = tanh_half(slope * x)
    return hard.detach() + soft - soft.detach()


def _torch_root(x: Any) -> Any:
    import torch

    class Root(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, floor: float) -> Any:  # type: ignore[override]
            positive = x.clamp(min=0)
            # On a CPU torch may miss the last digit of a root, and near zero the next root makes much of it.
            value = (
                torch.from_numpy(np.asarray(np.sqrt(positive.numpy()))) if x.device.type == "cpu" else positive.sqrt()
            )
            ctx.floor = sqrt(floor)
            ctx.save_for_backward(value)
            return value

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
            (value,) = ctx.saved_tensors
            return torch.where(value == 0, 0, 0.5 * gradient / value.clamp(min=ctx.floor)), None

    return Root.apply(x, _FLOOR.get() if x.ndim else 0.0)  # a number of the market, such as a correlation, needs none
