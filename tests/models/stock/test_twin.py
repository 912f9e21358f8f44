import numpy as np
import pytest
import torch
from oracles import stock as reference

from simcal import StockMarket
from simcal.errors import ParameterError
from simcal.noise import normals

MARKET = StockMarket(short_window=(1, 2, 3, 5, 20), long_window=(4, 9, 60, 12, 41), leverage_correlation=-0.4)
TRAINABLE = ("public_weight", "private_weight", "trend_sensitivity", "impact", "leverage_correlation")


@pytest.mark.parametrize("engine", ["torch", "adjoint"])
@pytest.mark.parametrize("seed", [0, 7])
def test_prices_equal_reference_and_kernel_on_the_same_noise(engine, seed):
    prices = MARKET.twin(engine=engine).simulate(seed, 5, 30, 300).numpy()
    noise = normals(seed, 5, 30, 1, 300, MARKET.draws_per_step)
    np.testing.assert_allclose(prices, reference.simulate(MARKET, noise)["prices"].T, rtol=1e-12)
    np.testing.assert_allclose(prices, MARKET.simulate_chunk(seed, 5, 30, 300)["prices"], rtol=1e-12)


@pytest.mark.parametrize("engine", ["torch", "adjoint"])
def test_gradients_reach_the_free_numbers(engine):
    twin = MARKET.twin(TRAINABLE, per_trader=("public_weight",), engine=engine)
    noise = twin.draw(0, 0, 10, 80)
    twin(noise).square().mean().backward()
    for name in TRAINABLE:
        free, changed = twin.trainable.free[name], []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                free += step
                changed.append(twin(noise).square().mean().item())
                free -= step
        assert free.grad.sum().item() == pytest.approx((changed[0] - changed[1]) / 2e-5, rel=1e-4), name


def test_the_automatic_engine_on_a_cpu_is_the_adjoint():
    twins = [MARKET.twin(["impact"], engine=e, dtype=torch.float32) for e in ("auto", "adjoint", "torch")]
    noise = twins[0].draw(0, 0, 600, 40)
    slopes = [torch.autograd.grad(t(noise).sum(), t.trainable.free["impact"])[0] for t in twins]
    assert slopes[0] == slopes[1] != slopes[2]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_noise_has_the_bits_of_the_simulation(dtype):
    noise = MARKET.twin(dtype=dtype).draw(3, 11, 20, 30)
    expected = normals(3, 11, 20, 1, 30, MARKET.draws_per_step, str(dtype).removeprefix("torch."))
    np.testing.assert_array_equal(noise.numpy(), expected)


def test_the_market_has_the_trained_values_and_keeps_the_rest():
    twin = MARKET.twin(["impact", "trend_sensitivity"])
    twin.trainable.set_values({"impact": 0.4})
    market = twin.to_market()
    assert market.impact == pytest.approx(0.4, rel=1e-14)
    assert market == MARKET.replace(impact=market.impact, trend_sensitivity=market.trend_sensitivity)


def test_moving_the_twin_changes_its_precision():
    twin = MARKET.twin(TRAINABLE).to(torch.float32)
    prices = twin.simulate(0, 0, 4, 20)
    assert prices.dtype == torch.float32
    prices.sum().backward()
    assert all(free.grad.dtype == torch.float32 for free in twin.trainable.free.values())


def test_the_state_holds_the_free_numbers_alone():
    assert list(MARKET.twin(["impact"]).state_dict()) == ["trainable.free.impact"]


def test_gradient_descent_on_the_same_noise_finds_the_parameter_again():
    twin = MARKET.replace(trend_sensitivity=0.2).twin(["trend_sensitivity"], engine="adjoint")
    noise = twin.draw(0, 0, 200, 80)
    target = MARKET.twin()(noise)
    optimiser = torch.optim.LBFGS(twin.parameters(), max_iter=30, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        value = (twin(noise) - target).square().mean()
        value.backward()
        return value

    optimiser.step(loss)
    assert twin.to_market().trend_sensitivity == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"engine": "numba"}, "engine is 'numba', but must be"),
        ({"dtype": torch.float16}, "dtype is torch.float16"),
        ({"variance_gradient_floor": -1.0}, "must be a number of at least 0"),
        ({"variance_gradient_floor": float("nan")}, "must be a number of at least 0"),
    ],
)
def test_options_that_are_not_allowed_are_refused_with_a_sentence(options, sentence):
    with pytest.raises(ParameterError, match=sentence):
        MARKET.twin(**options)


def test_an_unknown_option_is_refused_with_the_nearest():
    with pytest.raises(ParameterError, match="did you mean 'engine'"):
        MARKET.twin(["impact"], engines="torch")


def test_hard_rules_are_refused():
    with pytest.raises(ParameterError, match=r"has no gradient; use market\.replace"):
        MARKET.replace(rule="hard").twin()


@pytest.mark.parametrize(
    ("shape", "dtype", "sentence"),
    [
        ((5, 12, 3), torch.float64, r"shape \(5, 12, 3\), but must have shape \(n_steps, 13, n_paths\)"),
        ((5, 13), torch.float64, "must have shape"),
        ((5, 13, 0), torch.float64, "at least one step and path"),
        ((5, 13, 3), torch.float32, "noise is torch.float32 on cpu, but the twin is torch.float64"),
    ],
)
def test_noise_that_does_not_fit_is_refused_with_a_sentence(shape, dtype, sentence):
    with pytest.raises(ParameterError, match=sentence):
        MARKET.twin()(torch.zeros(shape, dtype=dtype))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("floor", [0.0, 1e-3])
def test_prices_and_gradients_on_cuda_equal_those_on_the_cpu(floor):
    results = []
    for device in ("cpu", "cuda"):
        options = {"device": device, "variance_gradient_floor": floor}
        twin = MARKET.twin(TRAINABLE, per_trader=("public_weight",), **options)
        prices = twin.simulate(0, 0, 300, 200)
        assert prices.device.type == device
        prices.square().mean().backward()
        results.append((prices.detach().cpu(), {n: p.grad.cpu() for n, p in twin.trainable.free.items()}))
    torch.testing.assert_close(results[1][0], results[0][0], rtol=1e-11, atol=0)
    for name, gradient in results[0][1].items():
        torch.testing.assert_close(results[1][1][name], gradient, rtol=1e-7, atol=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_adjoint_refuses_cuda():
    twin = MARKET.twin(engine="adjoint", device="cuda")
    with pytest.raises(ParameterError, match="runs on a CPU"):
        twin(twin.draw(0, 0, 3, 5))
