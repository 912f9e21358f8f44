"""The price series itself: returns, parts in time, windows, hash."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from simcal.data import PriceSeries
from simcal.errors import DataError, ParameterError

DATES = pd.bdate_range("2001-03-05", periods=1001)


def make(n=1001, seed=1, **changes):
    prices = 50.0 * np.exp(0.01 * np.random.default_rng(seed).standard_normal(n).cumsum())
    return PriceSeries(**{"name": "made", "dates": DATES[:n], "prices": prices, **changes})


def test_log_returns_add_up_to_the_whole_move():
    series = make()
    assert series.log_returns.shape == (series.n - 1,)
    assert series.log_returns.sum() == pytest.approx(np.log(series.prices[-1] / series.prices[0]), rel=1e-12)


@pytest.mark.parametrize("train", [0.1, 0.5, 0.7, 0.999])
def test_split_puts_every_return_in_exactly_one_part_in_the_order_of_time(train):
    series = make(volume=np.arange(1001.0))
    first, second = series.split(train)
    np.testing.assert_array_equal(np.r_[first.log_returns, second.log_returns], series.log_returns)
    assert first.n - 1 == round(train * 1000)
    assert first.dates[-1] == second.dates[0]
    assert second.volume is not None
    np.testing.assert_array_equal(second.volume, series.volume[first.n - 1 :])
    assert first.frequency == second.frequency == "daily"


@pytest.mark.parametrize("train", [0.0, 1.0, -0.1, 1.7, float("nan")])
def test_split_refuses_a_share_outside_zero_and_one(train):
    with pytest.raises(ParameterError, match="strictly between 0 and 1"):
        make().split(train)


def test_split_refuses_what_leaves_one_part_empty():
    with pytest.raises(DataError, match="too few"):
        make(5).split(0.99)


def test_windows_hold_every_return_once_by_default():
    series = make()
    windows = series.windows(250)
    assert windows.shape == (4, 251)
    np.testing.assert_array_equal(np.diff(np.log(windows), axis=1).ravel(), series.log_returns[:1000])


def test_windows_start_a_stride_apart():
    series = make()
    windows = series.windows(100, stride=7)
    assert windows.shape == ((1000 - 100) // 7 + 1, 101)
    np.testing.assert_array_equal(windows[5], series.prices[35:136])


def test_windows_longer_than_the_series_are_refused():
    with pytest.raises(DataError, match="fewer than one window"):
        make(100).windows(100)
    with pytest.raises(ParameterError):
        make(100).windows(10, stride=0)


def test_hash_depends_on_prices_dates_and_volume_but_not_on_the_name():
    series = make()
    assert series.sha256 == make(name="other").sha256
    others = [
        make(seed=2),
        make(dates=DATES + pd.Timedelta(days=1)),
        make(dates=pd.RangeIndex(1001)),
        make(volume=np.ones(1001)),
    ]
    assert len({series.sha256, *(other.sha256 for other in others)}) == 5


def test_hash_does_not_depend_on_the_resolution_of_the_dates():
    assert make(dates=DATES.as_unit("ns")).sha256 == make(dates=DATES.as_unit("s")).sha256


def test_a_series_cannot_be_changed():
    given = np.full(1001, 3.0)
    series = make(prices=given)
    given[0] = 7.0
    assert series.prices[0] == 3.0
    with pytest.raises(ValueError, match="read-only"):
        series.prices[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        series.name = "x"  # type: ignore[misc]


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_wrong_price_is_refused_with_its_position(bad):
    prices = np.full(1001, 3.0)
    prices[17] = bad
    with pytest.raises(DataError, match="Position 17 "):
        make(prices=prices)


@pytest.mark.parametrize(
    ("frequency", "per_year", "dates"),
    [
        ("daily", 252.0, pd.bdate_range("2001-01-01", periods=500)),
        ("daily", 365.0, pd.date_range("2001-01-01", periods=500)),
        ("weekly", 52.0, pd.date_range("2001-01-05", periods=500, freq="7D")),
        ("monthly", 12.0, pd.date_range("1951-01-01", periods=500, freq="MS")),
        ("intraday", 365.25 * 24, pd.date_range("2001-01-01", periods=500, freq="h")),
        ("daily", 252.0, pd.RangeIndex(500)),
    ],
)
def test_frequency_is_told_from_the_dates(frequency, per_year, dates):
    series = PriceSeries("x", dates, np.linspace(1, 2, 500))
    assert series.frequency == frequency
    assert series.periods_per_year == pytest.approx(per_year, rel=1e-9)


def sessions(days: int, minutes: int, start: str = "2024-01-08 14:30") -> pd.DatetimeIndex:
    opens = pd.bdate_range(start, periods=days, normalize=False)
    return pd.DatetimeIndex([day + pd.Timedelta(minutes=i) for day in opens for i in range(minutes)])


@pytest.mark.parametrize("days", [1, 5, 30])
def test_minute_bars_of_sessions_make_a_year_of_trading_days(days):
    dates = sessions(days, 390)
    assert PriceSeries("x", dates, np.ones(len(dates))).periods_per_year == 98_280.0


def test_three_trading_days_a_week_are_157_a_year():
    dates = pd.date_range("2001-01-01", periods=900)
    dates = dates[dates.day_of_week.isin([0, 2, 4])]
    series = PriceSeries("x", dates, np.ones(len(dates)))
    assert series.frequency == "daily"
    assert round(series.periods_per_year) == 157


def test_a_hole_in_the_dates_does_not_change_the_periods_of_a_year():
    dates = pd.bdate_range("2001-01-01", periods=400).delete(slice(100, 250))
    assert PriceSeries("x", dates, np.ones(len(dates))).periods_per_year == 252.0


def test_to_pandas_has_the_dates_prices_and_volume():
    frame = make(volume=np.arange(1001.0)).to_pandas()
    assert list(frame.columns) == ["price", "volume"]
    np.testing.assert_array_equal(frame.index, DATES)
