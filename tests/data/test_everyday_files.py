"""Files as banks, exchanges and web pages write them, read without options."""

import gzip

import numpy as np
import pandas as pd
import pytest

from simcal.data import MINIMUM_PRICES, PriceSeries, load_series
from simcal.errors import DataError

N = MINIMUM_PRICES + 13
DAYS = pd.bdate_range("2023-03-01", periods=N)
HOURS = pd.date_range("2023-03-01", periods=N, freq="h")
PRICES = np.round(1000.0 * np.exp(0.02 * np.random.default_rng(3).standard_normal(N).cumsum()), 2)
VOLUME = 1000.0 * np.arange(1, N + 1)


def load(tmp_path, header, rows, name="a.csv") -> PriceSeries:
    path = tmp_path / name
    text = "\n".join([*header, *rows]) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return load_series(path)


def check(series: PriceSeries, dates: pd.DatetimeIndex = DAYS, volume: bool = True) -> None:
    np.testing.assert_array_equal(series.prices, PRICES)
    np.testing.assert_array_equal(series.dates, dates)
    if volume:
        assert series.volume is not None
        np.testing.assert_allclose(series.volume, VOLUME, rtol=1e-12)


def rows(form: str, dates: pd.DatetimeIndex = DAYS) -> list[str]:
    return [form.format(d=d, p=p, v=int(v)) for d, p, v in zip(dates, PRICES, VOLUME, strict=True)]


def test_yfinance_as_csv_and_parquet(tmp_path):
    frame = pd.DataFrame({("Close", "SPY"): PRICES, ("Open", "SPY"): PRICES + 1, ("Volume", "SPY"): VOLUME}, index=DAYS)
    frame.columns.names, frame.index.name = ["Price", "Ticker"], "Date"
    frame.to_csv(tmp_path / "a.csv")
    frame.to_parquet(tmp_path / "a.parquet")
    assert (tmp_path / "a.csv").read_text().count("Ticker") == 1
    for source in (tmp_path / "a.csv", tmp_path / "a.parquet", frame):
        check(load_series(source))


def test_a_row_below_two_header_lines_keeps_its_line(tmp_path):
    lines = rows("{d:%Y-%m-%d},{p},{v}")
    lines[5] = lines[5].split(",")[0] + ",x,1"
    with pytest.raises(DataError, match=r"Row 9 of a\.csv has 'x' in 'Close'"):
        load(tmp_path, ["Price,Close,Volume", "Ticker,SPY,SPY", "Date,,"], lines)


def test_several_tickers_of_yfinance_need_a_choice(tmp_path):
    frame = pd.DataFrame({("Close", "A"): PRICES, ("Close", "B"): 2 * PRICES}, index=DAYS)
    frame.rename_axis(index="Date", columns=["Price", "Ticker"]).to_csv(tmp_path / "a.csv")
    with pytest.raises(DataError, match="'Date', 'A', 'B'"):
        load_series(tmp_path / "a.csv")
    for source in (tmp_path / "a.csv", frame):
        check(load_series(source, column="A"), volume=False)


def test_nasdaq(tmp_path):
    lines = rows("{d:%m/%d/%Y},${p:.2f},{v},$1.00,$2.00,$0.50")
    check(load(tmp_path, ["Date,Close/Last,Volume,Open,High,Low"], lines[::-1]))


def test_investing(tmp_path):
    form = '"{d:%m/%d/%Y}","{p:,.2f}","1,000.00","{k:.2f}K","-1.77%"'
    lines = [form.format(d=d, p=p, k=v / 1000) for d, p, v in zip(DAYS, PRICES, VOLUME, strict=True)]
    check(load(tmp_path, ['"Date","Price","Open","Vol.","Change %"'], lines[::-1]))


def test_metatrader(tmp_path):
    lines = rows("{d:%Y.%m.%d}\t{d:%H:%M:%S}\t1.5\t1.6\t1.4\t{p}\t{v}\t0\t2", HOURS)
    header = "<DATE> <TIME> <OPEN> <HIGH> <LOW> <CLOSE> <TICKVOL> <OTHER> <SPREAD>".replace(" ", "\t")
    check(load(tmp_path, [header], lines), HOURS)


@pytest.mark.parametrize(("scale", "unit"), [("s", 1), ("ms", 1000), ("us", 1_000_000)])
def test_times_since_1970(tmp_path, scale, unit):
    seconds = HOURS.as_unit("s").asi8
    lines = [f"{s * unit},{p}" for s, p in zip(seconds, PRICES, strict=True)]
    check(load(tmp_path, ["timestamp,close"], lines), HOURS, volume=False)
    check(load_series(pd.DataFrame({"time": seconds * unit, "close": PRICES})), HOURS, volume=False)


def test_kraken_and_binance_write_no_header(tmp_path):
    seconds = HOURS.as_unit("s").asi8
    kraken = [f"{s},1,2,.5,{p},{v},9" for s, p, v in zip(seconds, PRICES, VOLUME, strict=True)]
    binance = [f"{s}000,1,2,.5,{p},{v},{s}999,7,7,7,7,0" for s, p, v in zip(seconds, PRICES, VOLUME, strict=True)]
    check(load(tmp_path, [], kraken), HOURS)
    check(load(tmp_path, [], binance), HOURS)
    with pytest.raises(DataError, match=r"Row 2 of a\.csv has the price 0"):
        load(tmp_path, [], [kraken[0], f"{seconds[1]},1,2,3,0,1,1", *kraken[2:]])


@pytest.mark.parametrize("form", ["{p:.2f}", "{p:,.2f}"])
def test_decimal_commas(tmp_path, form):
    german = [form.format(p=p).translate(str.maketrans(".,", ",.")) for p in PRICES]
    lines = [f"{d:%d.%m.%Y};{p}" for d, p in zip(DAYS, german, strict=True)]
    check(load(tmp_path, ["Datum;Schluss"], lines), volume=False)


def test_compressed_files(tmp_path):
    series = load(tmp_path, ["date,close,volume"], rows("{d:%Y-%m-%d},{p},{v}"), name="spx.csv.gz")
    check(series)
    assert series.name == "spx"
    (tmp_path / "b.csv.gz").write_bytes(b"date,close\n2020-01-01,1")
    with pytest.raises(DataError, match="could not be read"):
        load_series(tmp_path / "b.csv.gz")
