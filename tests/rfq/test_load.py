"""Request tables from files of other names, words and kinds, and back."""

import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcal.data.table import from_frame
from simcal.errors import DataError, ParameterError
from simcal.rfq.table import AWAY, QUOTED, Requests, Status, load_requests, looks_like_requests, parse_map

COLUMNS = {"side": "B", "n_dealers": 5, "bid": 99.0, "ask": 101.0, "quote": 100.5, "status": "LOST"}


def rows(n=4, **columns) -> pd.DataFrame:
    return pd.DataFrame({**COLUMNS, **columns}, index=range(n))


SIDES = {
    1: ["B", "b", "buy", " BUY ", "Buys", "bought", "client buys", "bid", "Offer wanted", "OWIC", "+1", 1, 1.0, "1"],
    -1: ["S", "sell", "SELLS", "Sold", "offer", "ask", "bid wanted", "BWIC", "-1", -1, -1.0, 2, "2", "client sells"],
}


@pytest.mark.parametrize(("cell", "side"), [(cell, side) for side, cells in SIDES.items() for cell in cells])
def test_words_of_sides_are_the_clients(cell, side):
    quote = 100 + 0.5 * side
    assert load_requests(rows(side=cell, quote=quote)).side.tolist() == [side] * 4


def test_a_side_of_the_dealer_is_turned_round():
    assert load_requests(rows().rename(columns={"side": "Dealer Side"})).side.tolist() == [-1] * 4
    assert load_requests(rows().rename(columns={"side": "way"}), {"dealer_side": "way"}).side.tolist() == [-1] * 4


STATUSES = {
    Status.DONE: ["DONE", "done", "Won", "hit", "Hit/Lift", "lifted", 1, "1", "1.0", "true", "YES", True, Status.DONE],
    Status.COVER: ["COVER", "covered", 4, "4"],
    Status.TRADED_AWAY: ["TRADED_AWAY", "Traded Away", "traded-away", "done away", 5, "5.0"],
    Status.NOT_TRADED: ["NOT_TRADED", "not traded", "DNT", "no trade", "Nothing Done"],
    Status.TIED: ["TIED", 9],
    Status.TIED_COVER: ["TIED_COVER", "tied cover", "Cover (tied)", 10],
    Status.EXPIRED: ["EXPIRED", "Timed out", "timeout", 3, 8],
    Status.PASS: ["PASS", "passed", "no quote", 6],
    Status.LOST: ["LOST", "lost", "false", "no", False, 0, "0", 7, "End trade"],
}


@pytest.mark.parametrize(("cell", "status"), [(cell, status) for status, cells in STATUSES.items() for cell in cells])
def test_words_and_codes_of_statuses(cell, status):
    assert load_requests(rows(status=pd.Series([cell] * 4, dtype=object))).status.tolist() == [status] * 4


def test_every_status_is_in_the_vocabulary():
    assert set(STATUSES) == set(Status)
    assert set(AWAY) < set(QUOTED)
    assert set(Status) - set(QUOTED) == {Status.EXPIRED, Status.PASS}


def test_a_lost_request_with_a_traded_price_was_traded_away():
    prices = [np.nan, 100.2, 100.5, np.nan]
    requests = load_requests(rows(won=[False, False, True, True], traded_price=prices).drop(columns="status"))
    assert requests.status.tolist() == [Status.LOST, Status.TRADED_AWAY, Status.DONE, Status.DONE]


OTHERS = {
    "a simulator's": {
        "side": "side", "n_dealers": "num_dealers", "quote": "price", "status": "won", "timestamp": "DateTime",
        "notional": "vol(MM)", "client_tier": "Client Tier",
    },
    "an aggregator's": {
        "side": "Side", "n_dealers": "RFQPanelSize", "quote": "AllInRate", "status": "OutCome",
        "timestamp": "TradeTime", "notional": "TradeQuantity", "traded_price": "PriceShown", "instrument": "Symbol",
    },
    "a desk's": {
        "side": "CLIENT_SIDE", "n_dealers": "No. Dealers", "bid": "CBBT Bid", "ask": "CBBT Offer", "quote": "Our Quote",
        "status": "QuoteRespType", "cover_price": "Cover", "inventory_before": "Position", "instrument": "ISIN",
        "rfq_id": "Request ID", "mid_5m": "MID 5M", "mid_1d": "Mid+1d",
    },
}  # fmt: skip


@pytest.mark.parametrize("names", OTHERS.values(), ids=list(OTHERS))
def test_names_of_other_makers_are_understood(names, tmp_path):
    ours = frame_of(full_table(seed=1))
    expected = load_requests(ours[[column for column in ours if column in names or column in COLUMNS]])
    theirs = ours[[column for column in ours if column in names or column in COLUMNS]].rename(columns=names)
    path = tmp_path / "theirs.csv"
    theirs.to_csv(path, index=False, sep=";")
    assert load_requests(path).sha256 == expected.sha256


def test_a_map_goes_before_the_names(tmp_path):
    table = rows(quote=[100.1, 100.2, 100.3, 100.4]).assign(price=99.9).rename(columns={"status": "Zustand"})
    assert load_requests(table, {"status": "zustand"}).quote.tolist() == [100.1, 100.2, 100.3, 100.4]
    assert load_requests(table, {"status": "Zustand", "Quote": "PRICE"}).quote.tolist() == [99.9] * 4
    grouped = load_requests(table.assign(Desk="x"), {"status": "Zustand", "group_desk": "Desk"})
    assert grouped.groups["desk"].tolist() == ["x"] * 4


def test_columns_without_a_meaning_are_left_out():
    assert load_requests(rows(response_ms=3, comment="-")).sha256 == load_requests(rows()).sha256


def test_what_is_not_there_is_filled_or_none():
    requests = load_requests(rows())
    assert requests.size.tolist() == [1.0] * 4
    assert np.isnan(requests.cover_price).all()
    assert np.isnan(requests.traded_price).all()
    assert requests.timestamp is None
    assert requests.inventory_before is None
    assert requests.quotes is None
    assert dict(requests.mids) == {}


@pytest.mark.parametrize("empty", ["", "NaN", "NA", "n/a", "null", None])
def test_empty_cells_of_optional_columns_are_missing(empty):
    requests = load_requests(rows(cover_price=empty, mid_1m=empty))
    assert np.isnan(requests.cover_price).all()
    assert np.isnan(requests.mids["1m"]).all()


def test_an_index_of_dates_gives_the_timestamps():
    table = rows().set_index(pd.date_range("2024-01-01", periods=4, tz="UTC"))
    assert load_requests(table).timestamp.equals(pd.date_range("2024-01-01", periods=4).as_unit("us"))


def test_reduced_prices_are_what_the_dealer_earns_in_half_spreads():
    requests = load_requests(rows(side=["B", "S"] * 2, bid=98.0, ask=102.0, quote=[101.0, 99.0, 99.5, 100.5]))
    assert requests.margin.tolist() == [0.5, 0.5, -0.25, -0.25]


def test_decimals_and_nullable_columns_of_databases_are_numbers():
    table = rows(cover_price=np.nan).astype({"n_dealers": "Int64", "cover_price": "Float64", "status": "category"})
    table["bid"] = [Decimal("99.0")] * 4
    assert load_requests(table).sha256 == load_requests(rows()).sha256


def test_a_map_is_a_mapping():
    for wrong in ("quote=price", {"quote": 1}, {1: "price"}):
        with pytest.raises(ParameterError, match="Give a mapping"):
            load_requests(rows(), wrong)  # type: ignore[arg-type]


def test_a_map_gives_a_column_one_meaning():
    with pytest.raises(ParameterError, match="two meanings to the column 'ask'"):
        load_requests(rows(), {"quote": "ask", "cover_price": "ask"})
    with pytest.raises(ParameterError, match="both side and dealer_side"):
        load_requests(rows(mine="S"), {"side": "side", "dealer_side": "mine"})


def test_times_with_a_zone_become_utc_in_a_table_as_in_a_file():
    table = rows().assign(timestamp=pd.date_range("2024-03-01 09:00", periods=4, freq="h", tz="Asia/Tokyo"))
    loaded = load_requests(table)
    columns = {name: getattr(loaded, name) for name in ("side", "bid", "ask", "quote", "status", "n_dealers")}
    made = Requests("desk", **columns, timestamp=pd.DatetimeIndex(table["timestamp"]))
    assert made.timestamp.tz is None
    assert made.timestamp.equals(loaded.timestamp)


def test_a_table_survives_pickling():
    requests = full_table(seed=6)
    assert pickle.loads(pickle.dumps(requests)).sha256 == requests.sha256


def test_maps_are_read_from_text():
    assert parse_map(["quote=price,status=won", "side = Client, Side"]) == {
        "quote": "price", "status": "won", "side": "Client, Side",
    }  # fmt: skip
    for text in ("quote", "quote=", "=price", "quote=price,,=", ""):
        with pytest.raises(ParameterError, match="Write ours=theirs"):
            parse_map([text])
    with pytest.raises(ParameterError, match="two columns for 'quote'"):
        parse_map(["quote=a", "quote=b"])


def test_request_tables_are_told_from_price_series():
    def looks(frame):
        return looks_like_requests(from_frame(frame, "x", str))

    assert looks(rows())
    assert looks(rows().rename(columns={"quote": "Price", "status": "won", "n_dealers": "dealers"}))
    assert all(looks(rows().drop(columns=column)) for column in COLUMNS)
    assert not looks(pd.DataFrame({"time": ["2024-01-01"], "price": [1.0], "side": ["B"], "size": [1.0]}))
    assert not looks(pd.DataFrame({"date": ["2024-01-01"], "close": [1.0]}))
    assert not looks(pd.DataFrame({"Date": ["2024-01-01"], "Price": [1.0], "Bid": [1.0], "Ask": [1.1]}))


def test_a_share_of_the_requests_comes_first_in_a_split():
    requests = full_table(seed=2, n=10)
    first, second = requests.split(0.7)
    assert (first.n, second.n) == (7, 3)
    both = pd.concat([first.to_pandas(), second.to_pandas()], ignore_index=True)
    pd.testing.assert_frame_equal(both, requests.to_pandas())
    with pytest.raises(ParameterError, match="strictly between 0 and 1"):
        requests.split(1.0)
    with pytest.raises(DataError, match="too few"):
        requests.part(0, 1).split(0.5)


def test_the_hash_sees_every_column_but_not_the_name():
    requests = full_table(seed=3)
    frame = frame_of(requests)
    assert load_requests(frame).sha256 == requests.sha256
    for column in frame:
        if column not in (*COLUMNS, "rfq_id"):
            assert load_requests(frame.drop(columns=column)).sha256 != requests.sha256


def test_the_summary_counts():
    summary = full_table(seed=4, n=50).summary()
    assert summary["n"] == 50
    assert sum(summary["statuses"].values()) == 50
    assert summary["horizons"] == ["5m", "1d"]
    assert summary["groups"] == ["instrument", "client_tier", "desk"]


def test_a_file_of_another_ending_is_not_written(tmp_path):
    with pytest.raises(ParameterError, match=r"ends in \.csv or \.parquet"):
        full_table(seed=0).save(tmp_path / "x.xlsx")


def full_table(seed: int, n: int = 30, platform: bool = True, scale: float = 1.0) -> Requests:
    """A table with everything in it."""
    rng = np.random.default_rng(seed)
    side = rng.choice([-1, 1], n)
    mid, half = 100 + rng.normal(size=n), scale * rng.uniform(0.01, 0.1, n)
    status = rng.choice([int(code) for code in Status], n)
    n_dealers = rng.integers(3, 10, n)
    quote = mid + side * half * rng.uniform(0.1, 1, n)
    quote[status == Status.PASS] = np.nan
    done = status == Status.DONE
    told = done & (rng.random(n) < 0.7)
    quotes = np.column_stack(
        [quote, *(np.where(k < n_dealers, mid + rng.normal(size=n) * half, np.nan) for k in range(1, 9))]
    )
    return Requests(
        "desk", side, mid - half, mid + half, quote, status, n_dealers,
        size=rng.lognormal(size=n),
        cover_price=np.where(told, quote + side * half, np.nan),
        traded_price=np.where(done, quote, np.nan),
        timestamp=pd.Timestamp("2024-01-02 09:00") + pd.to_timedelta(np.cumsum(rng.integers(0, 10**9, n)), unit="us"),
        mids={"5m": np.where(rng.random(n) < 0.2, np.nan, mid), "1d": mid + 1},
        inventory_before=rng.normal(size=n),
        quotes=quotes if platform else None,
        groups={
            "desk": rng.choice(["a", "b, c", ""], n),
            "client_tier": rng.choice(["1", "2"], n),
            "instrument": ["XS"] * n,
        },
        rfq_id=[f"{i:03d}" for i in range(n)],
    )  # fmt: skip


def frame_of(requests: Requests) -> pd.DataFrame:
    return requests.to_pandas()


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 40),
    platform=st.booleans(),
    scale=st.floats(1e-6, 5.0),
    ending=st.sampled_from([".csv", ".parquet"]),
)
def test_what_is_saved_loads_back_equal(tmp_path_factory, seed, n, platform, scale, ending):
    requests = full_table(seed, n, platform, scale)
    again = load_requests(requests.save(tmp_path_factory.mktemp("saved") / f"desk{ending}"))
    assert again.sha256 == requests.sha256
    pd.testing.assert_frame_equal(again.to_pandas(), requests.to_pandas())
    assert again.name == requests.name
    assert (again.quotes is None) == (not platform)


@settings(deadline=None, max_examples=40)
@given(
    labels=st.lists(
        st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" ,;\"'"), max_size=8),
        min_size=2,
        max_size=6,
    ),
    ending=st.sampled_from([".csv", ".parquet"]),
)
def test_any_labels_survive_a_file(tmp_path_factory, labels, ending):
    n = len(labels)
    requests = Requests("x", [1] * n, [99.0] * n, [101.0] * n, [100.5] * n, [8] * n, [2] * n, groups={"desk": labels})
    again = load_requests(requests.save(tmp_path_factory.mktemp("saved") / f"x{ending}"))
    assert again.groups["desk"].tolist() == [label.strip() for label in labels]
