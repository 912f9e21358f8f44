import platform
import re

import numpy as np
import pytest
from numba import njit

from simcal.definition.elementary import exponential, tanh_half


@njit(error_model="numpy")
def apply(x, out):
    for i in range(x.size):
        out[i] = tanh_half(x[i])


@njit(error_model="numpy")
def apply_exponential(x, out):
    for i in range(x.size):
        out[i] = exponential(x[i])


def points(dtype):
    rng = np.random.default_rng(0)
    parts = [np.linspace(-60, 60, 200_001), rng.standard_normal(200_000), np.logspace(-30, 1.5, 50_000)]
    return np.concatenate(parts).astype(dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 4e-16), (np.float32, 2e-7)])
def test_compiled_values_are_within_the_stated_error_of_tanh(dtype, tolerance):
    x = points(dtype)
    out = np.empty_like(x)
    apply(x, out)
    exact = np.tanh(x.astype(np.longdouble) / 2)
    np.testing.assert_array_less(np.abs(out - exact), tolerance * np.abs(exact) + 1e-300)
    assert np.abs(out - exact).max() > 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_limits_are_exact_and_nan_stays(dtype):
    x = np.array([0, np.inf, -np.inf, np.nan], dtype)
    out = np.empty_like(x)
    apply(x, out)
    np.testing.assert_array_equal(out, np.array([0, 1, -1, np.nan], dtype))


@pytest.mark.parametrize(("dtype", "tolerance", "reach"), [(np.float64, 5e-16, 707), (np.float32, 2e-7, 86)])
def test_compiled_exponentials_are_within_the_stated_error(dtype, tolerance, reach):
    x = np.concatenate([np.linspace(-reach, reach, 200_001), points(np.float64)[200_001:]]).astype(dtype)
    out = np.empty_like(x)
    apply_exponential(x, out)
    exact = np.exp(x.astype(np.longdouble))
    np.testing.assert_array_less(np.abs(out - exact), tolerance * exact)
    x = np.array([0, np.inf, -np.inf, np.nan, 1.1 * reach, -1.1 * reach], dtype)
    out = np.empty_like(x)
    apply_exponential(x, out)
    np.testing.assert_array_equal(out, np.array([1, np.inf, 0, np.nan, np.inf, 0], dtype))


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names the instructions of one architecture")
@pytest.mark.parametrize(("dtype", "suffix"), [(np.float64, "d"), (np.float32, "s")])
def test_a_loop_becomes_vector_instructions(dtype, suffix):
    x = np.zeros(64, dtype)
    apply(x, x.copy())
    (signature,) = [s for s in apply.signatures if s[0].dtype.name == x.dtype.name]
    assert re.search(rf"\bv?divp{suffix}\b", apply.inspect_asm(signature))
