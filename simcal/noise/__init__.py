"""Counter-based noise: a draw is a pure function of (seed, path, step, stream).

Philox4x32-10 with the 64-bit seed as its key and (path low, path high, step, block) as its counter gives four words of
32 bits, the streams ``4 * block`` to ``4 * block + 3`` of that path and step. So path k has the same bits whatever the
number of paths, the chunk, the thread or the engine, and two runs can share their noise.

NumPy (`words`, `uniforms`, `normals`), PyTorch (`uniforms_torch`, `normals_torch`) and Numba (`fill_uniforms`,
`fill_normals`) return the same bits: the arithmetic behind the normals is written out in additions, multiplications,
divisions and square roots, which IEEE 754 rounds in one way only. Arrays are time-major, (n_steps, n_streams, n_paths).
Steps count from 1: the draws that make the price at time t are those of step t.

A uniform lies strictly between 0 and 1: (word + 1/2) / 2**32 in float64, the upper 23 bits plus a half over 2**23 in
float32. Normals are Box-Muller pairs of words (0, 1) and (2, 3) of a block; a word has 32 bits, so ``|z| < 6.8``.
"""

from simcal.noise.arrays import (
    fill_normals,
    fill_uniforms,
    normals,
    normals_torch,
    uniforms,
    uniforms_torch,
    words,
)
from simcal.noise.counters import check_dtype, check_integer, check_range, check_seed

__all__ = [
    "check_dtype",
    "check_integer",
    "check_range",
    "check_seed",
    "fill_normals",
    "fill_uniforms",
    "normals",
    "normals_torch",
    "uniforms",
    "uniforms_torch",
    "words",
]
