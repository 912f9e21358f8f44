"""Technical and fundamental traders who switch: the same laws in kernel, reference and twin, and off at zero."""

import numpy as np
import pytest
import torch
from oracles import stock as reference

import simcal
from simcal import StockMarket, noise
from simcal.definition.arrays import eager_prices
from simcal.definition.sweeps import adjoint_prices
from simcal.models.stock import SWITCHING

SWITCH = {"predisposition": -0.4, "herding": 1.6, "misalignment": 30.0, "misalignment_tilt": -2.0}
# The variance stays away from zero, where rounding errors of 1e-18 would grow.
PAPER = StockMarket(variance_mean=0.2, variance_start=None, vol_of_vol=0.05, trend_sensitivity=0.2, impact=0.05)
MARKET = PAPER.replace(**SWITCH)
MARKETS = {
    "switching": MARKET,
    "herding": PAPER.replace(herding=1.5, predisposition=0.3),
    "few": MARKET.replace(n_noise=2, n_technical=1, n_fundamental=1, short_window=3, long_window=20, private_sd=1.0),
    "no technical": MARKET.replace(n_technical=0, short_window=1, long_window=2),
    "no fundamental": MARKET.replace(n_fundamental=0),
}


@pytest.mark.parametrize("rule", ["smoothed", "hard"])
@pytest.mark.parametrize("name", MARKETS)
def test_the_kernel_is_the_reference(name, rule):
    market = MARKETS[name].replace(rule=rule)
    kernel = market.simulate_chunk(1, 0, 300, 200, save=market.OUTPUTS)
    truth = reference.simulate(market, noise.normals(1, 0, 300, 1, 200, market.draws_per_step))
    for output, expected in truth.items():
        np.testing.assert_allclose(kernel[output], expected.T, rtol=1e-12, atol=1e-10, err_msg=output)
    assert np.ptp(kernel["share_fundamental"][:, -1]) > 0 or market.misalignment == 0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_steps_make_the_bits_of_simulate_and_new_paths_are_even_again(dtype):
    stepper = MARKET.stepper(3, 5, 600, dtype=dtype)
    found = np.array([stepper.prices.copy(), *(stepper.advance().copy() for _ in range(80))]).T
    np.testing.assert_array_equal(found, MARKET.simulate_chunk(3, 5, 600, 80, dtype=dtype)["prices"])
    stepper.restart(np.array([0, 599]), np.array([9, 600]))
    for _ in range(40):
        stepper.advance()
    expected = [MARKET.simulate_chunk(3, number, 1, 40, dtype=dtype)["prices"][0, -1] for number in (9, 600)]
    np.testing.assert_allclose(stepper.prices[[0, 599]], expected, rtol=1e-11 if dtype == "float64" else 1e-4)


def test_what_is_ordered_counts_by_the_share_of_its_group():
    saved = MARKET.simulate_chunk(0, 0, 200, 60, save=("demand_technical", "volume_technical", "share_fundamental"))
    share = saved["share_fundamental"]
    assert (share[:, :2] == 0.5).all()
    assert (saved["volume_technical"] <= 2 * (1 - share) * MARKET.n_technical + 1e-12).all()
    value = MARKET.simulate_chunk(0, 0, 200, 60, save=("fundamental_value",))
    gap = value["prices"][:, :-1] / value["fundamental_value"][:, 1:] - 1
    attractive = -0.4 + 1.6 * (2 * share[:, 1:-1] - 1) + 30 * gap[:, :-1] ** 2 - 2 * gap[:, :-1]
    np.testing.assert_allclose(share[:, 2:], 1 / (1 + np.exp(-attractive)), rtol=1e-10)


def test_at_zero_nobody_switches():
    off = MARKET.replace(**dict.fromkeys(SWITCHING, 0.0))
    assert not off.switching
    saved = off.simulate_chunk(0, 0, 100, 50, save=("share_fundamental",))
    np.testing.assert_array_equal(saved["prices"], PAPER.simulate_chunk(0, 0, 100, 50)["prices"])
    assert (saved["share_fundamental"] == 0.5).all()
    nearly = off.replace(predisposition=1e-12).simulate_chunk(0, 0, 100, 50)["prices"]
    np.testing.assert_allclose(nearly, saved["prices"], rtol=1e-10)


def gradients(engine, market, normals):
    names = ["impact", "trend_sensitivity", "value_sensitivity", "fundamental_reversion", "variance_mean", "vol_of_vol"]
    values = {
        n: torch.tensor(getattr(market, n), dtype=torch.float64, requires_grad=True) for n in (*names, *SWITCHING)
    }
    prices = engine(market, values, normals)
    weights = torch.sin(torch.arange(prices.numel(), dtype=prices.dtype)).reshape(prices.shape)
    (weights * prices + 0.01 * (prices - 100) ** 2).mean().backward()
    return prices.detach(), {n: 0.0 if v.grad is None else v.grad.item() for n, v in values.items()}


@pytest.mark.parametrize("name", [*MARKETS, "off"])
@pytest.mark.parametrize(("n_paths", "n_steps"), [(3, 200), (1100, 80)])
def test_prices_are_the_references_and_gradients_those_of_the_torch_operations(name, n_paths, n_steps):
    market = MARKETS.get(name, PAPER)
    shape, generator = (n_steps, market.draws_per_step, n_paths), torch.Generator().manual_seed(2)
    normals = torch.randn(shape, generator=generator, dtype=torch.float64)
    truth = reference.simulate(market, normals.numpy())["prices"].T
    prices, by = gradients(adjoint_prices, market, normals)
    eager, expected = gradients(eager_prices, market, normals)
    np.testing.assert_allclose(prices.numpy(), truth, rtol=1e-12)
    np.testing.assert_allclose(eager.numpy(), truth, rtol=1e-12)
    for parameter, exact in expected.items():
        assert by[parameter] == pytest.approx(exact, rel=1e-8, abs=1e-300), parameter
    assert by["predisposition"] != 0


@pytest.mark.parametrize("name", [*SWITCHING, "impact", "value_sensitivity", "fundamental_start"])
def test_gradients_equal_central_differences(name):
    generator = torch.Generator().manual_seed(3)
    normals = torch.randn((150, MARKET.draws_per_step, 3), generator=generator, dtype=torch.float64)
    value = torch.tensor(getattr(MARKET, name), dtype=torch.float64, requires_grad=True)
    weights = torch.cos(torch.arange(3 * 151, dtype=torch.float64)).reshape(3, 151)
    (exact,) = torch.autograd.grad((weights * adjoint_prices(MARKET, {name: value}, normals)).sum(), value)

    def loss(change):
        return (weights * adjoint_prices(MARKET, {name: value.detach() + change}, normals)).sum().item()

    step = 1e-4 * value.abs().item()  # fourth order: the error of the differences is that of rounding
    slope = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * step)
    assert slope == pytest.approx(exact.item(), rel=1e-7)


def test_switching_can_be_trained_from_zero():
    twin = PAPER.twin(SWITCHING, dtype=torch.float32)
    twin.simulate(0, 0, 600, 60).std().backward()
    slopes = {name: free.grad.item() for name, free in twin.trainable.free.items()}
    # From b = 0 on, herding has nothing to work on.
    assert slopes.pop("herding") == 0
    assert all(slopes.values())


def test_the_shipped_market_is_three_types_two_of_which_switch_around_a_heston_value():
    market = simcal.load("stock-switching")
    assert market.switching
    assert min(market.n_noise, market.n_technical, market.n_fundamental, market.vol_of_vol) > 0
    saved = simcal.simulate(market, 50, 2000, save=("share_fundamental",), threads=1)
    assert saved.status == "ok"
    share = saved.outputs["share_fundamental"][:, 200:]
    assert share.min() < 0.25
    assert share.max() > 0.9
