"""What is made from a definition agrees: kernel, stepper, arrays, tensors, gradients, central differences."""

import numpy as np
import pytest
import torch

import simcal
from simcal import noise
from simcal.definition import (
    PriceMarket,
    Trader,
    choice,
    draw,
    exp,
    group,
    log,
    maximum,
    minimum,
    output,
    parameter,
    root,
    sign,
    state,
    tanh_half,
    where,
)
from simcal.definition.arrays import eager_prices, simulate_arrays
from simcal.definition.sweeps import adjoint_prices


class Follower(Trader):
    """Remembers what it has seen and holds, looks back by a delay and a window of its own, hears its own noise."""

    gain = parameter(0.7, "size of its orders")
    memory = parameter(0.9, "weight that what it has seen keeps", 0, 1)
    window = parameter(4, "prices in its mean", 1, integer=True)
    delay = parameter(2, "age of the price that it compares with", 1, integer=True)
    seen = state(1e-3)
    held = state(lambda trader: 0.1 * trader.gain)
    own = draw()

    def orders(self, market):
        change = market.price / market.lag("price", self.delay) - 1
        gap = market.price / market.mean("price", self.window) - 1
        self.seen = self.memory * self.seen + (1 - self.memory) * (change + gap + 0.01 * self.own) ** 2
        before, self.held = self.held, minimum(0.02 / root(self.seen), 1.0) * tanh_half(market.mood)
        return self.gain * (self.held - before)


class Crowd(PriceMarket):
    """A little of everything that the language has."""

    sd = parameter(0.5, "size of the noise", 0)
    pull = parameter(0.3, "how the mood answers to the last mean")
    level = parameter(None, "where the mood goes; absent: at the pull", follows="pull")
    followers = group(Follower, 3)

    price = state(100.0)
    mood = state("level")
    public = draw()
    gap = output("log price over its mean of six")
    size = output("sum of the sizes of orders")

    def step(self):
        self.gap = log(self.price / self.mean("price", 6))
        up = where(self.gap > 0.0, self.gap, 0.5 * self.gap)
        self.mood = 0.8 * self.mood + self.pull * exp(maximum(up, -1.0)) * self.public + 0.01 * self.level
        orders = self.orders("followers")
        self.size = orders.volume
        self.price = self.price * (1 + 0.01 * (self.sd * self.public + orders.demand + self.outside))


CROWD = Crowd(window=[2, 4, 9], delay=[1, 2, 5], gain=[0.5, -0.3, 0.8], memory=[0.5, 0.9, 0.7])
NAMES = [name for name, spec in CROWD.SPECS.items() if not spec.integer]


def gradients(engine, market, normals, names):
    given = {n: market.vector(n) if market.SPECS[n].group else market.starting(n) for n in names}
    values = {n: torch.tensor(v, dtype=torch.float64, requires_grad=True) for n, v in given.items()}
    prices = engine(market, values, normals)
    weights = torch.sin(torch.arange(prices.numel(), dtype=prices.dtype)).reshape(prices.shape)
    (weights * prices).sum().backward()
    return prices.detach(), {n: v.grad for n, v in values.items()}


@pytest.mark.parametrize("seed", [0, 3])
def test_the_kernel_and_the_stepper_make_what_the_step_makes_on_arrays(seed):
    saved = simcal.simulate(CROWD, 600, 90, seed=seed, save=CROWD.OUTPUTS, threads=2)
    plain = simulate_arrays(CROWD, noise.normals(seed, 0, 600, 1, 90, CROWD.draws_per_step))
    np.testing.assert_allclose(saved.prices, plain["prices"].T, rtol=1e-13)
    for name in CROWD.OUTPUTS:
        np.testing.assert_allclose(saved.outputs[name], plain[name].T, atol=1e-12)
    stepper = CROWD.stepper(seed, 0, 600)
    for _ in range(90):
        stepper.advance()
    np.testing.assert_array_equal(stepper.prices, saved.prices[:, -1])
    np.testing.assert_array_equal(stepper.value("size"), saved.outputs["size"][:, -1])
    alone = simcal.simulate(CROWD, 1, 90, seed=seed, first_path=577).prices[0]
    np.testing.assert_array_equal(alone, saved.prices[577])


@pytest.mark.parametrize(("n_paths", "n_steps"), [(3, 120), (700, 30)])
def test_the_adjoint_has_the_gradients_of_the_tensors(n_paths, n_steps):
    generator = torch.Generator().manual_seed(1)
    normals = torch.randn((n_steps, CROWD.draws_per_step, n_paths), generator=generator, dtype=torch.float64)
    prices, by = gradients(adjoint_prices, CROWD, normals, NAMES)
    eager, expected = gradients(eager_prices, CROWD, normals, NAMES)
    torch.testing.assert_close(prices, eager, rtol=1e-12, atol=0)
    for name in NAMES:
        torch.testing.assert_close(by[name], expected[name], rtol=1e-9, atol=1e-9 * expected[name].abs().max().item())
    # What follows another parameter, where it is not given, adds to that one's derivative.
    followed = gradients(adjoint_prices, CROWD, normals, ["pull"])[1]["pull"]
    torch.testing.assert_close(followed, by["pull"] + by["level"], rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_equal_central_differences(name):
    generator = torch.Generator().manual_seed(2)
    normals = torch.randn((40, CROWD.draws_per_step, 4), generator=generator, dtype=torch.float64)
    exact = gradients(adjoint_prices, CROWD, normals, NAMES)[1][name].reshape(-1)
    weights = torch.sin(torch.arange(4 * 41, dtype=torch.float64)).reshape(4, 41)

    def loss(i, change):
        given = {n: CROWD.vector(n) if CROWD.SPECS[n].group else CROWD.starting(n) for n in NAMES}
        given = {n: torch.tensor(v, dtype=torch.float64) for n, v in given.items()}
        given[name].reshape(-1)[i] += change
        return (weights * adjoint_prices(CROWD, given, normals)).sum().item()

    for i in range(exact.numel()):
        step = 1e-6  # so small that no path crosses a kink of where, minimum or maximum on the way
        slope = (loss(i, step) - loss(i, -step)) / (2 * step)
        assert slope == pytest.approx(exact[i].item(), rel=1e-5, abs=1e-4)


def test_the_number_of_traders_is_no_part_of_the_emitted_text():
    from simcal.definition.kernel import kernel_of

    more = CROWD.replace(n_followers=5, window=3, delay=2, gain=0.4, memory=0.5)
    assert kernel_of(more).module is kernel_of(CROWD).module
    plain = simulate_arrays(more, noise.normals(0, 0, 20, 1, 30, more.draws_per_step))
    np.testing.assert_allclose(simcal.simulate(more, 20, 30).prices, plain["prices"].T, rtol=1e-13)


def test_a_surrogate_gives_a_hard_rule_a_slope():
    class Hard(PriceMarket):
        cut = parameter(0.2, "where the rule jumps", 0)
        lean = parameter(0.1, "what is added to the signal")
        price = state(100.0)
        z = draw()

        def step(self):
            self.price = self.price * (1 + 0.01 * sign(self.z + self.lean, self.cut, slope=3.0))

    normals = torch.randn((20, 1, 5), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    prices, by = gradients(adjoint_prices, Hard(), normals, ["lean"])
    eager, expected = gradients(eager_prices, Hard(), normals, ["lean"])
    torch.testing.assert_close(prices, eager, rtol=1e-12, atol=0)
    torch.testing.assert_close(by["lean"], expected["lean"], rtol=1e-9, atol=0)
    assert by["lean"] != 0
    moves = np.sign(np.diff(prices.numpy(), axis=1))
    signal = normals[:, 0].T.numpy() + 0.1
    np.testing.assert_array_equal(moves, np.where(signal >= 0.2, 1, np.where(signal <= -0.2, -1, 0)))


def test_orders_that_do_not_differ_and_bounds_without_end_are_numbers_too():
    class Steady(Trader):
        much = parameter(0.5, "what it always orders")

        def orders(self, market):
            return minimum(self.much, float("inf")) if market.eager else self.much

    class Calm(PriceMarket):
        steady = group(Steady, 3)
        eager = choice("", ("", "yes"), "whether a bound is asked for")
        price = state(100.0)
        z = draw()

        def step(self):
            self.price = self.price + 0.001 * self.orders("steady").demand + maximum(0.0 * self.z, float("-inf"))

    for market in (Calm(much=[1.0, 2.0, 3.0]), Calm(much=[1.0, 2.0, 3.0], eager="yes")):
        prices = simcal.simulate(market, 2, 10).prices
        np.testing.assert_allclose(prices, np.broadcast_to(100 + 0.006 * np.arange(11), (2, 11)))
