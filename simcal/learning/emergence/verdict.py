"""The claim of the paper, and what the numbers say: confirmed, contradicted or not established, by a rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from simcal.learning.emergence.comparison import compare_arms, smallest_p

CLAIM = (
    "The claim of arXiv 2511.05207: traders who are heterogeneous and learn make fat tails and a slowly decaying "
    "autocorrelation of absolute returns, more like real prices than those who only learn, and than those who are only "
    "heterogeneous."
)
RIVALS = ("learning-only", "heterogeneity-only")
PARTS = {"hill": (-1, "fatter tails"), "acf_10": (1, "slower decay of volatility")}
"""Statistic, the sign of the difference that the claim means, and words: tail index lower, autocorrelation higher."""
CLOSENESS = {"distance": (-1, "prices nearer to the real ones")}
"""Tested too where there is a real series."""
LARGE_ENOUGH = 0.33
"""The smallest size of Cliff's delta that counts, a medium effect in the usual reading (0.15, 0.33, 0.47)."""


def judge(runs: pd.DataFrame, level: float = 0.05) -> pd.DataFrame:
    """The claim part by part: a row per part and rival, with a finding.

    A part is "confirmed" against a rival where the difference has the claimed sign, the p-value is below `level` after
    Holm's correction for all rows, and Cliff's delta is at least `LARGE_ENOUGH` in size; "contradicted" where that
    holds for the other sign; else "not established".

    Parameters
    ----------
    runs
        A row per run of one view: arm, the statistics of `PARTS`, and ``distance`` where there is a real series.

    Returns
    -------
    The columns of `compare_arms`, with part (in words) and finding.
    """
    parts = {**PARTS, **(CLOSENESS if "distance" in runs else {})}
    table = compare_arms(runs, "both", RIVALS, list(parts))
    claimed = np.array([parts[name][0] for name in table["statistic"]])
    clear = (table["p_holm"] < level).to_numpy() & (table["delta"].abs() >= LARGE_ENOUGH).to_numpy()
    sign = np.sign(table["delta"].to_numpy()) * claimed
    table["finding"] = np.where(
        clear & (sign > 0), "confirmed", np.where(clear & (sign < 0), "contradicted", "not established")
    )
    table.insert(0, "part", [parts[name][1] for name in table["statistic"]])
    return table


def sentences(table: pd.DataFrame, level: float = 0.05) -> list[str]:
    """The verdict first, then a sentence per row of `judge`, then what the number of seeds allows."""
    found = list(table["finding"])
    if found.count("confirmed") == len(found):
        first = f"The claim is confirmed by these runs: all {len(table)} of its comparisons hold."
    else:
        counts = [f"{n} of {len(table)} {words}" for words in ("confirmed", "contradicted", "not established")
                  if (n := found.count(words))]  # fmt: skip
        word = "not confirmed"
        if "contradicted" in found:
            word = "not confirmed, and in part contradicted," if "confirmed" in found else "contradicted"
        first = f"The claim is {word} by these runs: of its comparisons {', '.join(counts)}."
    told = [first, *(_sentence(row) for row in table.to_dict("records"))]
    pairs = [(int(n), int(m)) for n, m in zip(table["n"], table["m"], strict=True) if n and m]
    if pairs:
        least = min(smallest_p(n, m) for n, m in pairs)
        if least * len(table) >= level:
            told.append(
                f"With so few runs no comparison could have been clear: the smallest p-value that the test can give is "
                f"{least:.2g}, before the correction for {len(table)} comparisons."
            )
    return told


_SHORT = {"hill": "tail index", "acf_10": "autocorrelation of |returns| at lag 10", "distance": "distance"}


def _sentence(row: dict[str, Any]) -> str:
    said = f"{row['part'][0].upper()}{row['part'][1:]} than {row['against']}: {row['finding']}"
    if not row["n"] or not row["m"]:
        return f"{said}, since one of the arms has no market to measure."
    return (
        f"{said} ({_SHORT[row['statistic']]} {row['mean']:.3g} against {row['other mean']:.3g}; Cliff's delta "
        f"{row['delta']:+.2f}, p = {row['p']:.2g}, corrected {row['p_holm']:.2g}; {row['n']} and {row['m']} runs)."
    )
