"""The tables of `simcal.exports` in the tools that they are for; each must find what NumPy finds in the prices."""

import numpy as np
import pytest

import simcal

CASH, UNITS, WINDOW = 10_000.0, 10, 5
VOLUMES = ("volume_noise", "volume_technical", "volume_fundamental")

# What pandas deprecates concerns these tools, not us.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def paths():
    return simcal.simulate(simcal.load("stock"), 3, 149, seed=11, burn_in=20, save=VOLUMES)


def signals(closes: np.ndarray) -> np.ndarray:
    """Where a trend follower holds the stock: the close is above the mean of the last WINDOW closes."""
    above = np.zeros(len(closes), bool)
    for t in range(WINDOW - 1, len(closes)):
        above[t] = closes[t] > closes[t + 1 - WINDOW : t + 1].mean()
    return above


def final_value(prices: np.ndarray, bar: int) -> float:
    """Cash at the end of a trend follower who trades at the first price after the bar in which it decides."""
    n = len(prices) // bar
    held = signals(prices[bar - 1 : n * bar : bar])[: n - 1]
    traded_at = prices[bar : n * bar : bar]
    marks = np.append(traded_at[1:], prices[n * bar - 1])
    return CASH + UNITS * float((held * (marks - traded_at)).sum())


def test_the_strategy_trades_often_enough_and_late_by_a_bar():
    prices = np.array([1.0, 1, 1, 1, 2, 4, 8, 1, 1])
    assert list(np.flatnonzero(signals(prices))) == [4, 5, 6]
    assert final_value(prices, 1) == CASH + UNITS * (1 - 4)  # bought a price after 2, sold a price after 1
    rising = np.repeat([1.0, 2, 3, 4, 5, 6, 7], 2)
    assert final_value(rising, 2) == CASH + UNITS * (7 - 6)


# Asked to close them, backtesting.py would do so at the last bar's open; left open, they count at its close.
@pytest.mark.filterwarnings("ignore:Some trades remain open:UserWarning")
@pytest.mark.parametrize("bar", [1, 4])
def test_backtesting_py_finds_the_same_gain(paths, bar):
    backtesting = pytest.importorskip("backtesting")

    class Trend(backtesting.Strategy):
        def init(self): ...

        def next(self):
            if signals(np.asarray(self.data.Close))[-1]:
                if not self.position:
                    self.buy(size=UNITS)
            elif self.position:
                self.position.close()

    for number, bars in paths.iter_ohlcv(bar):
        found = backtesting.Backtest(bars, Trend, cash=CASH).run()
        assert found["Equity Final [$]"] == pytest.approx(final_value(paths.prices[number], bar), rel=1e-12)
        assert found["# Trades"] > 1


@pytest.mark.parametrize("bar", [1, 4])
def test_backtrader_finds_the_same_gain_and_reads_every_column(paths, bar):
    backtrader = pytest.importorskip("backtrader")

    class Trend(backtrader.Strategy):
        def __init__(self):
            self.mean = backtrader.indicators.SMA(self.data.close, period=WINDOW)
            self.seen = []

        def prenext(self):
            self.seen.append((self.data.high[0], self.data.low[0], self.data.volume[0]))

        def next(self):
            self.prenext()
            self.order_target_size(target=UNITS if self.data.close[0] > self.mean[0] else 0)

    for number, bars in paths.iter_ohlcv(bar):
        engine = backtrader.Cerebro()
        engine.broker.setcash(CASH)
        engine.adddata(backtrader.feeds.PandasData(dataname=bars))
        engine.addstrategy(Trend)
        (strategy,) = engine.run()
        assert engine.broker.getvalue() == pytest.approx(final_value(paths.prices[number], bar), rel=1e-12)
        np.testing.assert_array_equal(strategy.seen, bars[["High", "Low", "Volume"]])


@pytest.mark.slow
def test_vectorbt_finds_the_same_gains_on_all_paths_at_once(paths):
    vectorbt = pytest.importorskip("vectorbt")
    prices = paths.to_wide()
    # It trades at the close of a signal's own row, so that the signal is a row late.
    holds = prices.apply(lambda column: signals(column.to_numpy())).shift(1, fill_value=False)
    portfolio = vectorbt.Portfolio.from_signals(prices, holds, ~holds, size=UNITS, init_cash=CASH, freq="1D")
    expected = [final_value(path, 1) for path in paths.prices]
    np.testing.assert_allclose(portfolio.final_value(), expected, rtol=1e-12)
    assert list(portfolio.final_value().index) == [0, 1, 2]


def drawdown(prices: np.ndarray) -> float:
    return float((prices / np.maximum.accumulate(prices)).min() - 1)


@pytest.mark.parametrize("path", [0, 2])
def test_empyrical_finds_drawdown_and_sharpe_ratio_of_the_prices(paths, path):
    empyrical = pytest.importorskip("empyrical")
    returns = paths.to_returns(path)
    simple = np.diff(paths.prices[path]) / paths.prices[path][:-1]
    assert empyrical.max_drawdown(returns) == pytest.approx(drawdown(paths.prices[path]), rel=1e-12)
    assert empyrical.sharpe_ratio(returns) == pytest.approx(simple.mean() / simple.std(ddof=1) * 252**0.5, rel=1e-12)
    yearly = empyrical.aggregate_returns(paths.to_returns(path, freq="W-FRI"), "yearly")  # needs true dates
    assert list(yearly.index) == [2000, 2001, 2002]
    assert (1 + yearly).prod() == pytest.approx(paths.prices[path, -1] / paths.prices[path, 0], rel=1e-12)


@pytest.mark.parametrize("path", [0, 2])
def test_quantstats_finds_drawdown_and_sharpe_ratio_of_the_prices(paths, path):
    quantstats = pytest.importorskip("quantstats")
    returns = paths.to_returns(path)
    simple = np.diff(paths.prices[path]) / paths.prices[path][:-1]
    assert quantstats.stats.max_drawdown(returns) == pytest.approx(drawdown(paths.prices[path]), rel=1e-12)
    sharpe = simple.mean() / simple.std(ddof=1) * 252**0.5
    assert quantstats.stats.sharpe(returns) == pytest.approx(sharpe, rel=1e-12)
    metrics = quantstats.reports.metrics(returns, display=False)
    assert float(metrics.loc["Sharpe"].iloc[0]) == pytest.approx(sharpe, abs=0.005)  # two digits
