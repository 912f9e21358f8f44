"""`simcal facts` of a dealer's request table."""

import json

import numpy as np
import pandas as pd
import pytest

from simcal.rfq.facts import measure
from simcal.rfq.table import load_requests


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    n = 300
    side, mid = rng.choice([-1, 1], n), 100 + 0.01 * rng.normal(size=n).cumsum()
    done = rng.random(n) < 0.3
    quote = mid + side * 0.05 * rng.uniform(0, 1, n)
    return pd.DataFrame(
        {
            "timestamp": pd.date_range("2024-01-02", periods=n, freq="min"),
            "side": np.where(side > 0, "B", "S"),
            "notional": rng.lognormal(size=n),
            "n_dealers": rng.integers(2, 6, n),
            "bid": mid - 0.05,
            "ask": mid + 0.05,
            "quote": quote,
            "status": np.where(done, "DONE", "TRADED_AWAY"),
            "cover_price": np.where(done, quote + side * 0.01, np.nan),
            "mid_5m": mid + rng.normal(size=n) * 0.01,
        }
    )


@pytest.fixture
def desk(table, tmp_path):
    path = tmp_path / "desk.csv"
    table.to_csv(path, index=False)
    return path


def test_the_facts_are_those_of_the_library(command, desk):
    done = command("facts", desk, "--json")
    assert done.code == 0
    result = json.loads(done.out)
    requests = load_requests(desk)
    expected = measure(requests).table()
    assert result["n"] == 300
    assert result["sha256"] == requests.sha256
    assert [row["quantity"] for row in result["facts"]] == list(expected["quantity"])
    assert [row["value"] for row in result["facts"]] == pytest.approx(list(expected["value"]), rel=1e-12)
    assert {row["by"] for row in result["hit_ratios_by_group"]} == {"side", "size", "n_dealers"}
    assert len(result["hit_curve"]) == 12


def test_the_screen_says_what_a_hit_ratio_is(command, desk):
    done = command("facts", desk)
    assert "response ratio" in done.out
    assert "Hit ratio by group" in done.out
    assert "done / quoted requests" in done.err


def test_other_names_are_mapped_ours_first(command, table, tmp_path):
    path = tmp_path / "theirs.csv"
    table.rename(columns={"quote": "Level", "status": "Zustand", "n_dealers": "k"}).to_csv(path, index=False)
    done = command("facts", path, "--map", "quote=Level,status=Zustand", "--map", "n_dealers=k", "--json")
    assert done.code == 0
    assert json.loads(done.out)["sha256"] == load_requests(table).sha256
    wrong = command("facts", path, "--map", "Level=quote,status=Zustand,n_dealers=k")
    assert wrong.code == 2
    assert "A map is written ours=theirs: quote=Level" in wrong.err


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_both_kinds_of_files_are_recognised(command, table, tmp_path, ending):
    path = load_requests(table).save(tmp_path / f"desk.{ending}")
    assert json.loads(command("facts", path, "--json").out)["n"] == 300


def test_the_report_is_one_file_with_the_figures(command, desk, tmp_path):
    done = command("facts", desk, "--report", tmp_path / "out" / "desk.html", "--level", 0.995)
    assert done.code == 0
    page = (tmp_path / "out" / "desk.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/') == 7
    assert 'src="http' not in page
    for words in ("Mark-outs", "margin left", "intervals at 99.5 %", "P&amp;L, total (price × notional)"):
        assert words in page


def test_a_report_of_a_bare_table_leaves_out_what_it_cannot_show(command, table, tmp_path):
    path = tmp_path / "bare.csv"
    table.drop(columns=["cover_price", "mid_5m", "timestamp", "notional"]).to_csv(path, index=False)
    assert command("facts", path, "--report", tmp_path / "bare.html").code == 0
    page = (tmp_path / "bare.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/') == 5
    assert "Mark-outs" not in page


def test_a_broken_row_ends_with_one_sentence_and_the_row(command, table, tmp_path):
    path = tmp_path / "broken.csv"
    table.assign(ask=np.where(table.index == 10, 90.0, table["ask"])).to_csv(path, index=False)
    done = command("facts", path)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("simcal: Row 12 of broken.csv has the ask 90 below the bid")


def test_options_of_the_other_kind_are_refused(command, desk, workplace):
    done = command("facts", desk, "--fact", "excess_kurtosis")
    assert done.code == 2
    assert "--fact is for prices" in done.err
    done = command("facts", workplace / "series.csv", "--report", "x.html")
    assert done.code == 2
    assert "--report is for a request table" in done.err
