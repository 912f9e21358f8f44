"""Draw the README's picture from a run: `python docs/picture.py runs/sp500 docs/sp500.png`."""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import simcal
from simcal.calibration import read_run
from simcal.report import plot_autocorrelation, plot_log_returns, plot_price_paths, plot_tails


def draw(folder: Path) -> Figure:
    """Prices, returns, tails and volatility clustering of the real series and of the calibrated market."""
    run = read_run(folder)
    real = run.series
    paths = simcal.simulate(run.market, 200, real.n - 1, seed=1, burn_in=500).prices
    paths = paths / paths[:, :1] * real.prices[0]
    returns = np.diff(np.log(paths), axis=1)
    figure = Figure(figsize=(12, 8), layout="constrained")
    grid = figure.add_gridspec(4, 2)
    plot_price_paths(paths, real.prices, dates=real.dates, ax=figure.add_subplot(grid[:2, 0]))
    panels = np.array([[figure.add_subplot(grid[i, 1])] for i in range(2)])
    plot_log_returns({"S&P 500": real.log_returns, "simulated": returns[0]}, dates=real.dates[1:], axes=panels)
    plot_tails(real.log_returns, returns, ax=figure.add_subplot(grid[2:, 0]))
    plot_autocorrelation(real.log_returns, returns, of="absolute returns", ax=figure.add_subplot(grid[2:, 1]))
    return figure


if __name__ == "__main__":
    draw(Path(sys.argv[1])).savefig(sys.argv[2], dpi=110)
