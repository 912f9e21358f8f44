"""What the reader refuses, and that it says in which row."""

import numpy as np
import pandas as pd
import pytest

from simcal.data import MINIMUM_PRICES, load_series
from simcal.errors import DataError, ParameterError
from simcal.facts import fact_table

N = MINIMUM_PRICES + 20
DATES = [str(d.date()) for d in pd.bdate_range("2019-01-01", periods=N)]
PRICES = [f"{100 + 0.1 * i:.2f}" for i in range(N)]

# Cell written into the price (or date) of line 42 of the file -> what the message says beside the row.
WRONG_PRICES = {
    "": "no value in 'close'",
    "  ": "no value in 'close'",
    "0": "the price 0",
    "-3.5": "the price -3.5",
    "inf": "infinite",
    "1e999": "infinite",
    '"1,234"': "'1,234' in 'close', which is not a number",
    "n/a": "'n/a' in 'close', which is not a number",
    "nan": "'nan' in 'close', which is not a number",
    "$12": "not a number",
    "1_000": "not a number",
    "12.3.4": "not a number",
}
WRONG_DATES = {
    "": "no date in 'date'",
    DATES[39]: "repeats the date",
    DATES[38]: "earlier than",
    "2019-13-45": "not a date like the others",
    "soon": "not a date like the others",
    "28/02/2019": "not a date like the others",
    "2019": "not a date like the others",
}


def csv(tmp_path, dates=DATES, prices=PRICES, header="date,close"):
    path = tmp_path / "prices.csv"
    path.write_text("\n".join([header, *(f"{d},{p}" for d, p in zip(dates, prices, strict=True))]) + "\n")
    return path


def at_line_42(values, cell):
    return [*values[:40], cell, *values[41:]]


def refused(source, message, **options):
    with pytest.raises(DataError) as caught:
        load_series(source, **options)
    assert message in str(caught.value)
    assert str(caught.value).endswith((".", "?"))
    return str(caught.value)


@pytest.mark.parametrize(("cell", "message"), WRONG_PRICES.items())
def test_a_wrong_price_is_refused_with_its_line_in_the_file(tmp_path, cell, message):
    text = refused(csv(tmp_path, prices=at_line_42(PRICES, cell)), message)
    assert text.startswith("Row 42 of prices.csv ")


@pytest.mark.parametrize(("cell", "message"), WRONG_DATES.items())
def test_a_wrong_date_is_refused_with_its_line_in_the_file(tmp_path, cell, message):
    text = refused(csv(tmp_path, dates=at_line_42(DATES, cell)), message)
    assert text.startswith("Row 42 of prices.csv ")


@pytest.mark.parametrize("row", [0, N - 1])
def test_the_first_and_the_last_row_are_checked_and_numbered_too(tmp_path, row):
    prices = [*PRICES[:row], "x", *PRICES[row + 1 :]]
    refused(csv(tmp_path, prices=prices), f"Row {row + 2} of prices.csv")


def test_a_row_after_a_quoted_line_break_keeps_its_line_number(tmp_path):
    rows = [f"{d},{p},note" for d, p in zip(DATES, PRICES, strict=True)]
    rows[3] = f'{DATES[3]},{PRICES[3]},"two\nlines"'
    rows[10] = f"{DATES[10]},-1,note"
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(["date,close,note", *rows]))
    refused(path, "Row 13 of prices.csv")


@pytest.mark.parametrize(
    ("line", "message"),
    [("", "is empty"), ("2019-02-26", "has 1 cells but the header names 2"), ("2019-02-26,1,234", "has 3 cells")],
)
def test_a_row_of_another_length_is_refused_with_its_line(tmp_path, line, message):
    path = csv(tmp_path)
    lines = path.read_text().split("\n")
    path.write_text("\n".join([*lines[:41], line, *lines[42:]]))
    refused(path, "Row 42 of prices.csv " + message)


def test_dates_out_of_order_are_refused_and_not_sorted(tmp_path):
    refused(csv(tmp_path, dates=[*DATES[:60][::-1], *DATES[60:]]), "Row 3 of prices.csv has the date")


def test_a_series_that_facts_cannot_take_is_refused_at_the_door():
    with pytest.raises(ParameterError):
        fact_table(np.diff(np.arange(1.0, MINIMUM_PRICES) ** 0.5), bands=False)
    fact_table(np.diff(np.arange(1.0, MINIMUM_PRICES + 1.0) ** 0.5), bands=False)


@pytest.mark.parametrize(
    ("cells", "row"),
    [
        (["998", "1,003"], 3),  # one thousand and three, or one and a bit
        (["998.10", "1,003"], 3),
        (["$998.10", "1003.50"], 2),
        (["1.234,5", "1,234.5"], 2),
    ],
)
def test_numbers_of_two_notations_are_refused(tmp_path, cells, row):
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(["date;close", *(f"{d};{cells[i % 2]}" for i, d in enumerate(DATES))]))
    refused(path, f"Row {row} of prices.csv has '{cells[row - 2]}' in 'close', which is not a number")


def test_day_first_and_month_first_that_cannot_be_told_apart_are_refused(tmp_path):
    dates = [f"01/{1 + i % 12:02d}/{2000 + i // 12}" for i in range(N)]
    refused(csv(tmp_path, dates=dates), "whether the day or the month stands first")


@pytest.mark.parametrize("rows", [0, 1, 5, MINIMUM_PRICES - 1])
def test_too_few_rows_are_refused_with_their_number(tmp_path, rows):
    refused(csv(tmp_path, DATES[:rows], PRICES[:rows]), f"prices.csv has {rows} rows of prices; at least")


def test_the_smallest_number_of_rows_is_accepted(tmp_path):
    assert load_series(csv(tmp_path, DATES[:MINIMUM_PRICES], PRICES[:MINIMUM_PRICES])).n == MINIMUM_PRICES


@pytest.mark.parametrize("text", ["", "\n", "\n\n\n"])
def test_an_empty_file_is_refused(tmp_path, text):
    (tmp_path / "prices.csv").write_text(text)
    refused(tmp_path / "prices.csv", "prices.csv is empty")


def test_a_file_without_header_is_refused(tmp_path):
    refused(csv(tmp_path, header=f"{DATES[0]},{PRICES[0]}"), "looks like data")


def test_two_columns_of_one_name_are_refused(tmp_path):
    refused(csv(tmp_path, header="close,close"), "more than one column named 'close'")


def test_no_price_column_lists_the_columns_and_how_to_choose(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(["date,bid,ask", *(f"{d},{p},{p}" for d, p in zip(DATES, PRICES, strict=True))]))
    text = refused(path, "'date', 'bid', 'ask'")
    assert "column" in text
    assert load_series(path, column="ask").n == N
    assert "Did you mean 'bid'?" in refused(path, "has no column 'bids'", column="bids")


@pytest.mark.parametrize(("name", "near"), [("sp5000", "sp500"), ("nasdaqq", "nasdaq"), ("WTI.csv", None)])
def test_an_unknown_name_lists_the_catalogue_and_what_is_near(name, near):
    text = refused(name, "neither a file that exists nor a name of the catalogue")
    assert near is None or f"Did you mean {near}" in text
    assert "sp500, nasdaq, wti, sp500-long" in text


def test_a_folder_and_an_unknown_kind_of_file_are_refused(tmp_path):
    (tmp_path / "prices.xlsx").write_text("x")
    refused(tmp_path, "is a folder")
    refused(tmp_path / "prices.xlsx", "'.xlsx'")


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_text("date,close")
    (tmp_path / "a.csv").write_bytes("date,close\n2019-01-01,1€".encode("utf-16"))
    refused(tmp_path / "a.parquet", "could not be read as Parquet")
    refused(tmp_path / "a.csv", "not text in UTF-8")
    (tmp_path / "unmarked.csv").write_bytes("date,close\n2019-01-01,1".encode("utf-16-le"))
    refused(tmp_path / "unmarked.csv", "not text in UTF-8")


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "no value in 'close'"), (0.0, "the price 0"), (-1.0, "the price -1"), (np.inf, "infinite")],
)
def test_parquet_rows_are_counted_from_one(tmp_path, value, message):
    frame = pd.DataFrame({"close": [float(p) for p in PRICES]}, index=pd.DatetimeIndex(DATES, name="date"))
    frame.iloc[40, 0] = value
    frame.to_parquet(tmp_path / "prices.parquet")
    assert refused(tmp_path / "prices.parquet", message).startswith("Row 41 of prices.parquet ")


@pytest.mark.parametrize("kind", ["array", "series"])
def test_positions_in_arrays_are_counted_from_zero(kind):
    values = np.array([float(p) for p in PRICES])
    values[40] = np.nan
    source = values if kind == "array" else pd.Series(values)
    assert refused(source, "no value").startswith("Position 40 (counted from 0) of the ")


def test_repeated_dates_of_a_pandas_index_are_refused():
    index = pd.DatetimeIndex(at_line_42(DATES, DATES[39]))
    refused(pd.Series(np.linspace(1, 2, N), index=index), "Position 40 (counted from 0) of the frame repeats the date")


def test_a_matrix_is_refused():
    refused(np.ones((3, N)), f"shape (3, {N})")
