"""Noise as arrays and tensors of shape (n_steps, n_streams, n_paths)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.noise.counters import MASK, check_dtype, check_integer, check_range, check_seed, key_of, philox
from simcal.noise.gaussian import normal_pair, uniform

if TYPE_CHECKING:
    import torch


def words(seed: int, paths: Any, steps: Any, block: Any) -> np.ndarray:
    """The raw words of Philox4x32-10, uint32, shape (4, ...): streams ``4 * block`` to ``4 * block + 3``.

    Parameters
    ----------
    seed
        Whole number from 0 to 2**64 - 1.
    paths, steps, block
        Whole numbers or arrays that broadcast together; paths below 2**64, steps and blocks below 2**32.
    """
    paths, steps, block = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, np.uint64)) for x in (paths, steps, block)))
    mask = np.uint64(MASK)
    counter = tuple(x.astype(np.int64) for x in (paths & mask, paths >> np.uint64(32), steps & mask, block & mask))
    return np.stack(philox(key_of(check_seed(seed)), counter)).astype(np.uint32)


def uniforms(
    seed: int, first_path: int, n_paths: int, first_step: int, n_steps: int, n_streams: int, dtype: Any = "float64"
) -> np.ndarray:
    """Uniforms strictly between 0 and 1, shape (n_steps, n_streams, n_paths)."""
    return _draw(np, _uniforms, seed, first_path, n_paths, first_step, n_steps, n_streams, dtype)


def normals(
    seed: int, first_path: int, n_paths: int, first_step: int, n_steps: int, n_streams: int, dtype: Any = "float64"
) -> np.ndarray:
    """Standard normals, shape (n_steps, n_streams, n_paths).

    Entry ``[i, s, j]`` is stream s of path ``first_path + j`` at step ``first_step + i``, whatever the other arguments.

    Parameters
    ----------
    seed
        Whole number from 0 to 2**64 - 1.
    first_path, n_paths
        The paths, from 0 to 2**64 - 1.
    first_step, n_steps
        The steps; 1 is the step from time 0 to time 1.
    n_streams
        Draws per path and step.
    dtype
        float64 (accurate to 1e-15) or float32 (1e-7; close to the float64 draw of the same words).

    Raises
    ------
    ParameterError
        Where the seed, a path or a step is not a whole number or lies outside its range.

    Examples
    --------
    >>> many = normals(seed=1, first_path=0, n_paths=5, first_step=1, n_steps=2, n_streams=3)
    >>> alone = normals(seed=1, first_path=4, n_paths=1, first_step=1, n_steps=2, n_streams=3)
    >>> many.shape, bool((many[..., 4:] == alone).all())
    ((2, 3, 5), True)
    """
    return _draw(np, _normals, seed, first_path, n_paths, first_step, n_steps, n_streams, dtype)


def uniforms_torch(
    seed: int,
    first_path: int,
    n_paths: int,
    first_step: int,
    n_steps: int,
    n_streams: int,
    dtype: Any = "float64",
    device: Any = None,
) -> torch.Tensor:
    """`uniforms` as a tensor on `device`, the same bits."""
    return _draw_torch(_uniforms, seed, first_path, n_paths, first_step, n_steps, n_streams, dtype, device=device)


def normals_torch(
    seed: int,
    first_path: int,
    n_paths: int,
    first_step: int,
    n_steps: int,
    n_streams: int,
    dtype: Any = "float64",
    device: Any = None,
) -> torch.Tensor:
    """`normals` as a tensor on `device` (CPU or CUDA), the same bits."""
    return _draw_torch(_normals, seed, first_path, n_paths, first_step, n_steps, n_streams, dtype, device=device)


def fill_uniforms(out: np.ndarray, seed: int, first_path: int, first_step: int, threads: int = 1) -> np.ndarray:
    """Write `uniforms` into `out`, (n_steps, n_streams, n_paths), with Numba; the same bits. Returns `out`."""
    from simcal.noise import compiled

    return compiled.fill(compiled.uniform_rows, out, seed, first_path, first_step, threads)


def fill_normals(out: np.ndarray, seed: int, first_path: int, first_step: int, threads: int = 1) -> np.ndarray:
    """Write `normals` into `out`, (n_steps, n_streams, n_paths), with Numba; the same bits. Returns `out`.

    Parameters
    ----------
    out
        C-contiguous array of float64 or float32.
    seed, first_path, first_step
        As in `normals`.
    threads
        Threads that share the work; they change nothing in the result.
    """
    from simcal.noise import compiled

    return compiled.fill(compiled.normal_rows, out, seed, first_path, first_step, threads)


Transform = Callable[[Any, Any, bool], list[Any]]


def _uniforms(xp: Any, four: Any, double: bool) -> list[Any]:
    return [uniform(xp, w, double) for w in four]


def _normals(xp: Any, four: Any, double: bool) -> list[Any]:
    return [*normal_pair(xp, four[0], four[1], double), *normal_pair(xp, four[2], four[3], double)]


def _draw(
    xp: Any,
    transform: Transform,
    seed: int,
    first_path: int,
    n_paths: int,
    first_step: int,
    n_steps: int,
    n_streams: int,
    dtype: Any,
    **place: Any,
) -> Any:
    key = key_of(check_seed(seed))
    check_range(first_path, n_paths, first_step, n_steps)
    check_integer("n_streams", n_streams, 0, 2**32 - 1)
    dtype = check_dtype(dtype)
    low = xp.arange(n_paths, dtype=xp.int64, **place) + (int(first_path) & MASK)
    high = (low >> 32) + (int(first_path) >> 32)
    steps = (xp.arange(n_steps, dtype=xp.int64, **place) + int(first_step))[:, None]
    out = xp.empty((n_steps, n_streams, n_paths), dtype=getattr(xp, dtype), **place)
    for block in range((n_streams + 3) // 4):
        four = philox(key, (low & MASK, high, steps, xp.full_like(steps, block)))
        for stream, values in enumerate(transform(xp, four, dtype == "float64"), 4 * block):
            if stream < n_streams:
                out[:, stream] = values
    return out


def _draw_torch(transform: Transform, *place: Any, device: Any) -> torch.Tensor:
    import torch

    with torch.no_grad():
        return _draw(torch, transform, *place, device=device)
