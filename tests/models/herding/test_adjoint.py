"""The herding market's twin: prices of the kernel, gradients of both engines against each other and differences."""

import numpy as np
import pytest
import torch
from oracles import herding as reference

import simcal
from simcal import HerdingMarket
from simcal.definition.arrays import eager_prices, simulate_arrays
from simcal.definition.sweeps import adjoint_prices
from simcal.errors import ParameterError

TODAY = simcal.load("herding-today")
# What the reference does not have: the terms of the market of today, which `TODAY` has on.
OF_TODAY = ("johnson_tail", "johnson_skew", "slow_sensitivity", "turbulence_response", "turbulence_memory",
            "usual_move", "fall_attraction", "rise_attraction")  # fmt: skip
DIFFERENTIABLE = tuple(name for name in HerdingMarket.SPECS if name not in OF_TODAY)

EXTENDED = HerdingMarket(
    misalignment_tilt=-2.0, trend_attraction=5.0, trend_memory=0.8, fall_response=20.0, fundamental_tail=0.1,
    chartist_tail=0.2, chartist_skew=-0.1, growth=5e-4, fundamental_mean=110.0,
    fundamental_reversion=0.01, fundamental_start=95.0, variance_mean=1e-4,
    variance_start=2e-4, vol_of_vol=5e-4, leverage_correlation=-0.6,
)  # fmt: skip
MARKETS = {
    "published": HerdingMarket(),
    "extended": EXTENDED,
    "truncated": EXTENDED.replace(vol_of_vol=5e-3, variance_start=None, fundamental_start=None),
    "leverage": HerdingMarket(fall_response=30.0, trend_attraction=-3.0, share_start=0.2, chartist_skew=0.2),
}


def draw(market, seed, n_paths, n_steps, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((n_steps, market.draws_per_step, n_paths), generator=generator, dtype=torch.float64).to(dtype)


def tensors(market):
    """Every parameter as a tensor with a gradient; starts at the mean stay out."""
    given = {name: getattr(market, name) for name in DIFFERENTIABLE}
    return {n: torch.tensor(v, dtype=torch.float64, requires_grad=True) for n, v in given.items() if v is not None}


def gradients(engine, market, noise, **options):
    """Derivatives of a smooth function of all prices, as in a loss."""
    values = tensors(market)
    prices = engine(market, values, noise, **options)
    weights = torch.sin(torch.arange(prices.numel(), dtype=prices.dtype)).reshape(prices.shape)
    (weights * prices + 0.01 * (prices - 100) ** 2).mean().backward()
    return prices.detach(), {n: 0.0 if v.grad is None else v.grad.item() for n, v in values.items()}


@pytest.mark.parametrize("market", MARKETS.values(), ids=MARKETS)
@pytest.mark.parametrize(("n_paths", "n_steps", "seed"), [(1, 300, 0), (257, 200, 1), (1100, 100, 2)])
def test_prices_are_the_references_and_gradients_those_of_the_torch_operations(market, n_paths, n_steps, seed):
    noise = draw(market, seed, n_paths, n_steps)
    truth = reference.simulate(market, noise.numpy())["prices"].T
    prices, by = gradients(adjoint_prices, market, noise)
    eager, expected = gradients(eager_prices, market, noise)
    np.testing.assert_allclose(prices.numpy(), truth, rtol=1e-12)
    np.testing.assert_allclose(eager.numpy(), truth, rtol=1e-12)
    for name, exact in expected.items():
        assert by[name] == pytest.approx(exact, rel=1e-8, abs=1e-300), name


def test_the_terms_of_today_are_the_same_in_every_engine():
    market, found = TODAY.replace(slow_sensitivity=-20.0, trend_attraction=5.0), {}
    noise = draw(market, 7, 70, 200)
    for engine in (adjoint_prices, eager_prices):
        values = {n: torch.tensor(getattr(market, n), dtype=torch.float64, requires_grad=True) for n in OF_TODAY}
        prices = engine(market, values, noise)
        (prices.log()[:, 1:] * torch.cos(torch.arange(200.0))).sum().backward()
        found[engine] = prices.detach().numpy(), {n: v.grad.item() for n, v in values.items()}
    (prices, by), (eager, expected) = found.values()
    np.testing.assert_allclose(prices, eager, rtol=1e-11)
    np.testing.assert_allclose(simulate_arrays(market, noise.numpy())["prices"].T, eager, rtol=1e-11)
    for name, exact in expected.items():
        assert by[name] == pytest.approx(exact, rel=1e-7), name
        assert exact != 0
    twin = market.twin(["chartist_sd", "johnson_tail"]).simulate(3, 5, 30, 300).detach().numpy()
    np.testing.assert_allclose(twin, market.simulate_chunk(3, 5, 30, 300)["prices"], rtol=1e-12)


@pytest.mark.parametrize("engine", [adjoint_prices, eager_prices])
@pytest.mark.parametrize("name", OF_TODAY)
def test_a_number_of_today_that_is_none_makes_prices_that_are_none(engine, name):
    values = {name: torch.tensor(float("nan"), dtype=torch.float64)}
    assert torch.isnan(engine(TODAY, values, draw(TODAY, 12, 5, 70))[:, -1]).all()


STILL = DIFFERENTIABLE[: DIFFERENTIABLE.index("fundamental_reversion")]  # what acts on a value that does not move


@pytest.mark.parametrize(
    ("market", "name"),
    [("published", name) for name in STILL] + [("extended", name) for name in DIFFERENTIABLE],
)
def test_gradients_equal_central_differences(market, name):
    market = MARKETS[market]
    noise, values = draw(market, 4, 3, 150), tensors(market)
    weights = torch.cos(torch.arange(3 * 151, dtype=torch.float64)).reshape(3, 151)
    (exact,) = torch.autograd.grad((weights * adjoint_prices(market, values, noise)).sum(), values[name])
    scale = values[name].abs().item() or 0.1

    def loss(change):
        moved = {key: value.detach() for key, value in values.items()}
        moved[name] = moved[name] + change
        return (weights * adjoint_prices(market, moved, noise)).sum().item()

    step = 5e-5 * scale  # fourth order: the error of the differences is that of rounding
    slope = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * step)
    assert slope == pytest.approx(exact.item(), rel=1e-8, abs=1e-8 * 100 / scale)


def test_starts_at_the_mean_pass_their_gradients_on():
    following, fixed = MARKETS["truncated"], MARKETS["truncated"].replace(variance_start=1e-4, fundamental_start=110.0)
    noise = draw(following, 6, 20, 100)
    one, both = (gradients(adjoint_prices, m, noise)[1] for m in (following, fixed))
    assert one["variance_mean"] == pytest.approx(both["variance_mean"] + both["variance_start"], rel=1e-10)
    assert one["fundamental_mean"] == pytest.approx(both["fundamental_mean"] + both["fundamental_start"], rel=1e-10)


def test_gradients_have_the_same_bits_whatever_the_number_of_threads():
    noise, results = draw(EXTENDED, 7, 1600, 50, torch.float32), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        results.append(gradients(adjoint_prices, EXTENDED, noise))
    for prices, by in results[1:]:
        assert torch.equal(prices, results[0][0])
        assert by == results[0][1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_path_has_the_same_bits_whatever_paths_are_beside_it(dtype):
    noise = draw(EXTENDED, 8, 700, 50, dtype)
    together = adjoint_prices(EXTENDED, {}, noise)
    for first, last in ((0, 1), (250, 263), (505, 700)):
        assert torch.equal(adjoint_prices(EXTENDED, {}, noise[:, :, first:last]), together[first:last])


@pytest.mark.parametrize("engine", [adjoint_prices, eager_prices])
def test_single_precision_is_near_double(engine):
    noise = draw(EXTENDED, 9, 50, 200)
    prices, by = gradients(engine, EXTENDED, noise)
    single_prices, single = gradients(engine, EXTENDED, noise.float())
    torch.testing.assert_close(single_prices.double(), prices, rtol=2e-5, atol=0)
    for name, exact in by.items():
        assert single[name] == pytest.approx(exact, rel=2e-3, abs=1e-4), name


def test_both_engines_share_the_gradient_floor():
    market = MARKETS["truncated"]
    noise = draw(market, 11, 300, 200)
    exact = gradients(adjoint_prices, market, noise)[1]
    held = gradients(adjoint_prices, market, noise, variance_gradient_floor=1e-5)[1]
    eager = gradients(eager_prices, market, noise, variance_gradient_floor=1e-5)[1]
    for name, value in eager.items():
        assert held[name] == pytest.approx(value, rel=1e-8), name
    assert held["variance_mean"] != exact["variance_mean"]


@pytest.mark.parametrize("engine", [adjoint_prices, eager_prices])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_parameter_that_is_not_a_number_makes_prices_that_are_not(engine, name):
    values = {name: torch.tensor(float("nan"), dtype=torch.float64)}
    assert torch.isnan(engine(EXTENDED, values, draw(EXTENDED, 12, 5, 70))[:, -1]).all()


@pytest.mark.parametrize("engine", ["torch", "adjoint"])
@pytest.mark.parametrize("market", MARKETS.values(), ids=MARKETS)
def test_the_twin_makes_the_prices_of_the_kernel(engine, market):
    twin = market.twin(["chartist_sd", "herding"], engine=engine)
    prices = twin.simulate(3, 5, 30, 300)
    np.testing.assert_allclose(prices.detach().numpy(), market.simulate_chunk(3, 5, 30, 300)["prices"], rtol=1e-12)
    prices.square().mean().backward()
    assert all(free.grad.abs() > 0 for free in twin.parameters())


def test_gradient_descent_on_the_same_noise_finds_parameters_again():
    names = {"chartist_sd": 1.5, "misalignment": 10.0, "fall_response": 5.0}
    truth = HerdingMarket(fall_response=20.0)
    twin = truth.replace(**names).twin(list(names))
    noise = twin.draw(0, 0, 100, 150)
    target = truth.twin()(noise)
    optimiser = torch.optim.LBFGS(twin.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        value = (twin(noise) - target).square().mean()
        value.backward()
        return value

    optimiser.step(loss)
    found = twin.to_market()
    for name in names:
        assert getattr(found, name) == pytest.approx(getattr(truth, name), rel=1e-3), name


def test_every_extension_can_be_trained_from_inside_its_bounds():
    names = [name for name in DIFFERENTIABLE if HerdingMarket.SPECS[name].trainable]
    twin = EXTENDED.twin(names, dtype=torch.float32)
    twin.simulate(0, 0, 600, 50).std().backward()
    assert all(torch.isfinite(free.grad) and free.grad != 0 for free in twin.parameters())
    # What has no bounds, from 0.
    neutral = HerdingMarket().twin(
        ["misalignment_tilt", "trend_attraction", "fall_response", "chartist_skew", "growth"]
    )
    neutral.simulate(0, 0, 600, 50).std().backward()
    assert all(free.grad != 0 for free in neutral.parameters())
    with pytest.raises(ParameterError, match="chartist_tail starts at 0, on the edge"):
        HerdingMarket().twin(["chartist_tail"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_prices_and_gradients_on_cuda_equal_those_on_the_cpu():
    results = []
    for device in ("cpu", "cuda"):
        twin = EXTENDED.twin(["chartist_sd", "chartist_tail", "vol_of_vol"], device=device)
        prices = twin.simulate(0, 0, 300, 200)
        prices.square().mean().backward()
        results.append((prices.detach().cpu(), [p.grad.cpu() for p in twin.parameters()]))
    torch.testing.assert_close(results[1][0], results[0][0], rtol=1e-11, atol=0)
    for first, second in zip(results[0][1], results[1][1], strict=True):
        torch.testing.assert_close(second, first, rtol=1e-7, atol=0)
