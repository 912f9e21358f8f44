"""Paths as tables for other tools: bars, wide prices, returns, their dates and their files."""

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal.errors import DataError, NumericalWarning, ParameterError
from simcal.exports import write
from simcal.paths import Paths

VOLUMES = ("volume_noise", "volume_technical", "volume_fundamental")


def made(n_paths, n_steps, **header):
    """Paths as a market makes them: nothing is traded at time 0."""
    rng = np.random.default_rng(3)
    prices = 100 * np.exp(rng.normal(0, 0.01, (n_paths, n_steps + 1)).cumsum(axis=1))
    outputs = {name: rng.exponential(size=prices.shape) for name in VOLUMES}
    for values in outputs.values():
        values[:, 0] = 0.0
    return Paths(prices, {"demand_noise": rng.normal(size=prices.shape), **outputs}, seed=3, **header)


@pytest.fixture(scope="module")
def paths():
    return made(3, 52, first_path=7)


@pytest.mark.parametrize("bar", [1, 5, 53])
def test_bars_are_what_pandas_makes_of_the_prices(paths, bar):
    frame = paths.to_ohlcv(1, bar)
    n = 53 // bar
    group = np.arange(53) // bar
    expected = pd.Series(paths.prices[1]).groupby(group).ohlc().iloc[:n]
    assert list(frame.columns) == ["Open", "High", "Low", "Close", "Volume"]
    np.testing.assert_array_equal(frame[["Open", "High", "Low", "Close"]], expected)
    volume = pd.Series(sum(paths.outputs[name][1] for name in VOLUMES)).groupby(group).sum().iloc[:n]
    np.testing.assert_allclose(frame["Volume"], volume, rtol=1e-13)
    assert (frame["High"] >= frame[["Open", "Close"]].max(axis=1)).all()
    assert (frame["Low"] <= frame[["Open", "Close"]].min(axis=1)).all()
    assert (frame["Volume"].iloc[1:] > 0).all()


def test_dates_are_business_days_unless_asked_otherwise(paths):
    frame = paths.to_ohlcv()
    assert frame.index.name == "Date"
    assert frame.index[0] == pd.Timestamp("2000-01-03")
    assert frame.index.equals(pd.bdate_range("2000-01-03", periods=53))
    minutes = paths.to_ohlcv(bar=10, start="2024-02-29 09:30", freq="10min").index
    assert list(minutes[[0, -1]]) == [pd.Timestamp("2024-02-29 09:30"), pd.Timestamp("2024-02-29 10:10")]
    assert paths.to_wide(start="2000-01-01").index[0] == pd.Timestamp("2000-01-03")  # a Saturday has no trade


def test_all_paths_come_with_their_numbers(paths):
    frames = dict(paths.iter_ohlcv(4))
    assert list(frames) == [7, 8, 9]
    pd.testing.assert_frame_equal(frames[9], paths.to_ohlcv(2, 4))


def test_wide_and_returns_agree_with_the_prices(paths):
    wide = paths.to_wide()
    assert list(wide.columns) == [7, 8, 9]
    np.testing.assert_array_equal(wide.to_numpy().T, paths.prices)
    returns = paths.to_returns(1)
    assert returns.name == "path 8"
    pd.testing.assert_series_equal(returns, wide[8].pct_change().iloc[1:], check_names=False)
    np.testing.assert_allclose(np.log1p(returns), paths.log_returns[1], rtol=1e-9, atol=1e-15)
    assert paths.to_ohlcv(1)["Close"].equals(wide[8])


def test_what_is_changed_in_a_table_does_not_reach_the_paths():
    paths = Paths(np.full((2, 3), 10.0))
    for table in (paths.to_wide(), paths.to_ohlcv()):
        table.iloc[:, :] = -1.0
    assert (paths.prices == 10).all()


def test_single_precision_becomes_double_and_its_bars_stay_consistent():
    paths = Paths(np.exp(np.random.default_rng(0).normal(size=(1, 40))).astype("float32"))
    frame = paths.to_ohlcv(bar=3)
    assert (frame["High"] >= frame[["Open", "Close"]].max(axis=1)).all()
    assert set(frame.dtypes) == {np.dtype(float)}
    assert paths.to_wide()[0].dtype == float
    assert (paths.to_ohlcv()["Close"].to_numpy().astype("float32") == paths.prices[0]).all()


@pytest.mark.parametrize(
    ("outputs", "volume"),
    [
        ({}, [0, 0]),
        ({"volume_noise": [0, 1, 2, 3]}, [1, 5]),
        ({"volume_noise": [0, 1, 2, 3], "volume_technical": [0, 10, 10, 10], "demand_noise": [9, 9, 9, 9]}, [11, 25]),
        ({"volume": [0, 5, 5, 5], "volume_noise": [0, 1, 1, 1]}, [5, 10]),  # the total, not twice its parts
    ],
)
def test_volume_is_what_was_saved_of_it_and_zero_where_nothing_was(outputs, volume):
    arrays = {name: np.array([values], dtype=float) for name, values in outputs.items()}
    frame = Paths(np.ones((1, 4)), arrays).to_ohlcv(bar=2)
    assert list(frame["Volume"]) == volume


def test_volume_saved_now_and_then_makes_no_bars_but_prices_do():
    prices = np.arange(1.0, 7.0)[None]
    with pytest.raises(DataError, match=r"saved every 5 steps, .* simulate with every=1 and make bars of 10 steps"):
        Paths(prices, {"volume": prices}, every=5).to_ohlcv(bar=2)
    assert list(Paths(prices, every=5).to_ohlcv(bar=2)["Close"]) == [2, 4, 6]


def test_failed_paths_are_refused_alone_and_left_out_with_a_warning_together():
    paths = Paths(np.array([[1.0, 2.0, 3.0], [1.0, 0.0, 0.0], [1.0, 2.0, np.nan], [4.0, 5.0, 6.0]]), first_path=5)
    with pytest.raises(DataError, match="Path 6 has the price 0 at step 1, but"):
        paths.to_ohlcv(1)
    with pytest.raises(DataError, match="Path 7 has the price nan at step 2, but"):
        paths.to_returns(2)
    for make in (lambda: paths.to_wide().columns, lambda: dict(paths.iter_ohlcv())):
        with pytest.warns(NumericalWarning, match="2 of 4 paths have prices .* the first is path 6") as caught:
            assert list(make()) == [5, 8]
        assert caught[0].filename == __file__
    with pytest.raises(DataError, match="Every path has prices"):
        Paths(-np.ones((2, 2))).to_wide()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"path": 3}, "path is 3, but must be a whole number from 0 to 2"),
        ({"path": -1}, "path is -1, but"),
        ({"bar": 54}, "bar is 54, but must be a whole number from 1 to 53"),
        ({"bar": 0}, "bar is 0, but"),
        ({"start": "soon"}, "start is 'soon', but must be a date"),
        ({"start": "NaT"}, "start is 'NaT', but"),
        ({"start": 20000103}, "start is 20000103, but"),
        ({"freq": "often"}, "freq is 'often', but must be a frequency of pandas"),
        ({"freq": "-1D"}, "freq is '-1D', but"),
        ({"freq": "0D"}, "freq is '0D', but"),
        ({"freq": None}, "freq is None, but"),
        ({"start": "9999-12-01"}, "53 dates from 9999-12-01 at freq 'B' go beyond"),
        ({"freq": "9999999YE"}, "go beyond what pandas' timestamps hold"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_in_a_sentence(paths, arguments, sentence):
    with pytest.raises(ParameterError) as error:
        paths.to_ohlcv(**arguments)
    assert sentence in str(error.value)
    if not {"path"} & set(arguments):
        with pytest.raises(ParameterError) as error:
            paths.iter_ohlcv(**arguments)  # not when it is first used
        assert sentence in str(error.value)


@pytest.mark.parametrize("name", ["x.csv", "x.parquet"])
@pytest.mark.parametrize("layout", ["ohlcv", "wide", "returns"])
def test_files_hold_the_tables(paths, tmp_path, name, layout):
    file = write(paths, layout, tmp_path / name, 5 if layout == "ohlcv" else 1)
    table = pd.read_csv(file, parse_dates=["Date"]) if name == "x.csv" else pd.read_parquet(file)
    table = table.set_index("Date")
    if layout == "ohlcv":
        assert list(table["Path"].unique()) == [7, 8, 9]
        expected = paths.to_ohlcv(1, 5)
        table = table[table["Path"] == 8].drop(columns="Path")
    else:
        expected = paths.to_wide().rename(columns=str)
        expected = expected if layout == "wide" else expected.pct_change().iloc[1:]
    pd.testing.assert_frame_equal(table, expected, check_freq=False, check_names=False, check_index_type=False,
                                  check_exact=True)  # fmt: skip


def test_bars_of_one_path_are_a_file_that_reads_like_any_price_history(tmp_path):
    paths = made(1, 300)
    series = simcal.load_series(write(paths, "ohlcv", tmp_path / "x.csv"))
    np.testing.assert_array_equal(series.prices, paths.prices[0])
    np.testing.assert_array_equal(series.volume, paths.to_ohlcv()["Volume"])


def test_nothing_is_written_where_all_paths_failed(tmp_path):
    with pytest.raises(DataError):
        write(Paths(np.zeros((2, 2))), "wide", tmp_path / "x.csv")
    assert not list(tmp_path.iterdir())
