"""The log score of the next day, beside GARCH models: parameters of the first 70 %, scored on the rest, never refitted.

    python benchmarks/forecasts.py                            # the catalogue's series: a minute
    python benchmarks/forecasts.py --part validation          # inside the training part: for choosing
    python benchmarks/forecasts.py --series sp500 mine.csv

A cell is our mean log density of a log return minus the peer's, and in brackets its t value (Newey-West). Peers have an
AR(1) mean. With ``coverage``: how often the next return lies in its 95 % band, and below its 1 % and 5 % quantiles.
With ``--horizons`` also CRPS and the risk figures of 1 to 20 days, pooled over the series: two minutes more.
"""

from __future__ import annotations

import argparse
import time
import warnings

import pandas as pd

import simcal
from simcal.calibration.conditional import forecast_table
from simcal.facts.forecasters import FORECASTERS

SERIES = ("sp500", "sp500-long", "nasdaq", "wti")


def print_pooled(scores: pd.DataFrame) -> None:
    """CRPS relative to ours and score of risk minus ours, means over series; how often tests reject at 5 %."""
    ours = scores[scores["forecaster"] == scores["forecaster"].iloc[0]].set_index(["series", "steps"])
    index = pd.MultiIndex.from_arrays([scores["series"], scores["steps"]])
    scores = scores.assign(
        crps=scores["CRPS"].to_numpy() / ours["CRPS"].reindex(index).to_numpy(),
        risk=scores["Fissler-Ziegel"].to_numpy() - ours["Fissler-Ziegel"].reindex(index).to_numpy(),
    )
    tests = [c for c in scores if str(c).startswith("p, ")]
    rejected = (scores[tests] < 0.05).sum(axis=1)
    for level in ("1 %", "5 %"):
        share = float(level[0]) / 100
        rejected += (scores[f"{level} from"] > share) | (scores[f"{level} to"] < share)
    table = scores.assign(rejected=rejected).groupby(["steps", "forecaster"], sort=False)
    found = table.agg({"crps": "mean", "risk": "mean", "rejected": "sum"})
    print(
        "\nPooled over series: CRPS over ours, Fissler-Ziegel score minus ours (above 0: worse), tests rejected at 5 %."
    )
    print(found.round(4).to_string())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", nargs="+", default=SERIES)
    parser.add_argument("--part", choices=("held-out", "validation"), default="held-out")
    parser.add_argument("--recipe", default="likelihood")
    parser.add_argument("--horizons", action="store_true")
    arguments = parser.parse_args()
    rows, judged = [], []
    for name in arguments.series:
        series = simcal.load_series(name)
        prices = series.prices
        if arguments.part == "validation":
            prices = prices[: int(0.7 * (len(prices) - 1)) + 1]
        began = time.perf_counter()
        market = simcal.calibrate(None, prices, recipe=arguments.recipe).market
        seconds = time.perf_counter() - began
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = forecast_table(market, simcal.load_series(prices), 0.7, list(FORECASTERS))
        assert found is not None, "the default market for prices has an exact likelihood"
        table = found.set_index("forecaster")
        ours = table.iloc[0]
        row = {"series": name, "returns": len(prices) - 1, "seconds": f"{seconds:.1f}",
               "log score": f"{ours['log score']:.4f}"}  # fmt: skip
        row |= {peer: f"{by['market minus it']:+.4f} ({by['t value']:.1f})" for peer, by in table.iloc[1:].iterrows()}
        row["coverage 95, 1, 5 %"] = " ".join(f"{ours[name]:.3f}" for name in ("in 95 %", "below 1 %", "below 5 %"))
        rows.append(row)
        if arguments.horizons:
            judged.append(simcal.inference.judge_forecasts(market, prices).scores.assign(series=name))
    print(f"Log score a day, ours minus the peer's, {arguments.part}; t values in brackets.")
    print(pd.DataFrame(rows).to_string(index=False))
    if judged:
        print_pooled(pd.concat(judged))


if __name__ == "__main__":
    main()
