"""`simcal simulate --as`: tables for other tools."""

import json

import pandas as pd
import pytest

import simcal

VOLUMES = ["volume_noise", "volume_technical", "volume_fundamental"]


def test_bars_have_the_volume_without_being_asked(command, tmp_path):
    file = tmp_path / "bars.csv"
    done = command("simulate", "stock", "--paths", 1, "--steps", 60, "--seed", 4, "--burn-in", 9, "--as", "ohlcv",
                   "--bar", 5, "--out", file, "--json")  # fmt: skip
    assert done.code == 0
    printed = json.loads(done.out)
    assert (printed["file"], printed["as"], printed["bar"], printed["seed"]) == (str(file), "ohlcv", 5, 4)
    assert printed["outputs"] == VOLUMES
    bars = simcal.simulate(simcal.load("stock"), 1, 60, seed=4, burn_in=9, save=VOLUMES).to_ohlcv(bar=5)
    table = pd.read_csv(file, index_col="Date", parse_dates=True)
    pd.testing.assert_frame_equal(table, bars, check_freq=False, check_index_type=False, check_exact=True)


@pytest.mark.parametrize("name", ["x.parquet", "x.csv"])
def test_wide_tables_and_returns_have_a_column_per_path(command, tmp_path, name):
    for layout, rows in (("wide", 31), ("returns", 30)):
        done = command("simulate", "stock", "--paths", 3, "--steps", 30, "--as", layout, "--out", tmp_path / name)
        assert done.code == 0
        assert f"Written to {tmp_path / name}." in done.err
        assert "simcal facts" not in done.err  # which reads one series
        table = pd.read_csv(tmp_path / name) if name == "x.csv" else pd.read_parquet(tmp_path / name)
        assert list(table.columns) == ["Date", "0", "1", "2"]
        assert len(table) == rows


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--as", "wide"], "--as wide writes a table; give its file, CSV or Parquet, as --out too."),
        (["--as", "ohlc", "--out", "a.csv"], "did you mean 'ohlcv'?"),
        (["--as", "wide", "--out", "a.xlsx"], "has the ending '.xlsx', but wide is written to '.csv' or '.parquet'."),
        (["--as", "wide", "--bar", 5, "--out", "a.csv"], "--bar is for --as ohlcv"),
        (["--bar", 5], "--bar is for --as ohlcv"),
        (["--as", "wide", "--every", 5, "--out", "a.csv"], "leave out --requests, --save and --every."),
        (["--as", "ohlcv", "--save", "volume_noise", "--out", "a.csv"], "leave out --requests, --save and --every."),
        (["--as", "ohlcv", "--bar", 99, "--steps", 20, "--out", "a.csv"], "bar is 99, but must be"),
    ],
)
def test_what_does_not_fit_ends_with_one_sentence(command, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    done = command("simulate", "stock", "--paths", 2, *arguments)
    assert done.code == 2
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
