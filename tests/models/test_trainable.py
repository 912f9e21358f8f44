from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch

from simcal.definition.trainable import TrainableParameters
from simcal.errors import ParameterError
from simcal.models.stock import StockMarket
from simcal.parameters import Parameter

NAMES = ("impact", "public_weight", "trend_sensitivity", "leverage_correlation", "fundamental_mean")


@dataclass(frozen=True)
class Toy:
    """A market with the kinds of bounds that the stock market lacks."""

    SPECS: ClassVar = {
        "above": Parameter("above", 3.0, "", low=2.0),
        "below": Parameter("below", 1.0, "", high=4.0),
        "between": Parameter("between", 0.0, "", low=-2.0, high=5.0),
        "free": Parameter("free", -7.0, ""),
        "large": Parameter("large", 300.0, "", scale=100.0),
    }
    above: float = 3.0
    below: float = 1.0
    between: float = 0.0
    free: float = -7.0
    large: float = 300.0

    def replace(self, **changes):
        for name, value in changes.items():
            self.SPECS[name].check(value)
        return replace(self, **changes)


def test_the_market_comes_back_as_it_was_given():
    market = StockMarket(trend_sensitivity=(0.1, 0.2, 0.3, 0.4, 0.5), public_weight=-1.3, leverage_correlation=0.2)
    parameters = TrainableParameters(market, NAMES, per_trader=("trend_sensitivity",))
    back = parameters.to_market()
    for name in NAMES:
        assert getattr(back, name) == pytest.approx(getattr(market, name), rel=1e-14)
    assert back == market.replace(**{name: getattr(back, name) for name in NAMES})


@pytest.mark.parametrize("free", [-1e9, -40.0, 0.0, 40.0, 700.0])
def test_any_free_number_gives_a_value_strictly_inside_the_bounds(free):
    for market, names in ((Toy(), Toy.SPECS), (StockMarket(), NAMES)):
        parameters = TrainableParameters(market, names)
        for number in parameters.free.values():
            number.data.fill_(free)
        values = parameters.to_market()
        for name in names:
            spec = market.SPECS[name]
            assert spec.low < getattr(values, name) < spec.high


def test_without_bounds_a_free_number_is_the_value_in_units_of_its_scale():
    parameters = TrainableParameters(Toy(), ["free", "large"])
    assert (parameters.free["free"].item(), parameters.free["large"].item()) == (-7.0, 3.0)
    parameters.set_values({"large": -50.0})
    assert parameters.free["large"].item() == -0.5
    assert parameters.to_market().large == -50.0


def test_a_shared_parameter_is_one_number_and_one_per_trader_a_vector():
    values = TrainableParameters(
        StockMarket(), ["public_weight", "private_weight"], per_trader=["public_weight"]
    ).values()
    assert values["public_weight"].shape == (7,)
    assert values["private_weight"].shape == ()


def test_natural_values_pass_gradients_to_the_free_numbers():
    parameters = TrainableParameters(Toy(), Toy.SPECS)
    sum(parameters.values().values()).backward()
    # The derivatives of 2 + e^x at 3, 4 - e^x at 1, -2 + 7 s(x) at 0, and x.
    expected = {"above": 1.0, "below": -3.0, "between": 7 * (2 / 7) * (5 / 7), "free": 1.0}
    for name, gradient in expected.items():
        assert parameters.free[name].grad.item() == pytest.approx(gradient, rel=1e-12)


def test_set_values_puts_numbers_for_all_traders_or_for_each():
    parameters = TrainableParameters(StockMarket(), ["trend_sensitivity", "impact"], per_trader=["trend_sensitivity"])
    parameters.set_values({"trend_sensitivity": 0.7, "impact": 0.3})
    assert parameters.to_market().trend_sensitivity == pytest.approx((0.7,) * 5)
    parameters.set_values({"trend_sensitivity": torch.arange(1.0, 6.0)})
    market = parameters.to_market()
    assert market.trend_sensitivity == pytest.approx((1, 2, 3, 4, 5))
    assert market.impact == pytest.approx(0.3)


def test_scatter_moves_every_free_number_by_the_scale_and_repeats_with_the_seed():
    market = StockMarket(n_noise=4000)
    first, second = (TrainableParameters(market, ["public_weight"], per_trader=["public_weight"]) for _ in range(2))
    first.scatter(torch.Generator().manual_seed(0), 0.5)
    second.scatter(torch.Generator().manual_seed(0), 0.5)
    assert torch.equal(first.free["public_weight"], second.free["public_weight"])
    moved = first.free["public_weight"].detach() - 1
    assert moved.std().item() == pytest.approx(0.5, abs=4 * 0.5 / 8000**0.5)
    assert moved.mean().item() == pytest.approx(0, abs=4 * 0.5 / 4000**0.5)


def test_the_state_is_the_free_numbers_by_name():
    parameters = TrainableParameters(StockMarket(), NAMES)
    assert list(parameters.state_dict()) == [f"free.{name}" for name in NAMES]
    other = TrainableParameters(StockMarket(impact=0.5, trend_sensitivity=2.0), NAMES)
    other.load_state_dict(parameters.state_dict())
    assert other.to_market() == parameters.to_market()


@pytest.mark.parametrize(
    ("names", "per_trader", "changes", "sentence"),
    [
        (["public_wieght"], [], {}, "did you mean 'public_weight'"),
        (["initial_price"], [], {}, "initial_price cannot be trained; choose among impact"),
        (["short_window"], [], {}, "short_window cannot be trained"),
        (["impact"], ["impact"], {}, "belongs to the whole market"),
        (["impact"], ["public_weight"], {}, "'public_weight' is not among the trainable parameters"),
        (["public_weight"], [], {"public_weight": (1, 2, 3, 4, 5, 6, 7)}, "name it in per_trader"),
        (["vol_of_vol"], [], {"vol_of_vol": 0.0}, "vol_of_vol starts at 0, on the edge"),
        (
            ["trend_sensitivity"],
            [],
            {"n_technical": 0, "short_window": 1, "long_window": 2},
            "because n_technical is 0",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_with_a_sentence(names, per_trader, changes, sentence):
    with pytest.raises(ParameterError, match=sentence):
        TrainableParameters(StockMarket(**changes), names, per_trader=per_trader)


def test_values_outside_the_bounds_are_refused():
    parameters = TrainableParameters(StockMarket(), NAMES)
    with pytest.raises(ParameterError, match="impact is 2, but must be"):
        parameters.set_values({"impact": 2.0})
    with pytest.raises(ParameterError, match="'vol_of_vol' is not a trained parameter"):
        parameters.set_values({"vol_of_vol": 2.0})


def test_a_number_that_is_not_finite_makes_no_market():
    parameters = TrainableParameters(StockMarket(), NAMES)
    parameters.free["trend_sensitivity"].data.fill_(float("nan"))
    with pytest.raises(ParameterError, match="trend_sensitivity is nan"):
        parameters.to_market()
