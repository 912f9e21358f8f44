import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from oracles import stock as reference

from simcal import StockMarket
from simcal.definition.arrays import eager_prices
from simcal.definition.sweeps import adjoint_prices
from simcal.errors import ParameterError

SPECS = StockMarket.SPECS
# Everything that the price of the smoothed market depends on smoothly.
DIFFERENTIABLE = tuple(n for n, spec in SPECS.items() if not spec.integer and n != "trend_threshold")

# Every trader different, windows up to 60, correlated shocks. The variance stays far from zero, and no trend follower
# is so strong that prices become chaotic: then rounding would grow without bound in every engine.
CALM = StockMarket(
    n_noise=4, n_technical=3, n_fundamental=2, impact=0.05, initial_price=90.0,
    public_weight=(0.5, -1.2, 2.0, 0.1), private_weight=(1.0, 0.3, -0.7, 0.2), public_sd=0.8, private_sd=1.5,
    short_window=(2, 1, 17), long_window=(9, 21, 60), trend_sensitivity=(0.2, 0.05, 0.1),
    value_sensitivity=(0.4, 0.05), observation_sd=(1.5, 4.0), fundamental_mean=100.0, fundamental_reversion=0.02,
    fundamental_start=95.0, variance_mean=0.5, variance_reversion=0.05, variance_start=0.3, vol_of_vol=0.03,
    leverage_correlation=-0.6,
)  # fmt: skip
# The variance often lies below zero, where the root is cut off.
TRUNCATED = CALM.replace(variance_mean=0.02, vol_of_vol=0.5, variance_start=None)
NO_TREND = {"n_technical": 0, "short_window": 1, "long_window": 2}
MARKETS = {
    "calm": CALM,
    "truncated": TRUNCATED,
    "paper": StockMarket(),
    "noise alone": StockMarket(n_fundamental=0, **NO_TREND),
    "no fundamental": StockMarket(n_fundamental=0, trend_sensitivity=0.05),
    "fundamental alone": StockMarket(n_noise=0, **NO_TREND),
}


def draw(market, seed, n_paths, n_steps, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((n_steps, market.draws_per_step, n_paths), generator=generator, dtype=torch.float64).to(dtype)


def tensors(market, names=DIFFERENTIABLE):
    """Every parameter as a tensor with a gradient, one number per trader where it has a group."""
    result = {}
    for name in names:
        value = market.vector(name) if SPECS[name].group else getattr(market, name)
        if value is not None:
            result[name] = torch.tensor(value, dtype=torch.float64, requires_grad=True)
    return result


def gradients(engine, market, noise, **options):
    """Derivatives of a smooth function of all prices, as in a loss."""
    values = tensors(market)
    prices = engine(market, values, noise, **options)
    weights = torch.sin(torch.arange(prices.numel(), dtype=prices.dtype)).reshape(prices.shape)
    (weights * prices + 0.01 * (prices - 100) ** 2).mean().backward()
    zeros = {name: torch.zeros_like(value) for name, value in values.items()}  # of parameters that nobody has
    return prices.detach(), {n: zeros[n] if v.grad is None else v.grad for n, v in values.items()}


def assert_close(actual, expected, tolerance):
    assert actual.keys() == expected.keys()
    for name, exact in expected.items():
        error = (actual[name] - exact).abs().max() if exact.numel() else 0.0
        assert error <= tolerance * (exact.abs().max() if exact.numel() else 0.0), name


@pytest.mark.parametrize("market", MARKETS.values(), ids=MARKETS)
@pytest.mark.parametrize("seed", [0, 1])
def test_prices_equal_the_reference_to_1e_12(market, seed):
    noise = draw(market, seed, 257, 300)
    expected = reference.simulate(market, noise.numpy())["prices"].T
    np.testing.assert_allclose(adjoint_prices(market, {}, noise).numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("market", MARKETS.values(), ids=MARKETS)
@pytest.mark.parametrize(("n_paths", "n_steps", "seed"), [(1, 300, 0), (3, 300, 1), (257, 200, 2), (1100, 100, 3)])
def test_prices_and_gradients_equal_those_of_the_torch_operations(market, n_paths, n_steps, seed):
    noise = draw(market, seed, n_paths, n_steps)
    prices, by = gradients(adjoint_prices, market, noise)
    expected_prices, expected = gradients(eager_prices, market, noise)
    torch.testing.assert_close(prices, expected_prices, rtol=1e-12, atol=0)
    assert_close(by, expected, 1e-8)


@pytest.mark.parametrize("engine", [adjoint_prices, eager_prices])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_equal_central_differences(engine, name):
    noise = draw(CALM, 4, 3, 150)
    centre = tensors(CALM)
    weights = torch.cos(torch.arange(3 * 151, dtype=torch.float64)).reshape(3, 151)
    (exact,) = torch.autograd.grad((weights * engine(CALM, centre, noise)).sum(), centre[name])

    def loss(change):
        values = {key: value.detach() for key, value in centre.items()}
        values[name] = values[name] + change
        return (weights * engine(CALM, values, noise)).sum().item()

    flat = exact.reshape(-1)
    for i in range(flat.numel()):
        step = torch.zeros_like(flat)
        step[i] = 1e-5 * max(1.0, centre[name].detach().reshape(-1)[i].abs().item())
        step = step.reshape(exact.shape)
        size = step.sum().item()
        # Fourth order: the error of the differences is that of rounding.
        slope = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * size)
        assert slope == pytest.approx(flat[i].item(), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("engine", [adjoint_prices, eager_prices])
def test_a_shared_number_has_the_sum_of_its_traders_gradients(engine):
    names = [name for name in DIFFERENTIABLE if SPECS[name].group]
    market = CALM.replace(**dict.fromkeys(names, 0.4))
    noise = draw(market, 5, 20, 100)
    each = tensors(market, names)
    shared = {name: torch.tensor(0.4, dtype=torch.float64, requires_grad=True) for name in names}
    for values in (each, shared):
        engine(market, values, noise).sum().backward()
    for name in names:
        assert shared[name].grad.item() == pytest.approx(each[name].grad.sum().item(), rel=1e-10)


@pytest.mark.parametrize("engine", [adjoint_prices, eager_prices])
def test_a_variance_that_starts_at_its_mean_passes_that_gradient_on(engine):
    market = CALM.replace(variance_start=None)
    noise = draw(market, 6, 20, 100)
    both = tensors(CALM.replace(variance_start=CALM.variance_mean))
    one = tensors(market)
    for chosen, values in ((CALM, both), (market, one)):
        engine(chosen, values, noise).sum().backward()
    expected = both["variance_mean"].grad + both["variance_start"].grad
    assert one["variance_mean"].grad.item() == pytest.approx(expected.item(), rel=1e-10)


@pytest.mark.parametrize("n_paths", [1100, 1600])
def test_gradients_have_the_same_bits_whatever_the_number_of_threads(n_paths):
    noise = draw(TRUNCATED, 7, n_paths, 50, torch.float32)
    results = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        results.append(gradients(adjoint_prices, TRUNCATED, noise))
    for prices, by in results[1:]:
        assert torch.equal(prices, results[0][0])
        assert all(torch.equal(by[name], results[0][1][name]) for name in by)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_have_the_same_bits_freshly_compiled_and_from_the_cache(dtype, tmp_path):
    code = f"""
import torch
from simcal import StockMarket
torch.set_num_threads(1)
names = [name for name, spec in StockMarket.SPECS.items() if spec.trainable]
twin = StockMarket().twin(names, dtype=torch.{dtype})
twin.simulate(0, 0, 700, 60).square().mean().backward()
print([p.grad.item().hex() for p in twin.parameters()])
"""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "SIMCAL_CACHE_DIR": str(tmp_path / "emitted")}
    run = partial(subprocess.run, [sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    compiled, cached = run(check=True).stdout, run(check=True).stdout
    assert list(tmp_path.rglob("*.nbc"))
    assert compiled == cached


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_path_has_the_same_bits_whatever_paths_are_beside_it(dtype):
    noise = draw(TRUNCATED, 8, 700, 50, dtype)
    together = adjoint_prices(TRUNCATED, {}, noise)
    for first, last in ((0, 1), (250, 263), (505, 700)):
        assert torch.equal(adjoint_prices(TRUNCATED, {}, noise[:, :, first:last]), together[first:last])


@pytest.mark.parametrize("engine", [adjoint_prices, eager_prices])
def test_single_precision_is_near_double(engine):
    noise = draw(CALM, 9, 50, 200)
    prices, by = gradients(engine, CALM, noise)
    single_prices, single = gradients(engine, CALM, noise.float())
    assert single_prices.dtype == torch.float32
    torch.testing.assert_close(single_prices.double(), prices, rtol=1e-5, atol=0)
    assert_close(single, by, 1e-3)


@pytest.mark.parametrize("engine", [adjoint_prices, eager_prices])
def test_the_gradient_floor_holds_up_the_variance_in_the_slope_of_its_root_alone(engine):
    # One step, constant variance: P depends on sigma through the root alone, so the gradient scales with its slope.
    market = StockMarket(n_noise=0, vol_of_vol=0.0, variance_reversion=0.0, variance_start=0.01, **NO_TREND)
    noise = draw(market, 10, 40, 1)
    results = {}
    for floor in (0.0, 0.005, 0.09):
        value = torch.tensor(0.01, dtype=torch.float64, requires_grad=True)
        prices = engine(market, {"variance_start": value}, noise, variance_gradient_floor=floor)
        results[floor] = (prices.detach(), torch.autograd.grad(prices.sum(), value)[0].item())
    assert torch.equal(results[0.0][0], results[0.09][0])
    assert results[0.005][1] == pytest.approx(results[0.0][1], rel=1e-12)
    assert results[0.09][1] == pytest.approx(results[0.0][1] / 3, rel=1e-12)


def test_both_engines_share_the_gradient_floor():
    noise = draw(TRUNCATED, 11, 300, 200)
    exact = gradients(adjoint_prices, TRUNCATED, noise)[1]
    held = gradients(adjoint_prices, TRUNCATED, noise, variance_gradient_floor=1e-3)[1]
    assert_close(held, gradients(eager_prices, TRUNCATED, noise, variance_gradient_floor=1e-3)[1], 1e-8)
    assert held["variance_mean"] != exact["variance_mean"]


@pytest.mark.parametrize("engine", [adjoint_prices, eager_prices])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_parameter_that_is_not_a_number_makes_prices_that_are_not(engine, name):
    values = {name: torch.tensor(float("nan"), dtype=torch.float64)}
    prices = engine(CALM, values, draw(CALM, 12, 5, 70))
    assert torch.isnan(prices[:, -1]).all()


def test_noise_with_a_gradient_is_refused():
    with pytest.raises(ParameterError, match="noise requires a gradient"):
        adjoint_prices(CALM, {}, draw(CALM, 0, 3, 5).requires_grad_())
