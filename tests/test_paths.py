"""Paths: shapes, tables, and files that come back as they went."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simcal.errors import DataError, ParameterError
from simcal.paths import Paths


@pytest.fixture
def paths():
    prices = 100 * np.exp(np.random.default_rng(0).normal(0, 0.01, (3, 5)).cumsum(axis=1))
    return Paths(
        prices, {"volume_noise": np.arange(15.0).reshape(3, 5)}, {"kind": "stock", "impact": 0.1}, seed=2**63 + 1,
        first_path=7, every=2, burn_in=4, status="1 of 3 paths failed.", n_failed=1,
    )  # fmt: skip


def test_log_returns_are_differences_of_log_prices_along_each_path(paths):
    assert paths.log_returns.shape == (3, 4)
    np.testing.assert_allclose(paths.prices[:, :1] * np.exp(paths.log_returns.cumsum(axis=1)), paths.prices[:, 1:])


def test_wide_table_has_a_row_per_step_and_a_column_per_path(paths):
    wide = paths.to_pandas()
    assert list(wide.index) == [0, 2, 4, 6, 8]
    assert list(wide.columns) == [7, 8, 9]
    np.testing.assert_array_equal(wide[8].to_numpy(), paths.prices[1])


def test_long_table_has_a_row_per_path_and_step_with_the_outputs(paths):
    long = paths.to_pandas("long")
    assert list(long.columns) == ["path", "step", "price", "volume_noise"]
    pd.testing.assert_frame_equal(
        long.pivot(index="step", columns="path", values="price"), paths.to_pandas(), check_names=True
    )
    assert long.query("path == 9 and step == 4")["volume_noise"].item() == 12.0


def test_a_layout_that_is_neither_wide_nor_long_is_refused(paths):
    with pytest.raises(ParameterError, match="layout is 'tall', but must be 'wide' or 'long'"):
        paths.to_pandas("tall")


def test_xarray_dataset_has_the_dimensions_path_and_step(paths):
    data = paths.to_xarray()
    assert dict(data.sizes) == {"path": 3, "step": 5}
    assert data["price"].sel(path=9, step=6).item() == paths.prices[2, 3]
    assert json.loads(data.attrs["market"]) == {"kind": "stock", "impact": 0.1}


def test_summary_describes_the_paths_that_did_not_fail():
    prices = np.array([[100.0, 110.0, 99.0], [100.0, 0.0, 0.0], [100.0, np.inf, np.nan]])
    facts = Paths(prices, status="2 failed.").summary().set_index("quantity")["value"]
    assert facts["paths"] == 3
    assert facts["mean of the last price"] == 99
    assert facts["highest price"] == 110
    assert facts["deviation of log returns"] == pytest.approx(np.std(np.log([1.1, 0.9])))
    assert facts["status"] == "2 failed."


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_saved_file_comes_back_with_the_same_bits_and_header(paths, tmp_path, dtype):
    outputs = {name: values.astype(dtype) for name, values in paths.outputs.items()}
    original = Paths(**{**vars(paths), "prices": paths.prices.astype(dtype), "outputs": outputs})
    file = original.save(tmp_path / "x.parquet")
    loaded = Paths.load(file)
    assert loaded.to_dict() == original.to_dict()
    assert loaded.prices.dtype == dtype
    np.testing.assert_array_equal(loaded.prices, original.prices)
    np.testing.assert_array_equal(loaded.outputs["volume_noise"], original.outputs["volume_noise"])


def test_the_file_reads_as_a_plain_table_with_a_readable_header(paths, tmp_path):
    file = paths.save(tmp_path / "x.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(file), paths.to_pandas("long"))
    header = json.loads(pq.read_metadata(file).metadata[b"simcal"])
    assert header["seed"] == 2**63 + 1
    assert header["market"]["impact"] == 0.1
    assert "version" in header


def test_path_numbers_beyond_63_bits_survive(tmp_path):
    paths = Paths(np.ones((2, 2)), first_path=2**64 - 2)
    assert paths.path_numbers.tolist() == [2**64 - 2, 2**64 - 1]
    assert Paths.load(paths.save(tmp_path / "x.parquet")).path_numbers.tolist() == paths.path_numbers.tolist()


def test_files_that_are_not_ours_are_refused_in_a_sentence(paths, tmp_path):
    with pytest.raises(DataError, match=r"has the ending '.csv', but paths are stored as Parquet"):
        paths.save(tmp_path / "x.csv")
    with pytest.raises(DataError, match="There is no file"):
        Paths.load(tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_text("price\n1\n")
    with pytest.raises(DataError, match="is not a readable Parquet file"):
        Paths.load(tmp_path / "bad.parquet")
    pd.DataFrame({"price": [1.0]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(DataError, match="was not written by simcal"):
        Paths.load(tmp_path / "other.parquet")


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("", "header of .* is damaged"),
        ("[]", "header of .* is damaged"),
        ("{}", "seed: Field required"),
        ({"every": 0}, "every: Input should be greater than 0"),
        ({"outputs": ["price_of_tea"]}, "no column of numbers called 'price_of_tea'"),
        ({"n_paths": 4}, "has 15 rows, but its header says 4 paths of 5 steps"),
    ],
)
def test_files_with_a_damaged_header_are_refused(paths, tmp_path, header, sentence):
    file = paths.save(tmp_path / "x.parquet")
    table = pq.read_table(file)
    text = header if isinstance(header, str) else json.dumps({**paths.to_dict(), **header})
    pq.write_table(table.replace_schema_metadata({b"simcal": text}), file)
    with pytest.raises(DataError, match=sentence):
        Paths.load(file)


@pytest.mark.parametrize("column", [None, "text"])
def test_files_without_numbers_for_prices_are_refused(paths, tmp_path, column):
    frame = paths.to_pandas("long").drop(columns="price")
    frame = frame if column is None else frame.assign(price="12")
    table = pa.Table.from_pandas(frame).replace_schema_metadata({b"simcal": json.dumps(paths.to_dict())})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(DataError, match="no column of numbers called 'price'"):
        Paths.load(tmp_path / "x.parquet")


def test_outputs_of_another_shape_are_refused():
    with pytest.raises(DataError, match="volume_noise has shape"):
        Paths(np.ones((2, 3)), {"volume_noise": np.ones((2, 2))})
    with pytest.raises(DataError, match="must be an array"):
        Paths(np.ones(3))
