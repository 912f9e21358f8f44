"""How real calibrated markets look: recipes beside GJR-GARCH-t, on each series, fitted to the first 70 %.

    python benchmarks/real_prices.py                             # two recipes on four series: about half an hour
    python benchmarks/real_prices.py --extensions                # what each extension of the herding market does
    python benchmarks/real_prices.py --series wti --seeds 0 1

A row is one calibration: facts inside their bands, moment coverage, AUC of regression and forest, on all data and on
the held-out part. Every calibration gets all iterations of its recipe, whatever the time.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import pandas as pd

import simcal
from simcal.calibration.recipe import Recipe, check_recipe, load_recipe
from simcal.errors import NumericalWarning

PEER = "gjr-garch-t"
SERIES = ("sp500", "sp500-long", "nasdaq", "wti")
RECIPES = ("sp500", "sp500-herding")
PUBLISHED = (
    "value_sensitivity", "trend_sensitivity", "fundamental_sd", "chartist_sd", "predisposition", "herding",
    "misalignment",
)  # fmt: skip
MOVING = {
    "variance_mean": 3e-6, "variance_start": 3e-6, "vol_of_vol": 3e-5, "variance_reversion": 0.005,
    "leverage_correlation": -0.6,
}  # fmt: skip
# The published market with one extension, and the recipe, which has chartism after falls, with one more.
ALONE: dict[str, dict[str, float]] = {
    "published terms": {},
    "+ tails": {"chartist_tail": 0.05},
    "+ moving value": MOVING,
    "+ tilted misalignment": {"misalignment_tilt": 1.0},
    "+ noise after falls": {"fall_response": 100.0, "trend_memory": 0.95},
}
FURTHER: dict[str, dict[str, float]] = {
    "the recipe": {},
    "recipe, tails and skew": {"chartist_tail": 0.02, "chartist_skew": 0.0},
    "recipe, moving value": MOVING,
    "recipe, tilted misalignment": {"misalignment_tilt": 0.0},
    "recipe, noise after falls": {"fall_response": 50.0},
}
FIXED = ("variance_start",)


def changed(changes: dict[str, float], *, alone: bool) -> Recipe:
    """The herding recipe with other terms."""
    values = load_recipe("sp500-herding").model_dump()
    if alone:
        values["trainable"] = PUBLISHED
        values["changes"] = {name: values["changes"][name] for name in PUBLISHED}
    values["changes"] |= changes
    values["trainable"] = [*values["trainable"], *(name for name in changes if name not in FIXED)]
    return check_recipe(values)


def rows_of(certificate: Any, model: str, label: str, series: str, seed: int | str, seconds: float) -> dict[str, Any]:
    row: dict[str, Any] = {"series": series, "market": label, "seed": seed}
    for name, part in (("all", certificate.all_data), ("held out", certificate.held_out)):
        inside, banded = part.passed(model)
        logistic, forest = part.auc(model) or (float("nan"), float("nan"))
        row |= {
            f"{name}: facts": f"{inside} of {banded}", f"{name}: coverage": f"{part.coverage[model].joint:.2f}",
            f"{name}: AUC": f"{logistic:.2f} {forest:.2f}",
            f"{name}: leverage": bool(part.facts[model].loc["leverage_1_10", "passes"]),
        }  # fmt: skip
    return row | {"s": round(seconds)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", nargs="+", default=None)
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--extensions", action="store_true")
    parser.add_argument("--starts", type=int, default=None, help="the recipe's when absent")
    parser.add_argument("--iterations", type=int, default=None, help="the recipe's when absent")
    parser.add_argument("--jobs", type=int, default=None)
    arguments = parser.parse_args()
    names = arguments.series or (["sp500-long"] if arguments.extensions else SERIES)
    recipes = {name: load_recipe(name) for name in arguments.recipes}
    if arguments.extensions:
        recipes = {name: changed(changes, alone=True) for name, changes in ALONE.items()}
        recipes |= {name: changed(changes, alone=False) for name, changes in FURTHER.items()}
    warnings.simplefilter("ignore", NumericalWarning)
    rows: list[dict[str, Any]] = []
    for series in names:
        for label, recipe in recipes.items():
            for seed in arguments.seeds:
                began = time.monotonic()
                found = simcal.calibrate(
                    None, series, recipe=recipe.model_copy(update={"budget": None}), seed=seed, jobs=arguments.jobs,
                    starts=arguments.starts, iterations=arguments.iterations,
                )  # fmt: skip
                seconds = time.monotonic() - began
                first = not any(row["series"] == series for row in rows)
                certificate = simcal.validate(
                    found.market, series, baselines=(PEER,) if first else (), jobs=arguments.jobs
                )
                if first:
                    rows.append(rows_of(certificate, PEER, "GJR-GARCH-t", series, "", 0))
                rows.append(rows_of(certificate, "market", label, series, seed, seconds))
                print(pd.DataFrame(rows[-2:] if first else rows[-1:]).to_string(index=False, header=first), flush=True)


if __name__ == "__main__":
    main()
