"""The report of a calibration to prices and volume: `report.html`, made of what lies in the run folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simcal.calibration.recipe import EquilibriumSettings, Recipe
from simcal.calibration.result import read_run
from simcal.calibration.windows import training_part
from simcal.data import PriceSeries
from simcal.equilibrium.calibration import estimates_table, status_sentences
from simcal.equilibrium.figures import plot_moment_distances, plot_volume_memory
from simcal.equilibrium.moments import simulate_law
from simcal.equilibrium.observations import Observations, observe
from simcal.equilibrium.two_groups import TradeLaw, TwoGroups
from simcal.report import Picture, Section, Table, format_number, write_report

_COSTS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0)  # in those that were found
_TELLS = [
    ("mean price change", "premium", "the level of risk aversions and cost: only the premium pays for risk"),
    ("deviation of price changes", "volatility", "with the premium: price of risk"),
    ("memory of volume", "persistence", "cost relative to risk aversion: how fast positions follow endowments"),
    ("deviation of volume", "trading", "exposure: how large the risks are that are traded"),
    ("mean volume above that", "background", "others, who trade a constant volume"),
    ("price changes that go away again", "excess", "by how much one group is more risk averse than the other"),
]


def write_equilibrium_run_report(folder: str | Path, *, series: PriceSeries | None = None) -> Path:
    """Write ``report.html`` into the folder of a calibration to prices and volume; nothing is estimated again.

    Raises
    ------
    DataError
        The folder is not that of a finished run, or its data have changed.
    """
    run = read_run(folder, series)
    fit = run.manifest["fit"]
    judged = (
        f"Its prices have not been judged. `simcal validate {run.folder}` does that: facts in their bands, and "
        "classifiers."
    )
    said = [judged] if run.validation is None else run.validation.verdict
    versions = ", ".join(f"{name} {number}" for name, number in run.manifest["versions"].items())
    return write_report(
        Path(folder) / "report.html",
        f"A market with trading costs calibrated to {run.series.name}",
        sections_of_fit(fit, run.recipe, run.series, said),
        subtitle=f"Recipe {run.recipe.name}: {run.recipe.description}" if run.recipe.description else "",
        key_numbers=_key_numbers(fit),
        provenance={
            "data": f"{run.series.name}, {run.series.n} prices, sha256 {run.manifest['data']['sha256']}",
            "seed": run.manifest["seed"],
            "versions": versions,
        },
    )


def sections_of_fit(fit: dict[str, Any], recipe: Recipe, series: PriceSeries, judged: Sequence[str]) -> list[Section]:
    """What a report shows of a fit, given as `MomentFit.to_dict`; `judged` says how real the prices look."""
    settings, part = recipe.equilibrium or EquilibriumSettings(), training_part(series, recipe.train_share)
    seen = observe(part, settings)
    return [
        Section("What came out", [*status_sentences(fit, recipe), *judged]),
        _setting(part, seen, settings),
        _estimates(fit),
        _fit(fit, seen),
        _predictions(TwoGroups(**fit["groups"])),
    ]


def _key_numbers(fit: dict[str, Any]) -> dict[str, Any]:
    value = dict(zip(fit["names"], fit["values"], strict=True))
    error = dict(zip(fit["names"], fit["standard_errors"], strict=True))
    shown = {
        "half-life of a gap (steps)": "half_life", "excess volatility": "excess_volatility",
        "ratio of risk aversions": "risk_aversion_ratio",
    }  # fmt: skip
    numbers = {f: f"{format_number(value[k])} ± {format_number(error[k], 2)}" for f, k in shown.items()}
    return {**numbers, "surplus moments agree (p at least 0.01)": bool(fit["p"] >= 0.01)}


def _setting(part: PriceSeries, seen: Observations, settings: EquilibriumSettings) -> Section:
    relative = settings.changes == "relative"
    prose = [
        "Two groups of traders hedge endowments that move against each other, with one asset, at quadratic costs, and "
        "the dividend is far away. Because trading costs, they follow their wanted positions with a lag; the gap makes "
        "the volume of the next steps and tilts the drift of the price.",
        f"{part.n - 1} steps of {part.name} were calibrated to. Price changes are "
        + (f"log price changes times the last price, {seen.level:.6g}" if relative else "in money")
        + "; volume "
        + ("is divided by its exponential trend" if settings.detrend else "is taken as it is")
        + f"; the asset has {seen.supply:.4g} shares"
        + ("." if settings.supply else f", of which {settings.turnover:.2%} change hands in a mean step (assumed).")
        + " Time is counted in steps.",
        "One source of noise moves all, so that the model's volume is an exact function of past price changes. No data "
        "are like that: the moments use means, memories and covariances, and the surplus ones test it.",
    ]
    frame = pd.DataFrame(_TELLS, columns=["what is seen", "parameter of the law", "what it tells of the traders"])
    return Section("What was calibrated to what", prose, [Table(frame, "Which data tell what.")])


def _estimates(fit: dict[str, Any]) -> Section:
    frame, tables = estimates_table(fit), []
    captions = {
        "prices and volume": "The law of prices and volume, per step.",
        "traders": "The traders who make it.",
        "implied": "What follows.",
    }
    for name, caption in captions.items():
        tables.append(Table(frame.loc[frame["of"] == name].drop(columns="of"), caption))
    prose = [
        "Standard errors come from a block bootstrap of the moments, whatever the law of the data; beside them those "
        "that hold if the model is right."
    ]
    return Section("Estimates", prose, tables)


def _fit(fit: dict[str, Any], seen: Observations) -> Section:
    law = TradeLaw(**fit["law"])
    volume = simulate_law(law, 20, seen.volume.size, 0)[1] + fit["background"]
    figures = [
        Picture(plot_moment_distances(fit["moments"]), "Grey: within two standard errors."),
        Picture(
            plot_volume_memory(seen.volume, volume),
            "Autocorrelation of volume, mean over 20 simulated series as long as the data; distribution over all.",
        ),
    ]
    together = float(np.corrcoef(np.abs(seen.changes), seen.volume)[0, 1])
    prose = [
        f"Not fitted: the correlation of |price change| and volume of the same step is {together:.2f} in the data; "
        "in the model it is near 0, because trades of a step answer to earlier shocks."
    ]
    return Section("Data and model", prose, [Table(pd.DataFrame(fit["moments"]), "The moments.", 4)], figures)


def _predictions(groups: TwoGroups) -> Section:
    rows = []
    for factor in _COSTS:
        other = TwoGroups(**{**groups.to_dict(), "cost": groups.cost * factor})
        law = other.law()
        rows.append({
            "cost (1 as found)": factor, "volatility": other.volatility, "liquidity premium": other.liquidity_premium,
            "mean volume of the groups": float(np.sqrt(2 / np.pi)) * law.trading,
            "half-life of a gap (steps)": float(-np.log(2) / np.log(law.persistence)),
        })  # fmt: skip
    prose = [
        "The same traders and the same dividend at other trading costs: what the equilibrium predicts. Volatility is "
        "money per step, the liquidity premium the part of the mean price change that is there because trading costs."
    ]
    return Section("At other trading costs", prose, [Table(pd.DataFrame(rows))])
