"""The verb simulate: the same paths however they are made, bounded memory, sentences for wrong arguments."""

import json
import tracemalloc
import warnings

import numpy as np
import pyarrow.parquet as pq
import pytest

from simcal.errors import DataError, NumericalWarning, ParameterError
from simcal.models.stock import StockMarket
from simcal.paths import Paths
from simcal.simulation import simulate

MARKET = StockMarket()
SAVE = ("demand_technical", "fundamental_value")


@pytest.fixture
def whole():
    return simulate(MARKET, 700, 20, seed=3, save=SAVE, threads=1)


def test_the_result_says_where_it_comes_from(whole):
    assert whole.prices.shape == (700, 21)
    assert whole.prices.dtype == np.float64
    assert (whole.prices[:, 0] == 100).all()
    assert list(whole.outputs) == list(SAVE)
    assert whole.status == "ok"
    assert StockMarket.from_dict(dict(whole.market)) == MARKET
    assert json.loads(json.dumps(whole.to_dict()))["n_steps"] == 20


@pytest.mark.parametrize("options", [{"chunk": 1}, {"chunk": 100, "threads": 2}, {"chunk": 513}, {"threads": 3}])
def test_chunks_and_threads_do_not_change_a_bit(whole, options):
    n_paths = 40 if options.get("chunk") == 1 else 700
    again = simulate(MARKET, n_paths, 20, seed=3, save=SAVE, **options)
    np.testing.assert_array_equal(again.prices, whole.prices[:n_paths])
    for name in SAVE:
        np.testing.assert_array_equal(again.outputs[name], whole.outputs[name][:n_paths])


def test_a_run_that_starts_at_a_later_path_continues_the_first(whole):
    later = simulate(MARKET, 100, 20, seed=3, first_path=600)
    np.testing.assert_array_equal(later.prices, whole.prices[600:])
    assert later.path_numbers[0] == 600


def test_burn_in_and_thinning_choose_from_the_same_path():
    full = simulate(MARKET, 5, 50, seed=1)
    some = simulate(MARKET, 5, 40, seed=1, burn_in=10, every=8)
    np.testing.assert_array_equal(some.prices, full.prices[:, 10::8])
    assert some.steps.tolist() == [0, 8, 16, 24, 32, 40]


def test_seeds_differ_and_seed_zero_is_a_seed():
    zero, default, one = (simulate(MARKET, 2, 5, **kw) for kw in ({"seed": 0}, {}, {"seed": 1}))
    np.testing.assert_array_equal(zero.prices, default.prices)
    assert (zero.prices[:, 1:] != one.prices[:, 1:]).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_streamed_file_holds_the_same_paths_in_a_row_group_per_chunk(tmp_path, dtype):
    file = tmp_path / "x.parquet"
    told = []
    kwargs = {"seed": 3, "save": SAVE, "dtype": dtype}
    result = simulate(MARKET, 700, 20, out=file, chunk=300, progress=lambda *done: told.append(done), **kwargs)
    assert told == [(300, 700), (600, 700), (700, 700)]
    assert result.n_paths == 700
    assert [p.name for p in tmp_path.iterdir()] == ["x.parquet"]
    metadata = pq.read_metadata(file)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [6300, 6300, 2100]
    assert result.summary().set_index("quantity")["value"]["paths"] == 700
    memory, loaded = simulate(MARKET, 700, 20, **kwargs), result.load()
    np.testing.assert_array_equal(loaded.prices, memory.prices)
    np.testing.assert_array_equal(loaded.outputs["fundamental_value"], memory.outputs["fundamental_value"])
    assert loaded.to_dict() == memory.to_dict()


def test_streaming_needs_the_memory_of_a_chunk_and_saving_less_needs_less(tmp_path):
    simulate(MARKET, 2, 2)  # compiles

    def peak(**options):
        tracemalloc.start()
        try:
            simulate(MARKET, 32_768, 100, threads=1, **options)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    everything = 32_768 * 101 * 8
    assert peak() > everything
    assert peak(every=100) < everything / 10
    assert peak(out=tmp_path / "x.parquet", chunk=1024) < everything / 4


def test_a_run_that_breaks_leaves_no_file(tmp_path):
    def stop(done, n_paths):
        if done > 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(MARKET, 700, 20, out=tmp_path / "x.parquet", chunk=100, progress=stop)
    assert not list(tmp_path.iterdir())


def test_paths_that_overflow_are_counted_with_the_first_path_and_step(tmp_path):
    market = StockMarket(
        rule="hard", n_noise=0, n_fundamental=0, n_technical=1, short_window=1, long_window=2, impact=0.5
    )
    # From step 2 on the price grows by a half: it passes the largest float32 at the step where 100 * 1.5^(t-1) does.
    step = int(np.ceil(np.log(np.finfo(np.float32).max / 100) / np.log(1.5))) + 1
    text = rf"2 of 2 paths left the range of float32 .* path 5 at step {step} .*Use milder parameters"
    with pytest.warns(NumericalWarning, match=text):
        paths = simulate(market, 2, 300, dtype="float32", first_path=5, chunk=1)
    assert paths.n_failed == 2
    assert "2 of 2 paths" in paths.status
    assert np.isfinite(paths.prices[:, :step]).all()
    assert not np.isfinite(paths.prices[:, step]).any()
    with pytest.warns(NumericalWarning, match=text):
        assert (
            Paths.load(
                simulate(market, 2, 300, dtype="float32", first_path=5, out=tmp_path / "x.parquet").file
            ).n_failed
            == 2
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert simulate(market, 2, step - 1, dtype="float32").status == "ok"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"n_paths": 0}, "n_paths is 0, but must be a whole number from 1"),
        ({"n_steps": 2.5}, "n_steps is 2.5, but must be a whole number"),
        ({"seed": -1}, "seed is -1, but must be a whole number from 0"),
        ({"first_path": 2**64 - 1}, "n_paths is 2, but must be a whole number from 0 to 1"),
        ({"every": 6}, "every is 6, but must be a whole number from 1 to 5"),
        ({"burn_in": -1}, "burn_in is -1"),
        ({"save": ["volume_nose"]}, "'volume_nose' is not an output of this market; did you mean 'volume_noise'"),
        ({"dtype": "float16"}, "dtype is 'float16', but must be 'float64' or 'float32'"),
        ({"threads": 0}, "threads is 0, but must be a whole number of at least 1"),
        ({"chunk": 0}, "chunk is 0"),
        ({"market": "stock"}, "market is 'stock', but must be a market"),
        ({"n_paths": 10**12, "n_steps": 10**4}, "GiB of memory: give a file as out"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(arguments, sentence):
    with pytest.raises(ParameterError, match=sentence):
        simulate(**{"market": MARKET, "n_paths": 2, "n_steps": 5, **arguments})


def test_a_target_that_is_not_parquet_is_refused_before_the_simulation(tmp_path):
    with pytest.raises(DataError, match=r"end in '\.parquet'"):
        simulate(MARKET, 10**9, 10**4, out=tmp_path / "x.csv")
