"""The log score of the next day, beside GARCH models: parameters of the first 70 %, scored on the rest, never refitted.

    python benchmarks/forecasts.py                            # the catalogue's series: a minute
    python benchmarks/forecasts.py --part validation          # inside the training part: for choosing
    python benchmarks/forecasts.py --series sp500 mine.csv

A cell is our mean log density of a log return minus the peer's, and in brackets its t value (Newey-West). Peers have an
AR(1) mean. With ``coverage``: how often the next return lies in its 95 % band, and below its 1 % and 5 % quantiles.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings

import numpy as np
import pandas as pd
from arch import arch_model
from statsmodels.api import OLS

import simcal

PEERS = {
    "GJR-t": ({"vol": "GARCH", "p": 1, "o": 1, "q": 1}, "t"),
    "GJR-skewt": ({"vol": "GARCH", "p": 1, "o": 1, "q": 1}, "skewt"),
    "EGARCH-t": ({"vol": "EGARCH", "p": 1, "o": 1, "q": 1}, "t"),
    "EGARCH-skewt": ({"vol": "EGARCH", "p": 1, "o": 1, "q": 1}, "skewt"),
    "APARCH-skewt": ({"vol": "APARCH", "p": 1, "o": 1, "q": 1}, "skewt"),
}
SERIES = ("sp500", "sp500-long", "nasdaq", "wti")


def peer_densities(returns: np.ndarray, cut: int, volatility: dict, law: str) -> np.ndarray:
    """Log densities of the returns from number `cut` on; parameters from those before it."""
    model = arch_model(100 * returns, mean="AR", lags=1, dist=law, rescale=False, **volatility)
    fitted = model.fit(last_obs=cut, disp="off")
    filtered = model.fix(fitted.params)
    of_law = fitted.params[[n for n in fitted.params.index if n in ("nu", "eta", "lambda")]].to_numpy()
    residuals, deviation = np.asarray(filtered.resid)[cut:], np.asarray(filtered.conditional_volatility)[cut:]
    return model.distribution.loglikelihood(of_law, residuals, deviation**2, individual=True) + math.log(100)


def compared(difference: np.ndarray) -> str:
    """Mean and t value."""
    lags = int(len(difference) ** (1 / 3))
    fitted = OLS(difference, np.ones(len(difference))).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    return f"{fitted.params[0]:+.4f} ({fitted.tvalues[0]:.1f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", nargs="+", default=SERIES)
    parser.add_argument("--part", choices=("held-out", "validation"), default="held-out")
    parser.add_argument("--recipe", default="likelihood")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.series:
        series = simcal.load_series(name)
        prices = series.prices
        if arguments.part == "validation":
            prices = prices[: int(0.7 * (len(prices) - 1)) + 1]
        began = time.perf_counter()
        market = simcal.calibrate(None, prices, recipe=arguments.recipe).market
        seconds = time.perf_counter() - began
        returns = np.diff(np.log(prices))
        cut = int(0.7 * len(returns))
        table = simcal.filter(market, prices).table.iloc[cut:]
        ours, pit = table["log_density"].to_numpy(), table["pit"].to_numpy()
        row = {"series": name, "returns": len(returns), "seconds": f"{seconds:.1f}", "log score": f"{ours.mean():.4f}"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row |= {peer: compared(ours - peer_densities(returns, cut, *how)) for peer, how in PEERS.items()}
        row["coverage 95, 1, 5 %"] = (
            f"{np.mean(abs(pit - 0.5) < 0.475):.3f} {np.mean(pit < 0.01):.3f} {np.mean(pit < 0.05):.3f}"
        )
        rows.append(row)
    print(f"Log score a day, ours minus the peer's, {arguments.part}; t values in brackets.")
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
