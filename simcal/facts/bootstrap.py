"""Circular block bootstrap: samples of a series, and bands around its facts."""

import numpy as np
import pandas as pd

from simcal.errors import ParameterError
from simcal.facts.arrays import Array, series
from simcal.facts.fact import Fact
from simcal.facts.one_path import detrended_log_volume
from simcal.facts.registry import FactChoice, choose_facts, evaluate

BLOCK = 250
LONG_BLOCK = 750
_CHUNK = 1 << 20  # resampled numbers at a time, which bounds the memory


def block_indices(
    n: int, block: int, n_resamples: int, rng: np.random.Generator, length: int | None = None
) -> np.ndarray:
    """Positions (n_resamples, length) of circular-block-bootstrap samples of a series of n values.

    Blocks of `block` consecutive positions, which wrap around the end, start anywhere with equal probability;
    the last is cut. `length` is n by default (Politis and Romano 1992).
    """
    if not 1 <= block <= n:
        raise ParameterError(f"Bootstrap blocks of {block} steps were asked of {n} values; give 1 to {n} steps.")
    length = n if length is None else length
    starts = rng.integers(0, n, size=(n_resamples, -(-length // block), 1))
    return ((starts + np.arange(block)) % n).reshape(n_resamples, -1)[:, :length]


def bands(
    returns: Array,
    facts: FactChoice = None,
    *,
    level: float = 0.95,
    n_resamples: int = 200,
    seed: int = 0,
    volume: Array | None = None,
    block: int = BLOCK,
    long_block: int = LONG_BLOCK,
    include_expensive: bool = False,
) -> pd.DataFrame:
    """Value, standard error and band of each fact of one series, by circular block bootstrap.

    Resampling in blocks weakens dependence across their joints and so biases facts with long lags (by -0.03 for
    the autocorrelation of |r| at 100 with blocks of 250). Hence facts that look 25 steps back or more get longer
    blocks, and every band is centred: the quantiles of the resampled fact are shifted so that its mean falls on
    the fact's value in the data.

    Parameters
    ----------
    returns
        Log returns (n,).
    facts
        See `choose_facts`; the default list when left out.
    level
        Probability of the band, 0.95.
    n_resamples
        Bootstrap samples; 200 give the standard errors to some 5 %.
    seed
        Of the resampling.

    Other Parameters
    ----------------
    volume
        Traded volume (n,), resampled with its returns; needed by fact 10 only.
    block, long_block
        Steps in a block for most facts, and for those with long memory; at most a quarter of n.
    include_expensive
        Bootstrap also the facts that take milliseconds a sample (GARCH fits, first passages); otherwise they get their
        value alone.

    Returns
    -------
    A frame with a row for each fact and columns value, se, low, high (nan where there is no band), and undefined:
    the number of bootstrap samples in which the fact does not exist and which the band leaves out.
    """
    r = series(returns)
    if not 0 < level < 1 or n_resamples < 2:
        raise ParameterError(
            f"A band of probability {level} from {n_resamples} samples was asked; the probability lies between 0 "
            "and 1 and there are at least 2 samples."
        )
    chosen = choose_facts(facts, with_volume=volume is not None)
    log_volume = None if volume is None else detrended_log_volume(volume)
    names = pd.Index([fact.name for fact in chosen], name="fact")
    result = pd.DataFrame(np.nan, names, ["value", "se", "low", "high"]).assign(undefined=0.0)
    result["value"] = evaluate(chosen, r, log_volume)
    generators = np.random.default_rng(seed).spawn(2)
    for long_memory, rng in zip((False, True), generators, strict=True):
        group = [f for f in chosen if f.long_memory == long_memory and (include_expensive or not f.expensive)]
        if not group:
            continue
        length = max(1, min(long_block if long_memory else block, len(r) // 4))
        samples = _resampled(group, r, log_volume, block_indices(len(r), length, n_resamples, rng))
        for fact, column in zip(group, samples.T, strict=True):
            value = float(result.loc[fact.name, "value"])
            result.loc[fact.name, ["se", "low", "high", "undefined"]] = _band(column, value, level)
    result["undefined"] = result["undefined"].astype(int)
    return result


def _resampled(facts: list[Fact], r: np.ndarray, log_volume: np.ndarray | None, indices: np.ndarray) -> np.ndarray:
    step = max(1, _CHUNK // len(r))
    parts = []
    for start in range(0, len(indices), step):
        chosen = indices[start : start + step]
        parts.append(evaluate(facts, r[chosen], None if log_volume is None else log_volume[chosen]))
    return np.concatenate(parts)


def _band(sample: np.ndarray, value: float, level: float) -> tuple[float, float, float, float]:
    known = sample[np.isfinite(sample)]
    undefined = float(len(sample) - len(known))
    if len(known) < 2 or not np.isfinite(value):
        return (np.nan, np.nan, np.nan, undefined)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    shift = value - known.mean()
    return float(known.std(ddof=1)), float(low + shift), float(high + shift), undefined
