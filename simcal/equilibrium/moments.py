r"""Moments of a price and volume series, and what two groups of traders say that they are.

With u the price changes and V the volume of `TradeLaw`, those are

* mean and deviation of u: premium and volatility;
* mean and deviation of V, and its autocorrelation at some lags: how much is traded, and how long gaps last;
* the covariance of u_t^2 with V_(t+h), in mean u^2 and deviations of V: after large price changes more is traded;
* the covariance of u_t with z_(t-1), an exponential sum of past price changes, in variances of u: price changes that go
  away again.

All expectations are closed forms, because all but the absolute values is jointly normal: for normals of deviation 1 and
correlation r, :math:`E|xy| = \tfrac2\pi (\sqrt{1-r^2} + r \arcsin r)` and
:math:`E\,x^2|y| = \sqrt{2/\pi}\,(1 + r^2)`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simcal.equilibrium.two_groups import TradeLaw

_MEMORY = 1e-4  # weight at which the exponential mean of past price changes is cut


@dataclass(frozen=True)
class Moments:
    """Which moments are taken.

    Parameters
    ----------
    lags
        Of volume with itself and of squared price changes with later volume, in steps.
    decay
        Of the exponential mean of past price changes; best near the persistence, and consistent wherever it is.
    """

    lags: tuple[int, ...]
    decay: float

    @property
    def names(self) -> list[str]:
        """What they are, in the order of `of_means`."""
        return [
            "mean price change", "deviation of price changes", "mean volume", "deviation of volume",
            *(f"autocorrelation of volume, {h} later" for h in self.lags),
            *(f"squared price change and volume {h} later" for h in self.lags),
            "price change and earlier ones",
        ]  # fmt: skip

    @property
    def memory(self) -> int:
        """Steps that the exponential mean looks back."""
        return max(math.ceil(math.log(_MEMORY) / math.log(self.decay)), 1) if self.decay > 0 else 1

    @property
    def start(self) -> int:
        """The first step that has all of its past."""
        return max(self.memory + 1, *self.lags)

    def contributions(self, changes: np.ndarray, volume: np.ndarray) -> np.ndarray:
        """What each step adds to the means that the moments are made of, shape (..., steps, moments).

        `changes` and `volume` are (..., n); the first steps, which have no past, are left out.
        """
        from scipy.signal import lfilter

        n, memory, start = changes.shape[-1], self.memory, self.start
        weighted = np.asarray(lfilter([1.0], [1.0, -self.decay], changes, axis=-1))
        # Cut after `memory` steps, so that every step looks back as far and the expectation is exact.
        past = (
            weighted[..., start - 1 : n - 1] - self.decay**memory * weighted[..., start - 1 - memory : n - 1 - memory]
        )
        now, traded = changes[..., start:], volume[..., start:]
        columns = [now, now**2, traded, traded**2]
        columns += [traded * volume[..., start - h : n - h] for h in self.lags]
        columns += [traded * changes[..., start - h : n - h] ** 2 for h in self.lags]
        return np.stack([*columns, now * past], axis=-1)

    def expected(self, law: TradeLaw, background: float = 0.0) -> np.ndarray:
        """What they are under the law, shape (moments,), where a constant volume is traded by others as well."""
        m, s, rho, traded = law.premium, law.volatility, law.persistence, law.trading
        gap, delta, a = law.gap, law.reversion, law.reaction
        spread = math.sqrt((delta * gap) ** 2 + s**2)  # of a price change
        shock = s * a - delta * rho * gap**2  # covariance of a price change with the gap after it
        mean = math.sqrt(2 / math.pi) * traded
        b, square = background, m**2 + spread**2
        rows = [m, square, b + mean, b**2 + 2 * b * mean + traded**2]
        for h in self.lags:
            r = rho**h
            product = 2 / math.pi * traded**2 * (math.sqrt(1 - r**2) + r * math.asin(r))
            rows.append(b**2 + 2 * b * mean + product)
        for h in self.lags:  # V_t is (1 - rho) |x_(t-1)|
            r = rho ** (h - 1) * shock / (spread * gap)
            rows.append(b * square + mean * (m**2 + spread**2 * (1 + r**2)))
        j = np.arange(self.memory)
        covariance = -delta * shock * rho**j
        rows.append(float(np.sum(self.decay**j * (m**2 + covariance))))
        return self.of_means(np.array(rows))

    def of_means(self, means: np.ndarray) -> np.ndarray:
        """The moments, from means of `contributions`; both (..., moments)."""
        n = len(self.lags)
        mean, square, volume, squared_volume = (means[..., [k]] for k in range(4))
        products, crossed, past = means[..., 4 : 4 + n], means[..., 4 + n : 4 + 2 * n], means[..., -1:]
        variance = squared_volume - volume**2
        spread = np.sqrt(square - mean**2)
        looked_back = (1 - self.decay**self.memory) / (1 - self.decay)
        return np.concatenate(
            [
                mean, spread, volume, np.sqrt(variance), (products - volume**2) / variance,
                (crossed - square * volume) / (square * np.sqrt(variance)),
                (past - mean**2 * looked_back) / spread**2,
            ],
            axis=-1,
        )  # fmt: skip


def simulate_law(law: TradeLaw, n_series: int, n_steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Price changes and volume of `n_series` stationary series, each of shape (n_series, n_steps)."""
    from scipy.signal import lfilter

    rng = np.random.default_rng(seed)
    first = law.gap * rng.standard_normal((n_series, 1))
    noise = rng.standard_normal((n_series, n_steps))
    rho = law.persistence
    after, _ = lfilter([law.reaction], [1.0, -rho], noise, axis=1, zi=rho * first)
    gap = np.concatenate([first, after[:, :-1]], axis=1)
    return law.premium - law.reversion * gap + law.volatility * noise, (1 - rho) * np.abs(gap)


def simulated_covariance(
    moments: Moments, law: TradeLaw, background: float, *, n_steps: int, n_series: int, seed: int
) -> np.ndarray:
    """Covariance of the moments times the number of steps they are over, under the law; shape (moments, moments)."""
    steps, means = n_steps + moments.start, []
    for k, count in enumerate(_batches(n_series, steps)):
        changes, volume = simulate_law(law, count, steps, seed + k)
        means.append(moments.contributions(changes, volume + background).mean(axis=1))
    return np.cov(moments.of_means(np.concatenate(means)), rowvar=False) * n_steps


def bootstrap_covariance(
    moments: Moments, contributions: np.ndarray, block: int, n_resamples: int, seed: int
) -> np.ndarray:
    """The same from data: `contributions` (steps, moments) resampled in circular blocks."""
    n = len(contributions)
    total = np.concatenate([np.zeros((1, contributions.shape[1])), np.cumsum(
        np.concatenate([contributions, contributions[: block - 1]]), axis=0)])  # fmt: skip
    blocks = total[block:] - total[:-block]  # sum over the block that starts at each step, (n, moments)
    count = max(n // block, 1)
    starts = np.random.default_rng(seed).integers(0, n, size=(n_resamples, count))
    means = blocks[starts].sum(axis=1) / (count * block)
    return np.cov(moments.of_means(means), rowvar=False) * (count * block)


def _batches(total: int, steps: int, numbers: int = 2_000_000) -> Sequence[int]:
    size = max(numbers // steps, 1)
    return [min(size, total - first) for first in range(0, total, size)]
