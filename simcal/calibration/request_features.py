"""The functions of quotes whose means are matched, by moments and by the game alike.

All take NumPy arrays or tensors. They grow slowly, so that their means exist for every shape, and span what the scores
of an exponential power law look like: signs, sizes and squares of distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

Array = Any

INSTRUMENTS = ("1", "t", "t²", "t³", "n", "n t")
QUOTE_FUNCTIONS = ("x", "|x|", "tanh 2x", "log(1 + 4x²)", "x² / (1 + |x|)")
GAP_FUNCTIONS = ("d", "exp(-d)", "exp(-3d)")


@dataclass(frozen=True)
class Scales:
    """Constants that bring numbers to order one: where quotes lie, how far they spread, how large a gap is.

    `panel` and `panel_spread` are mean and deviation of the number of rivals, the deviation 1 where it never varies.
    """

    centre: float
    spread: float
    gap: float
    panel: float
    panel_spread: float

    @classmethod
    def of(cls, quotes: np.ndarray, rivals: np.ndarray, gaps: np.ndarray | None = None) -> Scales:
        """From quotes (n,), numbers of rivals (k,), and gaps between best and second best where there are any."""
        low, centre, high = np.quantile(quotes, [0.16, 0.5, 0.84])
        spread = float(max((high - low) / 2, 1e-6 * max(abs(centre), 1.0)))
        gap = float(np.mean(gaps)) if gaps is not None and len(gaps) else spread
        panel_spread = float(np.std(rivals)) or 1.0
        return cls(float(centre), spread, max(gap, 1e-6 * spread), float(np.mean(rivals)), panel_spread)


def instruments(quotes: Array, rivals: Array, scales: Scales) -> list[Array]:
    """`INSTRUMENTS`: functions of a known quote and the number of rivals that outcomes are multiplied by."""
    xp = array_namespace(quotes)
    t = xp.tanh((quotes - scales.centre) / (2 * scales.spread))
    n = (rivals - scales.panel) / scales.panel_spread
    return [xp.ones_like(quotes), t, t**2, t**3, n, n * t]


def quote_functions(quotes: Array, scales: Scales) -> list[Array]:
    """`QUOTE_FUNCTIONS` of a quote that is itself to be explained."""
    xp = array_namespace(quotes)
    x = (quotes - scales.centre) / scales.spread
    size = xp.abs(x)
    return [x, size, xp.tanh(2 * x), xp.log1p(4 * x**2), x**2 / (1 + size)]


def gap_functions(gaps: Array, scales: Scales) -> list[Array]:
    """`GAP_FUNCTIONS` of the gap d > 0 from the best to the second-best quote."""
    xp = array_namespace(gaps)
    d = gaps / scales.gap
    return [d, xp.exp(-d), xp.exp(-3 * d)]
