"""The shape of a type's own demand: Tukey's h tails and a skew, with mean 0 and variance 1."""

from __future__ import annotations

from typing import Any, NamedTuple


class Shape(NamedTuple):
    """A draw is (constant + linear z + quadratic z^2) exp(half_tail z^2) of a standard normal z."""

    half_tail: Any
    constant: Any
    linear: Any
    quadratic: Any


def shape(tail: Any, skew: Any) -> Shape:
    r"""The shape with tail h and skew s, for numbers, arrays or tensors.

    .. math::
        k\,(z + s\,(z^2 - c))\,e^{h z^2 / 2}, \quad c = 1 / (1 - h)

    has mean 0, because :math:`E\,z^2 e^{h z^2/2} = c\,E\,e^{h z^2/2}`. k makes its variance 1, from
    :math:`E\,e^{h z^2} = (1 - 2h)^{-1/2}` and its derivatives in h. Without a skew this is Tukey's h.
    """
    rest = 1 - 2 * tail
    center = 1 / (1 - tail)
    of_square = 3 * rest**-2.5 - 2 * center * rest**-1.5 + center * center * rest**-0.5
    scale = (rest**-1.5 + skew * skew * of_square) ** -0.5
    return Shape(0.5 * tail, -scale * skew * center, scale, scale * skew)
