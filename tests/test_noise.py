"""The noise: known answers, equal bits from every engine, the right law, independence, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simcal import noise
from simcal.errors import ParameterError

DTYPES = ("float64", "float32")
PLACES = [  # seed, first path, first step: low, across 2**32, at the very top
    (0, 0, 1),
    (7, 2**32 - 5, 1000),
    (2**64 - 1, 2**64 - 37, 2**32 - 6),
]


def numba_normals(seed, first_path, n_paths, first_step, n_steps, n_streams, dtype="float64", threads=1):
    return noise.fill_normals(np.empty((n_steps, n_streams, n_paths), dtype), seed, first_path, first_step, threads)


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_words_are_the_published_answers_of_philox4x32_10(counter, key, answer):
    words = noise.words(key[0] | key[1] << 32, counter[0] | counter[1] << 32, counter[2], counter[3])
    assert words.dtype == np.uint32
    assert [f"{w:08x}" for w in words.ravel()] == answer.split()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("seed", "path", "step"), PLACES)
def test_numpy_numba_and_torch_give_the_same_bits(seed, path, step, dtype):
    shape = (seed, path, 37, step, 5, 11)
    for numpy_form, torch_form, fill in (
        (noise.normals, noise.normals_torch, noise.fill_normals),
        (noise.uniforms, noise.uniforms_torch, noise.fill_uniforms),
    ):
        expected = numpy_form(*shape, dtype=dtype)
        assert expected.dtype == dtype
        assert expected.shape == (5, 11, 37)
        np.testing.assert_array_equal(torch_form(*shape, dtype=dtype).numpy(), expected)
        np.testing.assert_array_equal(fill(np.empty((5, 11, 37), dtype), seed, path, step, threads=3), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_hundred_thousand_normals_have_the_same_bits_in_every_engine(dtype):
    shape = (3, 0, 1000, 1, 25, 4)
    expected = noise.normals(*shape, dtype=dtype)
    np.testing.assert_array_equal(noise.normals_torch(*shape, dtype=dtype).numpy(), expected)
    np.testing.assert_array_equal(numba_normals(*shape, dtype=dtype), expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", DTYPES)
def test_cuda_gives_the_same_bits(dtype):
    shape = (3, 2**32 - 500, 1000, 1, 25, 13)
    for numpy_form, torch_form in (
        (noise.normals, noise.normals_torch),
        (noise.uniforms, noise.uniforms_torch),
    ):
        on_device = torch_form(*shape, dtype=dtype, device="cuda")
        assert on_device.is_cuda
        np.testing.assert_array_equal(on_device.cpu().numpy(), numpy_form(*shape, dtype=dtype))


def test_normals_are_box_muller_of_the_uniforms_to_1e_15():
    shape = (11, 0, 20_000, 1, 2, 4)
    u, z = noise.uniforms(*shape).astype(np.longdouble), noise.normals(*shape)
    turn = 8 * np.arctan(np.longdouble(1))
    radius = np.sqrt(-2 * np.log(u[:, 0::2]))
    for exact, got in (
        (radius * np.cos(turn * u[:, 1::2]), z[:, 0::2]),
        (radius * np.sin(turn * u[:, 1::2]), z[:, 1::2]),
    ):
        assert np.abs(exact - got).max() < 2e-15


def test_float32_normals_are_close_to_the_float64_normals_of_the_same_words():
    z64, z32 = (noise.normals(5, 0, 20_000, 1, 2, 4, dtype=d) for d in DTYPES)
    error = np.abs(z64 - z32)
    # A first uniform near 1 has few digits left below it in float32; the median says what is usual.
    assert np.median(error) < 1e-7
    assert error.max() < 1e-3


def test_uniforms_lie_strictly_between_0_and_1_at_the_extreme_words():
    from simcal.noise.gaussian import normal_pair, uniform

    word = np.array([0, 1, 2**31, 2**32 - 1])
    for double in (True, False):
        u = uniform(np, word, double)
        assert ((u > 0) & (u < 1)).all()
        for z in normal_pair(np, *(w.ravel() for w in np.meshgrid(word, word)), double):
            assert np.isfinite(z).all()
            assert np.abs(z).max() < 6.8


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1),
    path=st.integers(0, 2**64 - 60),
    step=st.integers(0, 2**32 - 8),
    stream=st.integers(0, 16),
    n_paths=st.integers(1, 50),
)
def test_a_draw_depends_on_its_seed_path_step_and_stream_only(seed, path, step, stream, n_paths):
    alone = noise.normals(seed, path + n_paths - 1, 1, step + 2, 1, stream + 1)[0, stream, 0]
    assert alone == noise.normals(seed, path, n_paths, step, 4, stream + 3)[2, stream, -1]
    assert alone == numba_normals(seed, path, n_paths, step, 4, stream + 3, threads=2)[2, stream, -1]


@pytest.mark.parametrize("seed", [0, 1, 12345])
@pytest.mark.parametrize("dtype", DTYPES)
def test_normals_pass_kolmogorov_smirnov_and_have_the_moments_of_a_normal(seed, dtype):
    z = numba_normals(seed, 0, 20_000, 1, 5, 10, dtype).astype(float).ravel()
    n = z.size
    assert stats.kstest(z, "norm").pvalue > 1e-4
    moments = [(z, 0, 1), (z**2, 1, 2), (z**3, 0, 15), (z**4, 3, 96)]  # sample, mean, variance under the law
    for sample, mean, variance in moments:
        assert abs(sample.mean() - mean) < 4 * np.sqrt(variance / n)
    tail = (np.abs(z) > 4).sum()
    expected = n * 2 * stats.norm.sf(4)
    assert abs(tail - expected) < 4 * np.sqrt(expected)


@pytest.mark.parametrize("seed", [0, 2**40 + 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_uniforms_pass_kolmogorov_smirnov(seed, dtype):
    u = noise.uniforms(seed, 0, 50_000, 1, 2, 3, dtype=dtype).astype(float)
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-4


@pytest.mark.parametrize("seed", [0, 9])
def test_streams_paths_steps_and_seeds_are_uncorrelated(seed):
    z = noise.normals(seed, 0, 20_000, 1, 6, 8)
    n = z[0, 0].size
    flat = z.reshape(48, n)
    for values in (flat, flat**2 / np.sqrt(2)):  # linear and quadratic dependence, all pairs of step and stream
        correlation = np.corrcoef(values)[np.triu_indices(48, 1)]
        assert np.abs(correlation).max() * np.sqrt(n) < 5.0  # 1128 pairs
        assert abs((correlation**2).mean() * n - 1) < 5 * np.sqrt(2 / correlation.size)
    neighbours = (z[..., 1:] * z[..., :-1]).ravel()
    assert abs(neighbours.mean()) * np.sqrt(neighbours.size) < 4
    other = z * noise.normals(seed + 1, 0, 20_000, 1, 6, 8)
    assert abs(other.mean()) * np.sqrt(other.size) < 4


@pytest.mark.parametrize(
    ("seed", "text"), [(-1, "-1"), (2**64, "18446744073709551616"), (1.5, "1.5"), (None, "None"), (True, "True")]
)
def test_a_seed_that_is_no_whole_number_of_64_bits_is_refused(seed, text):
    with pytest.raises(ParameterError, match=rf"seed is {text}, but must be a whole number from 0 to 2\*\*64 - 1"):
        noise.normals(seed, 0, 1, 1, 1, 1)


def test_paths_and_steps_beyond_their_range_are_refused():
    with pytest.raises(ParameterError, match="n_paths is 2, but must be a whole number from 0 to 1"):
        noise.normals(0, 2**64 - 1, 2, 1, 1, 1)
    with pytest.raises(ParameterError, match="n_steps is 3"):
        noise.normals(0, 0, 1, 2**32 - 2, 3, 1)
    with pytest.raises(ParameterError, match="first_path is -1"):
        noise.normals_torch(0, -1, 1, 1, 1, 1)


def test_arrays_that_cannot_hold_the_noise_are_refused():
    for out in (np.empty((2, 3)), np.empty((2, 3, 4), np.int32), np.empty((2, 3, 8))[:, :, ::2]):
        with pytest.raises(ParameterError, match="must be a C-contiguous array"):
            noise.fill_normals(out, 0, 0, 1)
    with pytest.raises(ParameterError, match="dtype is 'int32', but must be"):
        noise.normals(0, 0, 1, 1, 1, 1, dtype="int32")
    with pytest.raises(ParameterError, match="threads is 0"):
        noise.fill_normals(np.empty((1, 1, 1)), 0, 0, 1, threads=0)


def test_the_compiled_noise_uses_vector_instructions():
    from numba import njit

    from simcal.noise import compiled

    fresh = njit(error_model="numpy")(compiled.normal_rows.py_func)  # what comes from the cache has no assembly
    fresh(np.empty((1, 4, 8), "float32"), np.uint32(0), np.uint32(0), np.uint64(0), np.uint64(1), 0, 1)
    assembly = "".join(fresh.inspect_asm().values())
    if "mulss" not in assembly:
        pytest.skip("not an x86 processor")
    assert "mulps" in assembly
    assert "sqrtps" in assembly
