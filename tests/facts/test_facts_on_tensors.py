"""One implementation: tensors give what arrays give, with right gradients, on whatever device they are."""

import numpy as np
import pytest
import torch

import simcal.facts as facts
from simcal.facts import FACTS

ON_TENSORS = [name for name, fact in FACTS.items() if not (fact.needs_volume or fact.expensive)]
COUNTS = {"beyond_3", "beyond_5", "shock_clustering_3", "shock_clustering_5", "last_significant_lag"}
BATCHED_ONLY = {"leverage_amplitude", "leverage_time"}  # a grid search: right values, no useful gradient
WITH_GRADIENT = [name for name in ON_TENSORS if name not in COUNTS | BATCHED_ONLY]


def returns(seed, n=300):
    return 0.01 * np.random.default_rng(seed).standard_t(4, size=(2, 3, n))


@pytest.mark.parametrize("name", ON_TENSORS)
def test_tensor_and_array_agree_to_rounding(name):
    r = returns(0, 600)
    from_array = FACTS[name].function(r)
    from_tensor = FACTS[name].function(torch.tensor(r))
    assert from_array.shape == (2, 3)
    assert isinstance(from_tensor, torch.Tensor)
    np.testing.assert_allclose(from_tensor.numpy(), from_array, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", WITH_GRADIENT)
def test_gradient_is_the_slope_of_the_fact(name):
    # one random direction and central differences: gradcheck of 600 inputs would say the same more slowly
    function = FACTS[name].function
    r = torch.tensor(returns(1)[0], requires_grad=True)
    direction = 0.01 * torch.tensor(np.random.default_rng(2).normal(size=r.shape))
    value = function(r)
    gradient = torch.autograd.grad(value.sum(), r)[0]
    step = 1e-6
    with torch.no_grad():
        slope = (function(r + step * direction) - function(r - step * direction)).sum() / (2 * step)
    inner = (gradient * direction).sum()
    assert inner.abs() > 0
    assert inner.item() == pytest.approx(slope.item(), rel=2e-5, abs=1e-8 * value.abs().max().item())


@pytest.mark.parametrize(
    "function",
    [
        lambda r: facts.autocorrelation(r.abs(), [1, 2, 5]),
        lambda r: facts.autocorrelation(r, range(1, 35)),
        facts.excess_kurtosis,
        facts.skewness,
        facts.mean_absolute,
        facts.hill,
        lambda r: facts.leverage(r, range(1, 4)),
        lambda r: facts.coarse_fine(r, [-1, 1]),
    ],
)
def test_window_statistics_pass_gradcheck(function):
    r = torch.tensor(np.random.default_rng(3).standard_t(4, size=(2, 45)), requires_grad=True)
    assert torch.autograd.gradcheck(function, (r,))


@pytest.mark.parametrize("name", ON_TENSORS)
def test_no_fact_makes_numbers_on_another_device(name):
    # mixing tensors of the meta device with tensors of the CPU is an error
    assert FACTS[name].function(torch.empty(2, 600, device="meta")).shape == (2,)


@pytest.mark.parametrize("name", ["excess_kurtosis", "hill_5", "smoothed_absolute_acf_10", "leverage_1_10"])
def test_single_precision_stays_single(name):
    value = FACTS[name].function(torch.tensor(returns(4), dtype=torch.float32))
    assert value.dtype == torch.float32


@pytest.mark.parametrize("name", ON_TENSORS)
def test_single_precision_sees_small_returns(name):
    r = returns(5, 600)
    small = FACTS[name].function(torch.tensor(1e-12 * r, dtype=torch.float32))
    expected = FACTS[name].function(r)
    assert np.array_equal(np.isfinite(small.numpy()), np.isfinite(expected))
    if not FACTS[name].unit and not name.startswith("leverage_"):  # a pure number does not depend on the scale
        np.testing.assert_allclose(small.numpy(), expected, rtol=1e-2, atol=1e-3)


NEEDS_VARIANCE = [name for name in WITH_GRADIENT if FACTS[name].number in (2, 3, 4, 5, 6)]


@pytest.mark.parametrize("name", NEEDS_VARIANCE)
@pytest.mark.parametrize("growth", ["exact", "from prices", "single"])
def test_facts_of_constant_growth_do_not_exist(name, growth):
    r = np.diff(np.log(50.0 * 1.0007 ** np.arange(601))) if growth == "from prices" else np.full(600, 0.1)
    assert np.isnan(FACTS[name].function(r.astype(np.float32) if growth == "single" else r))


def test_windows_of_a_tensor_keep_its_gradient():
    r = torch.arange(10.0, requires_grad=True)
    facts.windows(r, 3).sum().backward()
    assert r.grad is not None
    assert r.grad.tolist() == [1.0] * 9 + [0.0]
