"""What a request table must not be, and that the refusal says in which row and what to do."""

import numpy as np
import pandas as pd
import pytest

from simcal.errors import DataError, NumericalWarning, ParameterError
from simcal.rfq.table import Requests, Status, load_requests

N = 60
LINE = 42  # of the file, so row 40 below the header when counted from 0


def frame() -> pd.DataFrame:
    """Sixty requests without fault; row 40 is a client that buys and was done."""
    rng = np.random.default_rng(5)
    side = np.where(np.arange(N) % 2 == 0, 1, -1)
    mid = 100 + 0.1 * np.arange(N)
    done = np.arange(N) % 4 == 0
    quote = np.round(mid + side * 0.05 * rng.uniform(0.2, 1.0, N), 6)
    return pd.DataFrame(
        {
            "rfq_id": [f"R{i}" for i in range(N)],
            "timestamp": pd.date_range("2024-03-01 09:00", periods=N, freq="min").strftime("%Y-%m-%d %H:%M:%S"),
            "side": np.where(side > 0, "B", "S"),
            "notional": 1.0 + np.arange(N),
            "n_dealers": 3,
            "bid": np.round(mid - 0.05, 6),
            "ask": np.round(mid + 0.05, 6),
            "quote": quote,
            "status": np.where(done, "DONE", np.where(np.arange(N) % 4 == 1, "TRADED_AWAY", "NOT_TRADED")),
            "cover_price": np.where(done, np.round(quote + side * 0.01, 6), np.nan),
            "traded_price": np.where(done, quote, np.nan),
            "inventory_before": np.arange(N) - 20.0,
            "mid_5m": mid,
        }
    ).astype(object)


def csv(tmp_path, table: pd.DataFrame):
    path = tmp_path / "desk.csv"
    table.to_csv(path, index=False)
    return path


def refused(source, message, **options) -> str:
    with pytest.raises(DataError) as caught:
        load_requests(source, **options)
    text = str(caught.value)
    assert message in text
    assert text.endswith((".", "?", "..."))
    return text


# Cells written into line 42 -> what the message says beside the row.
WRONG = {
    "ask below bid": ({"ask": 103.9}, "the ask 103.9 below the bid 103.95"),
    "ask equal to bid": ({"ask": 103.95}, "equal to the bid"),
    "no bid": ({"bid": ""}, "no value in 'bid'"),
    "infinite ask": ({"ask": "inf"}, "no finite ask"),
    "bid not a number": ({"bid": "99,5"}, "'99,5' in 'bid', which is not a number"),
    "unknown side": ({"side": "X"}, "'X' in 'side', which is no known side"),
    "two-way side": ({"side": "two-way"}, "no known side"),
    "side zero": ({"side": 0}, "no known side"),
    "no side": ({"side": ""}, "no side in 'side'"),
    "unknown status": ({"status": "MAYBE"}, "'MAYBE' in 'status', which is no known status"),
    "status beyond the codes": ({"status": 11}, "no known status"),
    "half a status": ({"status": 4.5}, "no known status"),
    "counter-offer": ({"status": 2}, "a counter-offer is not the end"),
    "no status": ({"status": ""}, "no status in 'status'"),
    "no quote": ({"quote": "", "traded_price": "", "cover_price": ""}, "no quote but the status DONE"),
    "infinite quote": ({"quote": "-inf"}, "an infinite quote"),
    "quote in yield": ({"quote": 3.21, "traded_price": "", "cover_price": ""}, "half spreads from the mid"),
    "quote with the comma lost": ({"quote": 10401, "traded_price": "", "cover_price": ""}, "half spreads from the mid"),
    "cover not traded": ({"status": "TRADED_AWAY", "traded_price": ""}, "a cover price but the status TRADED_AWAY"),
    "cover passed": ({"status": "PASS", "quote": "", "traded_price": ""}, "a cover price but the status PASS"),
    "cover with nobody else": ({"n_dealers": 1}, "a cover price but n_dealers 1"),
    "cover better for a buyer": ({"cover_price": 103.96}, "the client buys, so the cover cannot be lower"),
    "cover in yield": ({"cover_price": 3.1}, "half spreads from the mid"),
    "no dealers": ({"n_dealers": 0}, "0 dealers. At least one"),
    "negative dealers": ({"n_dealers": -2}, "-2 dealers"),
    "half a dealer": ({"n_dealers": 2.5}, "2.5 in 'n_dealers'"),
    "missing dealers": ({"n_dealers": ""}, "no value in 'n_dealers'"),
    "away from nobody": (
        {"n_dealers": 1, "status": "TRADED_AWAY", "cover_price": "", "traded_price": ""},
        "TRADED_AWAY with n_dealers 1",
    ),
    "tied cover of two": (
        {"n_dealers": 2, "status": "TIED_COVER", "cover_price": "", "traded_price": ""},
        "needs at least 3 dealers",
    ),
    "no notional": ({"notional": ""}, "no value in 'notional'"),
    "notional zero": ({"notional": 0}, "the notional 0. It must be"),
    "notional negative": ({"notional": -5}, "the notional -5"),
    "earlier time": ({"timestamp": "2024-03-01 08:00:00"}, "which is earlier than"),
    "no time": ({"timestamp": ""}, "no date in 'timestamp'"),
    "time not one": ({"timestamp": "soon"}, "not a date like the others"),
    "repeated name": ({"rfq_id": "R7"}, "repeats the rfq_id 'R7' of an earlier row (Row 9 of desk.csv)"),
    "no name": ({"rfq_id": ""}, "no rfq_id"),
    "done at another price": ({"traded_price": 104.02}, "was done at the price 104.02"),
    "traded and not traded": ({"status": "NOT_TRADED", "cover_price": ""}, "a traded price but the status NOT_TRADED"),
    "no inventory": ({"inventory_before": ""}, "no value in 'inventory_before'"),
    "infinite later mid": ({"mid_5m": "inf"}, "an infinite mid_5m"),
    "later mid of zero": ({"mid_5m": 0}, "the mid_5m 0 where bid and ask are"),
    "later mid in yield": ({"mid_5m": 3.2}, "the mid_5m 3.2 where bid and ask are"),
    "words as cover": ({"cover_price": "second"}, "'second' in 'cover_price', which is not a number"),
}


@pytest.mark.parametrize(("cells", "message"), WRONG.values(), ids=list(WRONG))
def test_one_wrong_row_is_refused_with_its_line(tmp_path, cells, message):
    table = frame()
    for name, cell in cells.items():
        table.loc[LINE - 2, name] = cell
    assert refused(csv(tmp_path, table), message).startswith(f"Row {LINE} of desk.csv ")


def test_the_same_table_without_the_wrong_row_is_accepted(tmp_path):
    assert load_requests(csv(tmp_path, frame())).n == N


def test_a_cover_better_for_a_client_that_sells_is_the_higher_one(tmp_path):
    table = frame()
    table.loc[39, ["status", "traded_price", "cover_price"]] = ["DONE", np.nan, 103.9]
    refused(csv(tmp_path, table), "the client sells, so the cover cannot be higher")


def test_a_tied_cover_price_equal_to_the_quote_is_accepted():
    table = frame()
    table.loc[40, "cover_price"] = table.loc[40, "quote"]
    assert load_requests(table).cover_price[40] == table.loc[40, "quote"]


def test_parquet_rows_and_positions_of_frames_are_counted_as_for_series(tmp_path):
    table = frame().infer_objects()
    table.loc[40, "ask"] = 90.0
    path = tmp_path / "desk.parquet"
    table.to_parquet(path)
    assert refused(path, "below the bid").startswith("Row 41 of desk.parquet")
    assert refused(table, "below the bid").startswith("Position 40 (counted from 0) of the frame")


@pytest.mark.parametrize("name", ["side", "n_dealers", "bid", "ask", "quote", "status"])
def test_a_missing_column_is_named_with_the_columns_that_could_be_it(tmp_path, name):
    table = frame().rename(columns={name: "Zzz 9"})
    text = refused(csv(tmp_path, table), f"no column for '{name}'")
    assert "'Zzz 9'" in text
    assert f"{name}=Zzz 9" in text


def test_a_map_to_a_column_that_is_not_there_is_refused(tmp_path):
    path = csv(tmp_path, frame().rename(columns={"quote": "Our Level"}))
    assert "Did you mean 'Our Level'?" in refused(path, "no column 'Our Levl'", mapping={"quote": "Our Levl"})


def test_a_map_of_an_unknown_name_of_ours_is_refused(tmp_path):
    path = csv(tmp_path, frame())
    with pytest.raises(ParameterError, match=r"'qoute' is no column of a request table\. Did you mean 'quote'\?"):
        load_requests(path, {"qoute": "quote"})


def test_a_map_the_wrong_way_round_is_refused_with_the_right_way(tmp_path):
    path = csv(tmp_path, frame().rename(columns={"quote": "level", "status": "won"}))
    with pytest.raises(ParameterError, match="A map is written ours=theirs: quote=level"):
        load_requests(path, {"level": "quote"})
    with pytest.raises(ParameterError, match="A map is written ours=theirs: status=won"):
        load_requests(path, {"won": "status"})


def test_two_columns_that_differ_in_capitals_only_are_refused(tmp_path):
    refused(csv(tmp_path, frame().assign(Quote=1.0)), "differ only in capitals")


def test_an_empty_table_is_refused(tmp_path):
    refused(csv(tmp_path, frame().iloc[:0]), "a header but no rows")
    path = tmp_path / "nothing.csv"
    path.write_text("")
    refused(path, "is empty")


def test_what_is_no_file_is_refused(tmp_path):
    refused(tmp_path / "none.csv", "neither a file that exists nor a name of the catalogue")
    refused(tmp_path, "is a folder")
    refused(3.5, "cannot be loaded from a float")


def test_a_later_mid_may_have_fallen_by_more_than_half():
    table = frame()
    table.loc[40, "mid_5m"] = 25.0
    assert load_requests(table).mids["5m"][40] == 25.0


def test_a_named_price_series_is_refused_as_one():
    refused("sp500", "'sp500' is a price series, not a table of requests")


def test_sides_that_seem_exchanged_are_warned_of():
    table = frame()
    table["side"] = np.where(table["side"] == "B", "S", "B")
    table["cover_price"] = np.nan
    with pytest.warns(NumericalWarning, match="map it as dealer_side"):
        load_requests(table)


GOOD = {
    "side": [1, -1, 1],
    "bid": [99.0] * 3,
    "ask": [101.0] * 3,
    "quote": [100.5, 99.5, 100.2],
    "status": [Status.DONE, Status.TRADED_AWAY, Status.LOST],
    "n_dealers": [3, 3, 3],
}
WRONG_ARRAYS = {
    "side code": ({"side": [1, 0, -1]}, "the side 0"),
    "side size": ({"side": [[1, -1, 1]]}, "sides of shape"),
    "no rows": ({"side": []}, "sides of shape"),
    "lengths": ({"bid": [99.0] * 4}, "'bid' of 'desk' has shape (4,)"),
    "status code": ({"status": [0, 2, 9]}, "the status 9"),
    "part of a status": ({"status": [0, 2, 0.5]}, "give whole numbers"),
    "lost and traded": ({"traded_price": [np.nan, np.nan, 100.1]}, "a traded price but the status LOST"),
    "horizon": ({"mids": {"1 M": [1, 2, 3]}}, "'1 M' cannot be the name of a horizon"),
    "group": ({"groups": {"My Desk": list("abc")}}, "'My Desk' cannot be the name of a group"),
    "group length": ({"groups": {"desk": list("ab")}}, "2 labels for 3 requests"),
    "quotes shape": ({"quotes": [1.0, 2.0, 3.0]}, "give (3, most dealers)"),
    "own among quotes": ({"quotes": [[100.5, 101], [99.4, 99], [100.2, 101]]}, "Column 0 of the quotes"),
    "too many quotes": ({"quotes": np.tile([[100.5], [99.5], [100.2]], (1, 5))}, "quotes of 4 other dealers"),
    "far quote of a rival": ({"quotes": [[100.5, 3000], [99.5, 99], [100.2, 101]]}, "the quote_1 3000"),
    "times": ({"timestamp": pd.to_datetime(["2024-01-02", "2024-01-01", "2024-01-03"])}, "earlier than"),
    "missing time": ({"timestamp": pd.to_datetime(["2024-01-02", None, "2024-01-03"])}, "no timestamp"),
    "number of times": ({"timestamp": pd.to_datetime(["2024-01-02"])}, "1 timestamps for 3 requests"),
    "words as times": ({"timestamp": ["soon", "later", "last"]}, "The timestamps of 'desk' are not understood"),
    "words as sides": ({"side": ["B", "S", "B"]}, "'side' of 'desk' does not hold numbers"),
    "words as quotes": ({"quote": ["a", "b", "c"]}, "'quote' of 'desk' does not hold numbers"),
    "no quotes at all": ({"quote": None}, "'quote' of 'desk' has shape ()"),
    "words as all quotes": ({"quotes": [["a"], ["b"], ["c"]]}, "'quotes' of 'desk' does not hold numbers"),
    "one name for all": ({"rfq_id": 5}, "'rfq_id' of 'desk' is 5; give one label per request"),
    "mids without names": ({"mids": [[100, 100, 100]]}, "'mids' of 'desk' is [[100, 100, 100]]; give a mapping"),
    "groups without names": ({"groups": None}, "'groups' of 'desk' is None; give a mapping"),
}


@pytest.mark.parametrize(("columns", "message"), WRONG_ARRAYS.values(), ids=list(WRONG_ARRAYS))
def test_arrays_that_cannot_be_are_refused(columns, message):
    Requests("desk", **GOOD)
    with pytest.raises(DataError) as caught:
        Requests("desk", **{**GOOD, **columns})
    assert message in str(caught.value)


def test_the_arrays_are_copies_that_cannot_be_written_to():
    bid = np.array(GOOD["bid"])
    requests = Requests("desk", **{**GOOD, "bid": bid})
    bid[0] = 0.0
    assert requests.bid[0] == 99.0
    with pytest.raises(ValueError, match="read-only"):
        requests.quote[0] = 1.0
