"""The price markets make the numbers that they made when every kernel and adjoint was written by hand."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

_SPEC = importlib.util.spec_from_file_location("cases", Path(__file__).with_name("cases.py"))
cases = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(cases)
GOLDEN = np.load(Path(__file__).with_name("a211edc.npz"))
QUICK = ("stock-terms", "herding-terms")


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[] if c in QUICK else [pytest.mark.slow]) for c in cases.CASES], ids=str
)
def test_a_market_makes_the_numbers_of_the_hand_written_code(case):
    found = cases.numbers(case)
    assert {f"{case}: {name}" for name in found} == {name for name in GOLDEN.files if name.startswith(f"{case}: ")}
    for name, value in found.items():
        golden = GOLDEN[f"{case}: {name}"]
        if name.startswith("gradient"):
            np.testing.assert_allclose(value, golden, rtol=1e-10, atol=1e-10 * np.abs(golden).max(), err_msg=name)
        elif name == "prices float32":  # another machine's rounding grows: the same law is what can be asked for
            assert np.median(np.abs(value / golden - 1)) < 1e-5
        else:  # where a root comes near zero variance, a rounding of another machine grows as well
            scale = np.maximum(np.abs(golden), 1e-3 if name.startswith("output") else 0)
            assert np.mean(np.abs(value - golden) <= 1e-10 * scale) >= 0.99, name
