"""Tabled quantiles: as accurate as promised, and the same bits in every engine."""

import numpy as np
import pytest
import torch
from numba import njit
from scipy import stats

from simcal.rfq import laws as exponential_power
from simcal.rfq.laws import (
    evaluate,
    locate,
    quantile_table,
    quantile_tables,
    shape_derivative_table,
    table_quantile,
    table_quantiles,
)

SHAPES = (0.3, 0.4, 0.7, 1.0, 1.2, 2.0, 4.0, 10.0, 20.0)


def all_kinds_of_words() -> np.ndarray:
    """Words everywhere, and more of them at the tails, the centre and the seams at 1/4 and 3/4."""
    rng = np.random.default_rng(1)
    ends = (2.0 ** rng.uniform(0, 30, 10_000)).astype(np.int64)
    close = np.arange(400)
    near = np.concatenate([close, ends])
    seams = [end + sign * near for end in (0, 2**30, 2**31, 3 * 2**30, 2**32) for sign in (1, -1)]
    words = np.concatenate([rng.integers(0, 2**32, 50_000), *seams, [0, 2**32 - 1, 2**31 - 1, 2**31]])
    return words[(words >= 0) & (words < 2**32)].astype(np.uint32)


WORDS = all_kinds_of_words()


def exact(words: np.ndarray, shape: float) -> np.ndarray:
    k = np.minimum(words, ~words).astype(float) + 0.5
    tail = exponential_power.tail_distance(k * 2.0**-31, shape)
    centre = exponential_power.central_distance(1 - k * 2.0**-31, shape)
    return np.where(words >> 31, 1.0, -1.0) * np.where(k < 2.0**30, tail, centre)


@njit
def loop(table, words, out):
    for i in range(words.size):
        out[i] = table_quantile(table, words[i])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_table_is_the_exact_quantile_in_the_tails_and_at_the_cusp(shape):
    error = np.abs(table_quantiles(quantile_table(shape), WORDS) / exact(WORDS, shape) - 1)
    assert error.max() < (6e-9 if shape < 1 else 2e-9)
    assert np.abs(table_quantiles(quantile_table(shape), WORDS) - exact(WORDS, shape)).max() < 4e-7


@pytest.mark.parametrize("shape", [0.5, 1.2, 20.0])
def test_engines_return_the_same_bits(shape):
    table = quantile_table(shape)
    compiled = np.empty(WORDS.size)
    loop(table, WORDS, compiled)
    np.testing.assert_array_equal(compiled, table_quantiles(table, WORDS))
    cells, x, signs = locate(torch, torch.from_numpy(WORDS.astype(np.int64)))
    torched = evaluate(torch.from_numpy(table.copy())[cells], x, signs)
    np.testing.assert_array_equal(compiled, torched.numpy())


@pytest.mark.parametrize("shape", [0.3, 1.0, 20.0])
def test_quantiles_never_fall_and_are_symmetric(shape):
    words = np.sort(WORDS)
    quantiles = table_quantiles(quantile_table(shape), words)
    assert (np.diff(quantiles) >= -4e-9 * np.abs(quantiles[1:])).all()  # a cell's edge may miss by its error
    np.testing.assert_array_equal(table_quantiles(quantile_table(shape), ~words), -quantiles)


def test_draws_have_the_law():
    words = np.random.default_rng(0).integers(0, 2**32, 200_000).astype(np.uint32)
    for shape in (0.5, 1.2, 8.0):
        draws = table_quantiles(quantile_table(shape), words)
        law = stats.gennorm(shape, scale=shape ** (1 / shape))
        assert stats.kstest(draws, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("shape", SHAPES)
def test_the_derivative_in_the_shape_is_that_of_the_exact_quantile(shape):
    words = WORDS[::7]
    derivative = table_quantiles(shape_derivative_table(shape), words)
    h = 1e-3 * shape
    near, far = (exact(words, shape + s) - exact(words, shape - s) for s in (h, 2 * h))
    numeric = (8 * near - far) / (12 * h)
    scale = np.abs(exact(words, shape)) / shape * (1 + np.log(1 + np.abs(exact(words, shape))))
    assert (np.abs(derivative - numeric) < 1e-7 * np.maximum(scale, np.abs(numeric))).all()


def test_several_tables_lie_one_after_the_other():
    tables = quantile_tables([0.7, 2.0])
    assert tables.flags.c_contiguous
    assert tables.flags.writeable
    np.testing.assert_array_equal(tables[1], quantile_table(2.0))
