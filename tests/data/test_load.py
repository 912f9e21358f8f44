"""Every usual shape of file is read without options."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcal.data import MINIMUM_PRICES, PriceSeries, load_series
from simcal.errors import DataError, NumericalWarning

N = MINIMUM_PRICES + 20
DATES = pd.bdate_range("2019-01-01", periods=N)
PRICES = 100.0 * np.exp(0.01 * np.random.default_rng(0).standard_normal(N).cumsum())


@pytest.fixture
def ohlcv() -> pd.DataFrame:
    columns = {"Open": 0.99, "High": 1.02, "Low": 0.98, "Close": 1.01, "Adj Close": 1.0}
    frame = pd.DataFrame({name: factor * PRICES for name, factor in columns.items()}, index=DATES)
    return frame.assign(Volume=np.arange(N) + 1000).rename_axis("Date")


def write(path, header, rows):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def check(series: PriceSeries, dated: bool = True) -> None:
    np.testing.assert_array_equal(series.prices, PRICES)
    assert isinstance(series.dates, pd.DatetimeIndex) == dated
    if dated:
        np.testing.assert_array_equal(series.dates, DATES)


@pytest.mark.parametrize("header", ["date,close", "Date,Close", "DATE,Adj_Close", "timestamp,price", "day,SPX", ",x"])
def test_two_columns_are_read_whatever_their_case_and_usual_names(tmp_path, header):
    rows = [f"{d.date()},{float(p)!r}" for d, p in zip(DATES, PRICES, strict=True)]
    check(load_series(write(tmp_path / "a.csv", header, rows)))


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d",
        "%m/%d/%Y",
        "%d/%m/%Y",
        "%d.%m.%Y",
        "%Y%m%d",
        "%Y-%m-%d 00:00:00",
        "%d-%b-%Y",
        "%d.%m.%Y 00:00",
        "%Y%m%d-00:00:00.000",
    ],
)
def test_dates_are_read_in_the_usual_forms(tmp_path, form):
    rows = [f"{d.strftime(form)},{float(p)!r}" for d, p in zip(DATES, PRICES, strict=True)]
    check(load_series(write(tmp_path / "a.csv", "date,close", rows)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n\r\n"])
def test_delimiters_byte_order_mark_and_empty_lines_at_the_end_do_not_matter(tmp_path, delimiter, ending):
    rows = [f"{d.date()}{delimiter}{float(p)!r}" for d, p in zip(DATES, PRICES, strict=True)]
    path = tmp_path / "a.csv"
    path.write_bytes(("\ufeff" + "\r\n".join([f"Date{delimiter}Close", *rows]) + ending).encode())
    check(load_series(path))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".CSV"])
def test_ohlcv_prefers_the_adjusted_close_and_keeps_the_volume(tmp_path, ohlcv, suffix):
    path = tmp_path / f"spx{suffix}"
    ohlcv.to_parquet(path) if suffix == ".parquet" else ohlcv.to_csv(path)
    series = load_series(path)
    check(series)
    assert series.name == "spx"
    assert series.volume is not None
    np.testing.assert_array_equal(series.volume, ohlcv["Volume"])


def test_ohlcv_without_adjusted_close_takes_the_close(tmp_path, ohlcv):
    ohlcv.drop(columns="Adj Close").to_csv(tmp_path / "a.csv")
    np.testing.assert_array_equal(load_series(tmp_path / "a.csv").prices, ohlcv["Close"])


def test_the_column_asked_for_wins_over_the_usual_names(tmp_path, ohlcv):
    ohlcv.to_csv(tmp_path / "a.csv")
    np.testing.assert_array_equal(load_series(tmp_path / "a.csv", column="open").prices, ohlcv["Open"])


def test_parquet_may_hold_its_dates_in_a_column(tmp_path, ohlcv):
    ohlcv.reset_index().to_parquet(tmp_path / "a.parquet")
    check(load_series(tmp_path / "a.parquet"))


def test_parquet_may_hold_dates_without_time(tmp_path):
    pd.DataFrame({"date": DATES.date, "close": PRICES}).to_parquet(tmp_path / "a.parquet")
    check(load_series(tmp_path / "a.parquet"))


def test_a_counter_in_a_nameless_first_column_is_not_taken_for_dates(tmp_path):
    frame = pd.DataFrame({"date": DATES.astype(str), "close": PRICES}, index=np.arange(1900, 1900 + N))
    frame.to_csv(tmp_path / "a.csv")
    check(load_series(tmp_path / "a.csv"))
    frame[["close"]].to_csv(tmp_path / "b.csv")
    check(load_series(tmp_path / "b.csv"), dated=False)


@pytest.mark.parametrize("kind", ["list", "array", "series", "frame"])
def test_arrays_and_pandas_objects_are_read(kind):
    dated = pd.Series(PRICES, index=DATES, name="mine")
    source = {"list": PRICES.tolist(), "array": PRICES, "series": dated, "frame": dated.to_frame()}[kind]
    series = load_series(source)
    check(series, dated=kind in ("series", "frame"))
    if kind in ("series", "frame"):
        assert series.name == "mine"


def test_a_loaded_series_is_loaded_as_it_is():
    series = load_series(PRICES)
    assert load_series(series) is series


def test_times_with_an_offset_become_utc(tmp_path):
    zoned = pd.DatetimeIndex(DATES + pd.Timedelta(hours=16)).tz_localize("America/New_York")
    rows = [f"{d.isoformat(' ')},{p}" for d, p in zip(zoned, PRICES, strict=True)]
    series = load_series(write(tmp_path / "a.csv", "Date,Close", rows))
    np.testing.assert_array_equal(series.dates, zoned.tz_convert("UTC").tz_localize(None))


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_days_with_an_offset_stay_the_days_they_are(tmp_path, zone):
    zoned = pd.DatetimeIndex(DATES).tz_localize(zone)
    rows = [f"{d.isoformat(' ')},{float(p)!r}" for d, p in zip(zoned, PRICES, strict=True)]
    check(load_series(write(tmp_path / "a.csv", "Date,Close", rows)))
    check(load_series(pd.Series(PRICES, index=zoned)))


def test_masked_prices_are_missing():
    with pytest.raises(DataError, match=r"Position 3 .* has no value"):
        load_series(np.ma.masked_array(PRICES, mask=np.arange(N) == 3))


def test_unusable_volumes_are_counted_in_a_warning_and_prices_are_kept(tmp_path, ohlcv):
    ohlcv["Volume"] = ohlcv["Volume"].astype(object)
    ohlcv.iloc[[3, 7], -1] = ["", "n/a"]
    ohlcv.to_csv(tmp_path / "a.csv")
    with pytest.warns(NumericalWarning, match=r"Row 5 of a\.csv is the first of 2 rows"):
        series = load_series(tmp_path / "a.csv")
    check(series)
    assert series.volume is not None
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(series.volume)), [3, 7])


@settings(max_examples=25, deadline=None)
@given(
    prices=st.lists(st.floats(min_value=1e-300, max_value=1e300), min_size=MINIMUM_PRICES, max_size=MINIMUM_PRICES + 5),
    start=st.dates(min_value=pd.Timestamp("1800-01-01").date(), max_value=pd.Timestamp("2200-01-01").date()),
    step=st.integers(1, 40),
)
def test_a_written_series_is_read_back_bit_by_bit(tmp_path_factory, prices, start, step):
    dates = pd.date_range(start, periods=len(prices), freq=f"{step}D")
    path = tmp_path_factory.mktemp("round") / "a.csv"
    pd.DataFrame({"date": dates, "close": prices}).to_csv(path, index=False)
    series = load_series(path)
    np.testing.assert_array_equal(series.prices, prices)
    assert series.sha256 == PriceSeries("other name", dates, np.array(prices)).sha256


@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_is_refused_in_a_sentence_and_never_crashes(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "a.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError, match=r"\.$"):
        load_series(path)
