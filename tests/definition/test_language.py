"""What the language refuses, and in which words; what a definition shows of itself."""

import copy
import pickle
import re

import numpy as np
import pytest

import simcal
from simcal.definition import DefinitionError, PriceMarket, Trader, draw, group, output, parameter, state
from simcal.errors import ParameterError


class Plain(PriceMarket):
    sd = parameter(0.01, "size of the noise", 0, letter="sigma")
    price = state(100.0)
    z = draw()

    def step(self):
        self.price = self.price * (1 + self.sd * self.z)


def market_with(step, **members):
    return type("Broken", (Plain,), {"step": step, **members})()


def use_numpy(self):
    self.price = np.exp(self.price)


def use_math(self):
    self.price = self.price * float(self.z)


def choose(self):
    self.price = self.price if self.z > 0 else 2 * self.price


def assign_parameter(self):
    self.sd = self.z


def assign_unknown(self):
    self.trend = self.z


def look_at_text(self):
    self.price = self.price + "a"


def power(self):
    self.price = self.price**1.5


def lag_of_nothing(self):
    self.price = self.lag("value", 2)


def lag_of_half(self):
    self.price = self.lag("price", 1.5)


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (use_numpy, "."),
        (use_math, "has no value yet"),
        (choose, "A choice by `if`.*use where"),
        (assign_parameter, "sd is neither a state nor an output of Broken"),
        (assign_unknown, r"declare trend = state\(...\)"),
        (look_at_text, "'a' is used as a number of the step"),
        (power, "A power other than 2"),
        (lag_of_nothing, "'value' is not a state of the market"),
        (lag_of_half, "whole number of at least 1"),
    ],
)
def test_a_step_that_cannot_be_compiled_is_refused_with_its_line(step, sentence):
    with pytest.raises((DefinitionError, TypeError), match=sentence) as refusal:
        simcal.simulate(market_with(step), 2, 3)
    if refusal.type is DefinitionError:
        line = step.__code__.co_firstlineno + 1
        assert f"{__file__}:{line}: " in str(refusal.value)


def test_a_market_without_a_price_and_names_given_twice_are_refused():
    with pytest.raises(DefinitionError, match="declares no price"):
        type("NoPrice", (PriceMarket,), {"step": lambda self: None})

    class Twice(Trader):
        sd = parameter(1.0, "")

        def orders(self, market):
            return self.sd

    with pytest.raises(DefinitionError, match=r"has sd twice.*Rename it in Twice, for example to others_sd"):
        type("Both", (Plain,), {"others": group(Twice, 2)})
    with pytest.raises(DefinitionError, match="declares nested as group"):
        type("Nested", (Trader,), {"nested": group(Twice, 2)})


def test_traders_who_are_never_asked_and_remember_with_a_first_step_are_refused():
    class Idle(Trader):
        def orders(self, market):
            return market.z

    silent = type("Silent", (Plain,), {"idle": group(Idle, 2)})()
    with pytest.raises(DefinitionError, match="never asks for the orders of idle"):
        simcal.simulate(silent, 2, 3)

    class Late(Trader):
        first_step = "begin"
        begin = parameter(3, "", 1, integer=True)
        seen = state(0.0)

        def orders(self, market):
            self.seen = self.seen + market.z
            return self.seen

    def step(self):
        self.price = self.price + self.orders("late").demand

    with pytest.raises(DefinitionError, match="instead of first_step"):
        type("Lates", (Plain,), {"late": group(Late, 2), "step": step})().twin(["sd"]).simulate(0, 0, 2, 3)


def test_a_description_does_not_change_and_compares_by_value():
    market = Plain(sd=0.02)
    with pytest.raises(AttributeError, match="A market does not change"):
        market.sd = 0.1
    with pytest.raises(AttributeError, match="does not change"):
        del market.sd
    for other in (pickle.loads(pickle.dumps(market)), copy.deepcopy(market), Plain.from_dict(market.to_dict())):
        assert other == market
        assert hash(other) == hash(market)
    assert market != Plain()
    assert repr(market) == "Plain(sd=0.02)"
    assert market.to_dict() == {"kind": "Plain", "sd": 0.02}
    assert market.describe() == [
        {"parameter": "sd", "letter": "sigma", "value": 0.02, "unit": "", "meaning": "size of the noise"}
    ]
    with pytest.raises(ParameterError, match="'sdd' is not a parameter of the market Plain; did you mean 'sd'"):
        Plain(sdd=1)
    with pytest.raises(ParameterError, match="only inside a market's step"):
        _ = market.outside


def test_an_output_that_is_a_number_of_the_market_is_the_same_on_every_path():
    class Told(Plain):
        told = output("twice the size of the noise", start="sd")

        def step(self):
            super().step()
            self.told = 2 * self.sd

    saved = simcal.simulate(Told(sd=0.02), 3, 4, save=["told"])
    assert (saved.outputs["told"] == 0.04).all()


def test_the_emitted_module_is_a_file_that_says_what_it_is():
    from simcal.definition.compiled import cache_folder
    from simcal.definition.kernel import kernel_of

    module = kernel_of(Plain()).module
    text = (cache_folder() / f"{module.__name__}.py").read_text()
    assert text.startswith('"""The market Plain: emitted from its definition by simcal')
    assert re.search(r"v\d+ = s?.*k\d+_sd \* v\d+", text)
