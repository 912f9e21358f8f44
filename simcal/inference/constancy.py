r"""Whether parameters stayed the same over a sample: Nyblom's test on the scores of a likelihood.

With the scores :math:`s_t` at the estimate, their partial sums :math:`S_t` and :math:`V = \tfrac1n \sum s_t s_t'`,

.. math:: L = \frac{1}{n^2} \sum_t S_t' V^{-1} S_t, \qquad L_k = \frac{1}{n^2 V_{kk}} \sum_t S_{tk}^2

grow where parameters drift or jump. If they are constant, L follows the law of the integral of k squared Brownian
bridges, :math:`\sum_{j \ge 1} \chi^2_k / (\pi j)^2`. Sources: Nyblom, Journal of the American Statistical Association
84 (1989) 223-230; Hansen, Journal of Policy Modeling 14 (1992) 517-533.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import pandas as pd

_TERMS, _DRAWS = 200, 40_000


def nyblom(scores: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """A row per parameter and one of all together: the statistic and its p-value.

    Parameters
    ----------
    scores
        (n, parameters), at the estimate.
    names
        The parameters.

    Examples
    --------
    >>> import numpy as np
    >>> nyblom(np.random.default_rng(0).standard_normal((500, 2)), ["a", "b"])["parameter"].tolist()
    ['a', 'b', 'all together']
    """
    n, k = scores.shape
    scores = scores - scores.mean(axis=0)  # a prior keeps their sum from 0
    sums, variance = np.cumsum(scores, axis=0), scores.T @ scores / n
    single = np.square(sums).sum(axis=0) / (n * n * np.diag(variance))
    joint = float(np.sum((sums @ np.linalg.pinv(variance, hermitian=True)) * sums)) / (n * n)
    rows = [(name, value, p_value(value, 1)) for name, value in zip(names, single.tolist(), strict=True)]
    return pd.DataFrame([*rows, ("all together", joint, p_value(joint, k))], columns=["parameter", "statistic", "p"])


def p_value(statistic: float, k: int) -> float:
    """How often constant parameters, k of them, give as much or more; to about .002, and never 0."""
    return float(((_law(k) >= statistic).sum() + 1) / (_DRAWS + 1))


@functools.lru_cache(maxsize=64)
def _law(k: int) -> np.ndarray:
    rng, total = np.random.default_rng(k), np.zeros(_DRAWS)
    for j in range(1, _TERMS + 1):
        total += rng.chisquare(k, _DRAWS) / (np.pi * j) ** 2
    # What is left out hardly varies: its mean.
    return total + k * (1 / 6 - sum(1 / (np.pi * j) ** 2 for j in range(1, _TERMS + 1)))
