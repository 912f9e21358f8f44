"""The table of facts of a series or of many paths, and the comparison of the two."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import ParameterError
from simcal.facts import bootstrap
from simcal.facts.arrays import Array, series, usable_paths
from simcal.facts.fact import Fact
from simcal.facts.one_path import detrended_log_volume
from simcal.facts.registry import FactChoice, choose_facts, evaluate


def fact_table(
    returns: Array,
    facts: FactChoice = None,
    *,
    bands: bool = True,
    level: float = 0.95,
    n_resamples: int = 200,
    seed: int = 0,
    volume: Array | None = None,
) -> pd.DataFrame:
    """The facts of one series with bootstrap bands, or of many paths with their spread.

    Parameters
    ----------
    returns
        Log returns, (n,) or (n_paths, n). For paths, `value` is the median over paths, `se` the standard deviation and
        `low` to `high` the central range of probability `level`; no bootstrap is made.
    facts
        See `choose_facts`; the default list when left out.
    bands
        Whether to bootstrap the bands of one series (see `bands`).
    level, n_resamples, seed
        As in `bands`.
    volume
        Of the shape of returns; adds the facts that need it.

    Returns
    -------
    A frame indexed by the fact's name, with columns label, number, unit, value and, with bands, se, low, high and
    undefined (samples or paths in which the fact does not exist, left out of the band).

    Examples
    --------
    >>> returns = 0.01 * np.random.default_rng(0).standard_t(4, size=1000)
    >>> fact_table(returns, ["standard_deviation", "acf_1"], bands=False)["value"].round(2).to_dict()
    {'standard_deviation': 1.34, 'acf_1': -0.02}
    """
    r = np.asarray(returns, dtype=float)
    chosen = choose_facts(facts, with_volume=volume is not None)
    table = _described(chosen)
    if r.ndim == 2 and len(r) > 1:
        return table.join(_spread(chosen, r, volume, level))
    r = series(r)
    volume = None if volume is None else np.asarray(volume, dtype=float).reshape(-1)
    if not bands:
        log_volume = None if volume is None else detrended_log_volume(volume)
        table["value"] = evaluate(chosen, r, log_volume)
        return table
    return table.join(bootstrap.bands(r, chosen, level=level, n_resamples=n_resamples, seed=seed, volume=volume))


def compare(
    data_returns: Array,
    simulated_returns: Array,
    facts: FactChoice = None,
    *,
    level: float = 0.95,
    n_resamples: int = 200,
    seed: int = 0,
    bands: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Each fact of a model beside the data: it passes when the model's median lies in the data's band.

    Parameters
    ----------
    data_returns
        Log returns of the data (n,).
    simulated_returns
        Log returns of the model (n_paths, n), best of the data's length. Paths that are not finite or never move are
        left out with a NumericalWarning; `attrs["skipped_paths"]` counts them.
    facts
        See `choose_facts`; facts that need volume cannot be compared.
    level, n_resamples, seed
        Of the bands, as in `bands`.
    bands
        The result of `bands`, when it has been computed before.

    Returns
    -------
    A frame indexed by the fact's name: label, number, unit, data, low, high, simulated (median over paths),
    simulated_low and simulated_high (5 and 95 % quantiles), passes, undefined (paths where the fact is nan).
    `passes` is missing (pandas NA) where the data have no band.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = compare(rng.standard_t(4, size=500), rng.normal(size=(20, 500)), ["excess_kurtosis", "acf_1"])
    >>> table["passes"].to_dict()
    {'excess_kurtosis': False, 'acf_1': True}
    """
    chosen = choose_facts(facts)
    band = _bands_of(data_returns, chosen, level, n_resamples, seed, bands)
    paths, skipped = usable_paths(simulated_returns)
    table = _described(chosen)
    table["data"], table["low"], table["high"] = band["value"], band["low"], band["high"]
    spread = _spread_of(evaluate(chosen, paths), 0.9)
    table["simulated"], table["simulated_low"], table["simulated_high"] = spread[1], spread[0], spread[2]
    inside = (table["simulated"] >= table["low"]) & (table["simulated"] <= table["high"])
    table["passes"] = inside.astype("boolean").where(table["low"].notna())
    table["undefined"] = spread[3].astype(int)
    table.attrs["skipped_paths"] = skipped
    return table


@dataclass(frozen=True)
class MomentCoverage:
    """Share of simulated samples inside the data's bands: `joint` for all moments at once, `each` by itself.

    Samples that are not usable, `n_skipped` of `n_paths`, count as outside.
    """

    joint: float
    each: pd.Series
    n_paths: int
    n_skipped: int

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers under the fields' names; `each` by fact."""
        return {
            "joint": self.joint,
            "each": {str(name): float(share) for name, share in self.each.items()},
            "n_paths": self.n_paths,
            "n_skipped": self.n_skipped,
        }


def moment_coverage(
    data_returns: Array,
    simulated_returns: Array,
    facts: FactChoice = "franke-westerhoff",
    *,
    level: float = 0.95,
    n_resamples: int = 200,
    seed: int = 0,
    bands: pd.DataFrame | None = None,
) -> MomentCoverage:
    """Share of simulated samples whose moments all lie in the data's bands: the moment coverage ratio.

    The joint yardstick of Franke and Westerhoff (2012), by default with their nine moments. Arguments as `compare`;
    the samples should have the data's length.
    """
    chosen = choose_facts(facts)
    band = _bands_of(data_returns, chosen, level, n_resamples, seed, bands)
    paths, skipped = usable_paths(simulated_returns)
    values = evaluate(chosen, paths)
    inside = (values >= band["low"].to_numpy()) & (values <= band["high"].to_numpy())
    total = len(paths) + skipped
    each = pd.Series(inside.sum(axis=0) / total, index=band.index, name="coverage")
    return MomentCoverage(float(inside.all(axis=-1).sum() / total), each, total, skipped)


def _bands_of(
    data: Array, chosen: list[Fact], level: float, n_resamples: int, seed: int, given: pd.DataFrame | None
) -> pd.DataFrame:
    if given is None:
        return bootstrap.bands(data, chosen, level=level, n_resamples=n_resamples, seed=seed)
    missing = [fact.name for fact in chosen if fact.name not in given.index]
    if missing:
        raise ParameterError(
            f"The bands given lack {len(missing)} of the facts, first {missing[0]!r}; compute them for the same facts."
        )
    return given.loc[[fact.name for fact in chosen]]


def _described(facts: list[Fact]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "label": [fact.label for fact in facts],
            "number": [fact.number for fact in facts],
            "unit": [fact.unit for fact in facts],
        },
        index=pd.Index([fact.name for fact in facts], name="fact"),
    )


def _spread(facts: list[Fact], r: np.ndarray, volume: Array | None, level: float) -> pd.DataFrame:
    paths, skipped = usable_paths(r, "paths")
    if volume is not None and skipped:
        raise ParameterError("Volume was given with paths of which some are unusable; drop those paths first.")
    values = evaluate(facts, paths, None if volume is None else detrended_log_volume(volume))
    low, median, high, undefined = _spread_of(values, level)
    known = np.where(np.isfinite(values), values, np.nan)
    deviation = pd.DataFrame(known).std(ddof=1).to_numpy()
    columns = {"value": median, "se": deviation, "low": low, "high": high, "undefined": undefined.astype(int)}
    return pd.DataFrame(columns, index=pd.Index([fact.name for fact in facts], name="fact"))


def _spread_of(values: np.ndarray, level: float) -> np.ndarray:
    """Low, median, high and number of undefined values for each column."""
    rows = np.full((4, values.shape[1]), np.nan)
    for column, sample in enumerate(values.T):
        known = sample[np.isfinite(sample)]
        if len(known):
            rows[:3, column] = np.quantile(known, [(1 - level) / 2, 0.5, (1 + level) / 2])
        rows[3, column] = len(sample) - len(known)
    return rows
