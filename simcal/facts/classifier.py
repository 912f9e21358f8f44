"""The classifier ladder: how well can a fresh classifier tell simulated windows from real ones?

0.5 says that it cannot, 1 that it always can. The score of a model means little alone: beside it belong the
real-against-real floor and the scores of simple models.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simcal.errors import NumericalWarning, ParameterError
from simcal.facts.arrays import Array, series, usable, windows
from simcal.facts.catalogue import FACTS, LADDER_FEATURES
from simcal.facts.registry import evaluate

FLOOR = "real (odd against even windows)"
CLASSIFIERS = ("logistic", "forest")


@dataclass(frozen=True)
class AUC:
    """Area under the ROC curve with its interval; not folded, so that values below 0.5 stay visible."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Discrimination:
    """What `discriminate` found: an AUC for each classifier, the windows used, and those that could not be."""

    logistic: AUC
    forest: AUC
    n_real: int
    n_fake: int
    n_draws: int
    n_skipped_real: int
    n_skipped_fake: int

    def to_dict(self) -> dict[str, Any]:
        """Flat: logistic_auc, logistic_low, logistic_high, forest_auc, ..., and the counts."""
        flat: dict[str, Any] = {}
        for name in CLASSIFIERS:
            auc: AUC = getattr(self, name)
            flat |= {f"{name}_auc": auc.value, f"{name}_low": auc.low, f"{name}_high": auc.high}
        counts = ("n_real", "n_fake", "n_draws", "n_skipped_real", "n_skipped_fake")
        return flat | {name: getattr(self, name) for name in counts}


def discriminate(
    real_windows: Array,
    fake_windows: Array,
    *,
    seed: int = 0,
    n_draws: int = 10,
    n_folds: int = 5,
    n_trees: int = 100,
    level: float = 0.95,
) -> Discrimination:
    """AUC of a logistic regression and a random forest that tell real windows from fake ones.

    Each window becomes twelve features (`LADDER_FEATURES`). As many fake windows as there are real ones are drawn,
    `n_draws` times where there are enough; each time both classes are cut, in their order in time, into `n_folds`
    blocks, the classifiers are trained on all blocks but one (features standardised for the regression) and score
    the one left out. The AUC compares pairs of the same block and is averaged over blocks and draws.

    Windows must not overlap, and be in the order of time (fake ones path after path): neighbours on both sides of a
    fold's border leak. A window that is not finite, never moves or has an undefined feature is counted and left out.

    Parameters
    ----------
    real_windows, fake_windows
        Log returns (n_windows, length) of at least 150 steps, as features look 101 steps back.
    seed
        Of the draws and the forest.

    Other Parameters
    ----------------
    n_draws, n_folds, n_trees
        See above.
    level
        Probability of the intervals.

    Notes
    -----
    The interval is Newcombe's for a Mann-Whitney AUC (Statistics in Medicine 25, 2006, method 5): it stays within
    0 and 1 and does not collapse at an AUC of 1, as DeLong's and the bootstrap do. Its sizes are the real windows
    and one draw of fake ones; that the draws are averaged makes it wider than it need be, that the classifiers
    share training windows is not in it.
    """
    real, skipped_real = _features(real_windows)
    fake, skipped_fake = _features(fake_windows)
    smaller = min(len(real), len(fake))
    if smaller < n_folds:
        warnings.warn(
            f"There are {len(real)} usable real windows and {len(fake)} fake ones, fewer than the {n_folds} blocks of "
            "the cross-validation; no classifier was trained and the AUC is nan.",
            NumericalWarning,
            stacklevel=2,
        )
        unknown = AUC(np.nan, np.nan, np.nan)
        return Discrimination(unknown, unknown, len(real), len(fake), 0, skipped_real, skipped_fake)
    draws = _draws(len(real), len(fake), n_draws, np.random.default_rng(seed))
    scores = np.array(
        [_cross_validated(real, fake[draw], n_folds, n_trees, seed + i) for i, draw in enumerate(draws)]
    ).mean(axis=0)
    logistic, forest = (_interval(float(score), len(real), len(draws[0]), level) for score in scores)
    return Discrimination(logistic, forest, len(real), len(fake), len(draws), skipped_real, skipped_fake)


def ladder(
    real_returns: Array,
    simulated: Mapping[str, Array],
    *,
    window: int = 250,
    seed: int = 0,
    n_draws: int = 10,
    level: float = 0.95,
) -> pd.DataFrame:
    """The ladder: for each model, how well classifiers tell its windows from those of a real series.

    Parameters
    ----------
    real_returns
        Log returns (n,), cut into windows that do not overlap.
    simulated
        For each name, log returns (n_paths, n), cut likewise.
    window
        Steps in a window.
    seed, n_draws, level
        As in `discriminate`.

    Returns
    -------
    A frame with a row for each name, after the floor (odd- against even-numbered real windows), and the columns of
    `Discrimination.to_dict`. With few real windows the intervals are wide: 20 windows give about +-0.16. A block
    bootstrap of the series holds copies of the windows themselves, which pushes its score below 0.5.
    """
    real = windows(series(real_returns), window)
    if len(real) < 10:
        raise ParameterError(
            f"The series has {len(real)} windows of {window} steps; the ladder needs at least 10. Give a longer "
            "series or a shorter window."
        )
    rows = {FLOOR: discriminate(real[0::2], real[1::2], seed=seed, level=level).to_dict()}
    for name, paths in simulated.items():
        fake = windows(np.asarray(paths, dtype=float), window)
        fake = fake.reshape(-1, window)
        rows[name] = discriminate(real, fake, seed=seed, n_draws=n_draws, level=level).to_dict()
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.index.name = "series"
    return frame


def _features(given: Array) -> tuple[np.ndarray, int]:
    x = np.asarray(given, dtype=float)
    if x.ndim != 2 or x.shape[-1] < 150:
        raise ParameterError(
            f"Windows have shape {x.shape}; give (n_windows, length) with at least 150 steps: features look back 101."
        )
    good = usable(x)
    features = evaluate([FACTS[name] for name in LADDER_FEATURES], x[good])
    known = np.isfinite(features).all(axis=-1)
    return features[known], len(x) - int(known.sum())


def _draws(n_real: int, n_fake: int, n_draws: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Positions of fake windows for each draw: disjoint where there are enough, in the order of time."""
    if n_fake <= n_real:
        return [np.arange(n_fake)]
    if n_fake >= n_draws * n_real:
        shuffled = rng.permutation(n_fake)
        return [np.sort(shuffled[i * n_real : (i + 1) * n_real]) for i in range(n_draws)]
    return [np.sort(rng.choice(n_fake, n_real, replace=False)) for _ in range(n_draws)]


def _cross_validated(real: np.ndarray, fake: np.ndarray, n_folds: int, n_trees: int, seed: int) -> tuple[float, float]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = np.concatenate([real, fake])
    is_real = np.arange(len(x)) < len(real)
    fold = np.concatenate([np.arange(len(part)) * n_folds // len(part) for part in (real, fake)])
    wins = np.zeros(2)
    pairs = 0
    for k in range(n_folds):
        train, test = fold != k, fold == k
        models = (
            make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", solver="newton-cholesky")),
            RandomForestClassifier(n_trees, class_weight="balanced", random_state=seed % 2**32, n_jobs=1),
        )
        for i, model in enumerate(models):
            score = model.fit(x[train], is_real[train]).predict_proba(x[test])[:, 1]
            gap = score[is_real[test]][:, None] - score[~is_real[test]][None, :]
            wins[i] += np.count_nonzero(gap > 0) + 0.5 * np.count_nonzero(gap == 0)
        pairs += gap.size
    return wins[0] / pairs, wins[1] / pairs


def _interval(auc: float, m: int, n: int, level: float) -> AUC:
    """Newcombe's score interval: the values theta with |auc - theta| <= z sqrt(V(theta))."""
    from scipy.stats import norm

    z = norm.ppf((1 + level) / 2)
    theta = np.linspace(0.0, 1.0, 4001)
    half = (m + n) / 2 - 1
    variance = theta * (1 - theta) / (m * n) * (1 + half * ((1 - theta) / (2 - theta) + theta / (1 + theta)))
    inside = theta[np.abs(auc - theta) <= z * np.sqrt(variance) + 1e-12]
    return AUC(auc, float(inside.min()), float(inside.max()))
