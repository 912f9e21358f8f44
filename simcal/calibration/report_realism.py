"""The report's sections on realism: facts, ladder, moments, and the pictures of real against simulated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from simcal.calibration.certificate import percent, spoken
from simcal.calibration.judged_part import LABELS, MARKET, PartValidation
from simcal.calibration.result import Run
from simcal.calibration.windows import draw_samples
from simcal.report import (
    Picture,
    Section,
    Table,
    cells,
    plot_autocorrelation,
    plot_fact_bands,
    plot_ladder,
    plot_log_returns,
    plot_price_paths,
    plot_tails,
    span,
)

_SAMPLES_DRAWN = 100
_UNJUDGED = {"train_share": 0.7, "n_samples": _SAMPLES_DRAWN, "burn_in": 500, "seed": 0, "baselines": []}
_PERIODS = {"daily": "days", "weekly": "weeks", "monthly": "months", "quarterly": "quarters", "yearly": "years"}


def realism_sections(run: Run) -> list[Section]:
    """Facts, ladder and moments where the market has been judged; prices and returns always."""
    sections = [_pictures(run)]
    if run.validation is not None:
        parts = run.validation.parts
        sections += [_facts_overview(parts), *map(_facts, parts), _ladder(parts), _moments(parts)]
        if run.validation.forecasts is not None:
            sections.append(_forecasts(run.validation.forecasts))
    return sections


def _facts_overview(parts: tuple[PartValidation, ...]) -> Section:
    counts = []
    for model in parts[0].facts:
        row = {"model": LABELS.get(model, model)}
        for part in parts:
            inside, banded = part.passed(model)
            row[part.name] = f"{inside} of {banded} ({percent(inside / max(banded, 1))})"
        counts.append(row)
    prose = [
        "Bands are 95 % ranges of a block bootstrap of the real returns (blocks of 250 steps, 750 for facts with long "
        "memory); a fact passes when the median over the simulated samples, each as long as the data, lies inside. The "
        "facts of one series hang together: a market that is judged by its own samples passes most, but rarely all.",
        "Baselines are fitted to the training part only, as the market is. On all the data a block bootstrap holds "
        "most of the real windows themselves, so that it shows about the best that can be reached. Where it fails "
        "on the held-out part, those years differ from the training years, and a model fitted to these can hardly "
        "follow.",
    ]
    caption = "Facts inside their bands: this market and, beside it, the baselines."
    return Section("Stylised facts", prose, [Table(pd.DataFrame(counts), caption)])


def _facts(part: PartValidation) -> Section:
    table = part.fact_table().sort_values("number", kind="stable")
    described = zip(table["label"], table["unit"], strict=True)
    shown = pd.DataFrame(
        {
            "fact": [f"{label} ({unit})" if unit else label for label, unit in described],
            "real": table["data"].to_numpy(),
            "95 % band": cells(span, table, "low", "high", to="\u00a0to\u00a0"),
            "simulated": table["simulated"].to_numpy(),
            "this market": _marks(table["passes"], True, False),
        }
    )
    for model, frame in part.facts.items():
        if model != MARKET:
            shown[LABELS.get(model, model)] = _marks(frame["passes"].reindex(table.index), "\u2713", "\u2717")
    figure = Picture(
        plot_fact_bands(table, title=f"Stylised facts in their 95 % bands: {part.name}"),
        "Each fact on the scale of its own band (grey). The mark is the median over the simulated samples, the line "
        "their 5 to 95 % range. A good market has its marks on grey.",
    )
    caption = f"{part.first} to {part.last}, {part.n_returns} returns. Marks say whether the median is inside."
    return Section(f"Facts on {spoken(part)}", [], [Table(shown, caption)], [figure])


def _forecasts(table: pd.DataFrame) -> Section:
    prose = [
        "Every day after the training part was forecast from the days before it, with parameters that know the "
        "training part alone. The log score is the mean log density of what came (natural logs): more is better. A "
        "difference with a t value above 2 (Diebold and Mariano, errors of Newey and West) is more than chance. Where "
        "forecasts are right, their probabilities of a smaller return than came are uniform.",
    ]
    return Section("Forecasts of the next day", prose, [Table(table, "One-day forecasts of the held-out part.")])


def _ladder(parts: tuple[PartValidation, ...]) -> Section:
    tables, figures, prose = [], [], []
    for part in parts:
        if part.ladder is None:
            continue
        ladder = part.ladder.rename(index=LABELS)
        where = f"{spoken(part)}, {part.n_windows} real windows"
        auc = {
            label: cells(_auc, ladder, f"{name}_auc", f"{name}_low", f"{name}_high")
            for name, label in (("logistic", "logistic regression"), ("forest", "random forest"))
        }
        skipped = ladder["n_skipped_real"] + ladder["n_skipped_fake"]
        shown = pd.DataFrame({"series": ladder.index, **auc, "real windows": ladder["n_real"], "skipped": skipped})
        tables.append(Table(shown, f"AUC with its 95 % interval, {where}."))
        caption = f"On {where}: too few for a floor of real against real. Lines are 95 % intervals."
        if any(str(name).startswith("real") for name in ladder.index):
            caption = (
                f"On {where}. Bars near 0.5 cannot be told from the real series. The pale bars, real windows against "
                "real ones, are the floor; nothing can be asked to do better. Lines are 95 % intervals."
            )
        title = f"Can a classifier tell it from the real market? ({part.name})"
        figures.append(Picture(plot_ladder(ladder, title=title), caption))
        few = "few" if part.n_windows < 50 else "enough for intervals of some 0.1"
        prose.append(
            f"On {spoken(part)} there are {part.n_windows} windows that do not overlap: {few}. Read the intervals, not "
            "the last digit."
        )
    notes = [note for part in parts for note in part.notes if "windows" in note]
    if not figures:
        return Section("Classifier ladder", notes)
    first = (
        "Fresh classifiers are trained to tell simulated from real windows by twelve features (the nine "
        "Franke-Westerhoff moments, log kurtosis, leverage, coarse-fine asymmetry), with folds that are blocks in "
        "time. An AUC of 0.5 says that they cannot, 1 that they always can; the models below are judged on the same "
        "real windows."
    )
    return Section("Classifier ladder", [first, *prose, *notes], tables, figures)


def _auc(value: float, low: float, high: float) -> str:
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _moments(parts: tuple[PartValidation, ...]) -> Section:
    tables = []
    for part in parts:
        labels = part.bands["label"]
        frame = pd.DataFrame({LABELS.get(m, m): coverage.each for m, coverage in part.coverage.items()})
        joint = pd.DataFrame(
            {LABELS.get(m, m): [c.joint] for m, c in part.coverage.items()}, index=["all nine at once"]
        )
        frame = pd.concat([joint, frame.rename(index=labels.to_dict())])
        frame = frame.map(lambda share: percent(share)).rename_axis("moment").reset_index()
        tables.append(Table(frame, f"Share of samples inside the band, {spoken(part)}."))
    prose = [
        "The moment coverage ratio of Franke and Westerhoff (2012): the share of simulated samples that have all nine "
        "moments inside the bands of the data at once. A sample of the true market would do so less than 95 % of the "
        "time, because nine bands are harder to hit than one.",
    ]
    return Section("Moment coverage", prose, tables)


def _pictures(run: Run) -> Section:
    """Prices and returns, of samples that are those that were judged."""
    settings, series = _UNJUDGED if run.validation is None else run.validation.settings, run.series
    samples = draw_samples(
        run.market, series, train_share=settings["train_share"], burn_in=settings["burn_in"],
        n_samples=min(settings["n_samples"], _SAMPLES_DRAWN), seed=settings["seed"], baselines=settings["baselines"],
    )  # fmt: skip
    good, real = samples.usable, series.log_returns
    prices, returns = samples.prices[good], samples.returns[good]
    dates = series.dates if isinstance(series.dates, pd.DatetimeIndex) else None
    period: Any = {"period": _PERIODS.get(series.frequency or "", "steps")}
    others = {
        LABELS.get(name, name): r[np.isfinite(r).all(axis=1)]
        for name, r in samples.baselines.items()
        if "bootstrap" not in name
    }
    beside: Any = {"baselines": others, "real_name": series.name}
    shown = {series.name: real} | {f"simulated {i + 1}": r for i, r in enumerate(returns[:2])}
    lags = min(100, len(real) // 5)
    figures = {
        f"The real price and {len(prices)} simulated samples, all at 100 in the beginning. The real line should look "
        "like one of the single paths and stay in the band; a band that does not widen says that the simulated price "
        "is tied to a level.": plot_price_paths(prices, series.prices, dates=dates, real_name=series.name, **period),
        "Returns of the real series (top) and of two simulated samples: quiet and stormy times should alternate in the "
        "same way, with extremes of the same size.": plot_log_returns(
            shown, dates=None if dates is None else dates[1:], **period
        ),
        "How often a return exceeds x standard deviations. Real points above the Gaussian line are the heavy tails; "
        "they should lie in the simulated band.": plot_tails(real, returns, **beside),
        "Autocorrelation of returns: close to zero at all lags, or the market could be predicted.": (
            plot_autocorrelation(real, returns, of="returns", max_lag=min(30, lags), **beside, **period)
        ),
        "Autocorrelation of absolute returns: volatility clusters, so it falls slowly. The points should follow the "
        "simulated median inside its band.": (
            plot_autocorrelation(real, returns, of="absolute returns", max_lag=lags, **beside, **period)
        ),
    }
    return Section("Prices and returns", figures=[Picture(drawing, words) for words, drawing in figures.items()])


def _marks(passes: Iterable[Any], yes: object, no: object) -> pd.Series:
    """A mark for each fact; missing ones stay missing."""
    return pd.Series([None if pd.isna(p) else yes if p else no for p in passes], dtype=object)
