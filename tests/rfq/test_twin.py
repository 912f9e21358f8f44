"""The twin: the requests of the engines, and gradients that are those of closed forms and finite differences."""

import numpy as np
import pytest
import rfq_reference as reference
import torch

from simcal.errors import ParameterError
from simcal.rfq import closed_forms
from simcal.rfq import laws as exponential_power
from simcal.rfq.laws_torch import standard_sf
from simcal.rfq.market import RfqMarket
from simcal.rfq.rules import GIVEN, SEEN
from simcal.rfq.twin import RfqTwin

LAWS = ("client_mean", "client_scale", "client_shape", "quote_mean", "quote_scale", "quote_shape")
QUOTE_LAWS = LAWS[3:]
PLAIN = RfqMarket(rule="smoothed")
UNEQUAL = RfqMarket(
    rule="smoothed",
    quote_mean=(0.5, 0.6, 0.4, 1.0, 0.7),
    quote_scale=(0.5, 0.8, 1.0, 0.3, 0.9),
    quote_shape=(0.5, 1.2, 2.0, 4.0, 20.0),
    client_shape=0.7,
    panel_weights=(1, 2, 3, 4, 5),
    size_log_sd=0.7,
    size_median=2.0,
    buy_share=0.6,
)
SKEWED = UNEQUAL.replace(inventory_skew=(0.05, 0.1, 0.0, 0.02, 0.3), temperature=0.3)
ALONE = RfqMarket(rule="smoothed", n_dealers=1, inventory_skew=0.1)


def reference_channels(market: RfqMarket, seed: int, first_path: int, n_paths: int, n_steps: int) -> np.ndarray:
    """What the plain NumPy program says, in the channels of the twin."""
    out = reference.simulate(market, seed, first_path, n_paths, n_steps)
    out = {name: values[:, 1:] for name, values in out.items() if name != "failed_step"}

    def reduced(name: str) -> np.ndarray:
        return out["side"] * (out[name] - out["prices"]) / market.half_spread

    names = ("own_quote", "rival_quote", "best_quote", "cover_quote")
    columns = [out["side"], out["size"], out["n_dealers"], *map(reduced, names), out["own_done"], out["traded"]]
    return np.stack(columns, axis=-1)


def channel(seen: torch.Tensor, name: str) -> torch.Tensor:
    return seen[:, 1:, SEEN.index(name)]


def as_given(seen: torch.Tensor) -> torch.Tensor:
    return torch.stack([seen[..., SEEN.index(name)] for name in GIVEN], dim=1).detach().clone()


def smooth_loss(seen: torch.Tensor) -> torch.Tensor:
    """A number that depends on every channel of every request in its own way."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(seen.shape, generator=generator, dtype=torch.float64)
    return (torch.nan_to_num(seen).tanh() * weights).mean() * 100


@pytest.mark.parametrize("market", [PLAIN, UNEQUAL, SKEWED, ALONE], ids=["plain", "unequal", "skewed", "alone"])
@pytest.mark.parametrize("seed", [0, 5])
def test_smoothed_requests_are_those_of_the_reference(market, seed):
    seen = RfqTwin(market).simulate(seed, 3, 7, 60)
    expected = reference_channels(market, seed, 3, 7, 60)
    np.testing.assert_allclose(seen[:, 1:].numpy(), expected, rtol=0, atol=1e-10)
    assert (seen[:, 0] == 0).all()


@pytest.mark.parametrize("market", [PLAIN, UNEQUAL], ids=["plain", "unequal"])
def test_hard_requests_have_the_quotes_of_the_reference_and_its_trades_on_average(market):
    market = market.replace(rule="hard")
    seen = RfqTwin(market).simulate(1, 0, 400, 100)[:, 1:].numpy()
    expected = reference_channels(market, 1, 0, 400, 100)
    np.testing.assert_allclose(seen[..., :-2], expected[..., :-2], rtol=0, atol=1e-10)
    for c in (SEEN.index("done"), SEEN.index("traded")):
        surprise = expected[..., c] - seen[..., c]
        assert abs(surprise.mean()) < 3 * surprise.std() / np.sqrt(surprise.size)
        assert surprise.var() == pytest.approx((seen[..., c] * (1 - seen[..., c])).mean(), rel=0.03)


def test_the_smoothed_rule_becomes_the_hard_one_as_it_cools():
    cold = UNEQUAL.replace(temperature=1e-6)
    seen = RfqTwin(cold).simulate(2, 0, 20, 100)[:, 1:].numpy()
    expected = reference_channels(UNEQUAL.replace(rule="hard"), 2, 0, 20, 100)
    np.testing.assert_allclose(seen, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", [PLAIN, UNEQUAL.replace(n_dealers=5)], ids=["plain", "unequal"])
def test_hard_means_are_the_closed_forms(case):
    case = case.replace(rule="hard")
    seen = RfqTwin(case).simulate(4, 0, 1, 200_000)
    for name, exact in (("traded", closed_forms.acceptance(case)), ("done", closed_forms.hit_ratio(case))):
        values = channel(seen, name)
        assert abs(float(values.mean()) - exact) < 3 * float(values.std()) / np.sqrt(values.numel())
    gap = channel(seen, "cover") - channel(seen, "best")
    gap = gap[~gap.isnan()]
    exact = closed_forms.expected_cover_gap(case)
    assert abs(float(gap.mean()) - exact) < 3 * float(gap.std()) / np.sqrt(gap.numel())


def mean_gradients(twin: RfqTwin, name: str) -> np.ndarray:
    """Gradients of the mean of a channel in the natural parameters, one row per batch of requests."""
    rows = []
    for seed in range(10):
        mean = channel(twin.simulate(seed, 0, 1, 10_000), name).mean()
        in_free = torch.autograd.grad(mean, list(twin.parameters()))
        natural = torch.cat([value.reshape(-1) for value in twin.trainable.values().values()])
        scales = torch.autograd.grad(natural.sum(), list(twin.parameters()))
        rows.append(torch.cat([(g / s).reshape(-1) for g, s in zip(in_free, scales, strict=True)]).numpy())
    return np.array(rows)


def slopes(of, market: RfqMarket, names: tuple[str, ...], h: float = 1e-4) -> np.ndarray:
    """Derivatives of a closed form, in each number of each parameter."""
    found = []
    for name in names:
        value = np.asarray(getattr(market, name), float)
        for i in np.ndindex(value.shape):
            step = np.zeros(value.shape)
            step[i] = h
            above, below = (market.replace(**{name: (value + s).tolist()}) for s in (step, -step))
            found.append((of(above) - of(below)) / (2 * h))
    return np.array(found)


@pytest.mark.parametrize(("client_shape", "quote_shape"), [(2.0, 1.2), (0.8, 4.0)])
def test_the_gradient_of_the_hard_acceptance_is_the_slope_of_the_closed_form(client_shape, quote_shape):
    market = RfqMarket(client_shape=client_shape, quote_shape=quote_shape, panel_weights=(1, 1, 1, 1, 4))
    gradients = mean_gradients(RfqTwin(market, LAWS), "traded")
    error = np.abs(gradients.mean(axis=0) - slopes(closed_forms.acceptance, market, LAWS))
    assert (error < 3 * gradients.std(axis=0, ddof=1) / np.sqrt(len(gradients))).all()


def test_the_gradient_of_the_hard_hit_ratio_knows_who_is_best():
    """In each dealer's own law: without the change of rank, the gradients would be wrong by more than 0.05."""
    market = RfqMarket(n_dealers=3, quote_mean=(0.5, 0.6, 0.7), quote_scale=(0.6, 0.8, 1.0), temperature=0.05)
    names = ("quote_mean", "quote_scale")
    gradients = mean_gradients(RfqTwin(market, names, per_trader=names), "done")
    error = np.abs(gradients.mean(axis=0) - slopes(closed_forms.hit_ratio, market, names))
    assert (error < 3 * gradients.std(axis=0, ddof=1) / np.sqrt(len(gradients)) + 0.002).all()


@pytest.mark.parametrize("shape", [0.3, 0.7, 1.0, 2.0, 4.0, 20.0])
def test_the_survival_function_and_its_gradients_are_exact(shape):
    z = torch.tensor([-3.0, -1.2, -0.4, -1e-3, 1e-3, 0.3, 0.9, 1.1, 2.5], dtype=torch.float64, requires_grad=True)
    a = torch.tensor(shape, dtype=torch.float64, requires_grad=True)
    values = standard_sf(z, a)
    x = z.detach().numpy()
    np.testing.assert_allclose(values.detach().numpy(), exponential_power.sf(x, 0, 1, shape), rtol=1e-12)
    (in_z,) = torch.autograd.grad(values.sum(), z, retain_graph=True)
    np.testing.assert_allclose(in_z.numpy(), -exponential_power.pdf(x, 0, 1, shape), rtol=1e-12)
    h = 1e-4 * shape
    for i in range(len(x)):
        (in_shape,) = torch.autograd.grad(values[i], a, retain_graph=True)
        rise = exponential_power.sf(x[i], 0, 1, shape + h) - exponential_power.sf(x[i], 0, 1, shape - h)
        assert float(in_shape) == pytest.approx(rise / (2 * h), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("rule", ["smoothed", "skewed"])
@pytest.mark.parametrize(("client_shape", "quote_shape"), [(2.0, 1.2), (0.7, 0.5), (1.0, 2.0), (4.0, 20.0)])
def test_shared_gradients_are_those_of_finite_differences(rule, client_shape, quote_shape):
    market = RfqMarket(
        rule="smoothed", client_shape=client_shape, quote_shape=quote_shape, panel_weights=(1, 1, 1, 1, 3),
        size_log_sd=0.3, inventory_skew=0.1 if rule == "skewed" else 0.0,
    )  # fmt: skip
    check_gradients(RfqTwin(market, (*LAWS, "inventory_skew") if rule == "skewed" else LAWS))


def test_gradients_per_dealer_are_those_of_finite_differences():
    names = (*LAWS, "inventory_skew")
    market = SKEWED.replace(inventory_skew=(0.05, 0.1, 0.2, 0.02, 0.3), quote_shape=(0.5, 1.2, 2.0, 4.0, 20.0))
    check_gradients(RfqTwin(market, names, per_trader=(*QUOTE_LAWS, "inventory_skew")))


def test_hard_gradients_of_quotes_and_acceptance_are_those_of_finite_differences():
    market = UNEQUAL.replace(rule="hard")
    check_gradients(RfqTwin(market, LAWS, per_trader=QUOTE_LAWS), without=("done",))


def check_gradients(twin: RfqTwin, without: tuple[str, ...] = ()) -> None:
    kept = [i for i, name in enumerate(SEEN) if name not in without]

    def loss() -> torch.Tensor:
        return smooth_loss(twin.simulate(9, 2, 5, 12)[..., kept])

    loss().backward()
    h = 1e-6
    for name, free in twin.trainable.free.items():
        numbers, gradient = free.data.view(-1), free.grad.view(-1)  # type: ignore[union-attr]
        for i in range(numbers.numel()):
            start = float(numbers[i])
            with torch.no_grad():
                numbers[i] = start + h
                above = float(loss())
                numbers[i] = start - h
                below = float(loss())
                numbers[i] = start
            assert float(gradient[i]) == pytest.approx((above - below) / (2 * h), rel=1e-5, abs=1e-7), (name, i)


@pytest.mark.parametrize("market", [PLAIN, UNEQUAL, SKEWED], ids=["plain", "unequal", "skewed"])
def test_requests_replayed_as_given_come_out_the_same(market):
    twin = RfqTwin(market)
    seen = twin.simulate(3, 0, 6, 40)
    again = twin.simulate(3, 0, 6, 40, given=as_given(seen))
    torch.testing.assert_close(again, seen, rtol=0, atol=1e-12, equal_nan=True)


def test_what_is_given_is_kept_and_the_rest_is_drawn_as_before():
    twin = RfqTwin(UNEQUAL)
    seen = twin.simulate(3, 0, 6, 40)
    given = torch.full((6, len(GIVEN), 41), torch.nan, dtype=torch.float64)
    torch.testing.assert_close(twin.simulate(3, 0, 6, 40, given=given), seen, rtol=0, atol=0, equal_nan=True)
    given[:3, GIVEN.index("own"), 1:] = -0.3
    given[:, GIVEN.index("n_dealers"), 1:] = 5
    given[:, GIVEN.index("size"), 1:] = torch.arange(1.0, 41.0)
    replayed = twin.simulate(3, 0, 6, 40, given=given)
    assert (channel(replayed, "own")[:3] == -0.3).all()
    torch.testing.assert_close(channel(replayed, "own")[3:], channel(seen, "own")[3:])
    assert (channel(replayed, "n_dealers") == 5).all()
    assert (channel(replayed, "size") == torch.arange(1.0, 41.0)).all()
    same = channel(seen, "n_dealers") == 5
    torch.testing.assert_close(channel(replayed, "rival")[same], channel(seen, "rival")[same])
    assert not channel(replayed, "rival").isnan().any()


def test_a_better_given_quote_is_done_more_often_as_the_hit_curve_says():
    market = RfqMarket(panel_weights=(1, 1, 1, 1, 1))
    given = torch.full((1, len(GIVEN), 50_001), torch.nan, dtype=torch.float64)
    for margin in (-0.2, 0.3, 0.8):
        given[:, GIVEN.index("own")] = margin
        done = channel(RfqTwin(market).simulate(8, 0, 1, 50_000, given=given), "done")
        exact = float(closed_forms.hit_curve(market, margin))
        assert abs(float(done.mean()) - exact) < 3 * float(done.std()) / np.sqrt(50_000)


def test_a_path_is_the_same_to_rounding_whatever_others_are_simulated():
    twin = RfqTwin(SKEWED)
    some, all_of_them = twin.simulate(0, 4, 2, 30), twin.simulate(0, 0, 9, 30)
    torch.testing.assert_close(some, all_of_them[4:6], rtol=1e-14, atol=1e-14, equal_nan=True)


@pytest.mark.parametrize("market", [UNEQUAL.replace(rule="hard"), UNEQUAL, SKEWED], ids=["hard", "smoothed", "skewed"])
def test_single_precision_is_close_to_double_with_its_gradients(market):
    results = []
    for dtype in (torch.float64, torch.float32):
        twin = RfqTwin(market, LAWS, per_trader=QUOTE_LAWS, dtype=dtype)
        seen = twin.simulate(6, 0, 8, 50)
        assert seen.dtype == dtype
        smooth_loss(seen.double()).backward()
        results.append((seen.double(), torch.cat([free.grad.reshape(-1) for free in twin.parameters()])))
    (seen, gradient), (seen32, gradient32) = results
    torch.testing.assert_close(seen32, seen, rtol=1e-4, atol=1e-4, equal_nan=True)
    torch.testing.assert_close(gradient32, gradient, rtol=1e-3, atol=1e-4)


def test_the_market_returns_with_its_trained_values():
    twin = RfqTwin(PLAIN, ("quote_shape", "client_mean"))
    twin.trainable.set_values({"quote_shape": 0.9, "client_mean": -0.1})
    market = twin.to_market()
    assert market.quote_shape == pytest.approx(0.9)
    assert market.replace(quote_shape=1.2, client_mean=0.2) == PLAIN
    expected = reference_channels(market, 0, 0, 3, 20)
    np.testing.assert_allclose(twin.simulate(0, 0, 3, 20)[:, 1:].detach().numpy(), expected, rtol=0, atol=1e-9)


def test_refusals_say_what_to_do():
    with pytest.raises(ParameterError, match="tick=0"):
        RfqTwin(RfqMarket(tick=0.01))
    with pytest.raises(ParameterError, match="rule='smoothed'"):
        RfqTwin(RfqMarket(inventory_skew=0.1))
    with pytest.raises(ParameterError, match="rule='smoothed'"):
        RfqTwin(RfqMarket(inventory_skew=0.1), ["inventory_skew"])
    with pytest.raises(ParameterError, match=r"torch\.float64"):
        RfqTwin(PLAIN, dtype=torch.float16)
    twin = RfqTwin(PLAIN)
    with pytest.raises(ParameterError, match=r"shape \(2, 4, 6\)"):
        twin.simulate(0, 0, 2, 5, given=torch.zeros(2, 4, 5))
    too_many = torch.full((2, 4, 6), 7.0)
    with pytest.raises(ParameterError, match="request to 7 dealers"):
        twin.simulate(0, 0, 2, 5, given=too_many)
    with pytest.raises(ParameterError, match="the method draw"):
        twin(torch.zeros(3, 2, 4))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("market", [UNEQUAL.replace(rule="hard"), SKEWED], ids=["hard", "skewed"])
def test_a_cuda_device_gives_the_same_requests_and_gradients(market):
    results = []
    for device in ("cpu", "cuda"):
        twin = RfqTwin(market, LAWS, per_trader=QUOTE_LAWS, device=device)
        seen = twin.simulate(6, 0, 8, 50)
        smooth_loss(seen.cpu()).backward()
        results.append((seen.detach().cpu(), torch.cat([free.grad.reshape(-1).cpu() for free in twin.parameters()])))
    torch.testing.assert_close(results[1], results[0], rtol=1e-9, atol=1e-10, equal_nan=True)
