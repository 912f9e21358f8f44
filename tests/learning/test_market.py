"""The description of the market, its file, and the arms of the experiment."""

import numpy as np
import pytest

import simcal
from simcal.errors import ParameterError
from simcal.learning import ARMS, LearningMarket, arm, load_market, market_names
from simcal.learning.market import scales


def test_the_markets_that_come_with_simcal():
    assert market_names() == ["book-learning", "book-learning-published"]
    assert load_market("book-learning") == LearningMarket()
    published = load_market("book-learning-published")
    assert (published.reward, published.matching, published.price_band) == ("wealth", "sweep", 0.05)
    assert LearningMarket.from_dict(published.to_dict()) == published
    assert published.n_steps == 2110
    assert len(published.describe()) == len(LearningMarket.SPECS)


def test_only_trained_it_can_be_simulated():
    with pytest.raises(ParameterError, match="traders must learn before it can be simulated"):
        simcal.load("book-learning")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_traders": 0}, "n_traders is 0"),
        ({"sessions": (10,)}, "must be a list of two or more"),
        ({"sessions": (10, 0)}, "some of them with trade"),
        ({"sessions": (10, -1)}, r"sessions\[1\] is -1"),
        ({"reward": "profit"}, "'gains' or 'wealth'"),
        ({"matching": "pro rata"}, "'level' or 'sweep'"),
        ({"affordable": 1}, "true or false"),
        ({"discount_low": 0.9, "discount_high": 0.8}, "must not be above discount_high"),
        ({"discount_high": 1.0}, "discount_high is 1"),
        ({"tick": 1e-6}, "from 10 to a million ticks"),
        ({"risk_aversions": 1}, "is not a parameter of the learning market"),
    ],
)
def test_what_is_wrong_is_said(changes, words):
    with pytest.raises(ParameterError, match=words):
        LearningMarket().replace(**changes)


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('kind = "stock"\n')
    with pytest.raises(ParameterError, match="that of a learning market is 'learning'"):
        load_market(path)


@pytest.mark.parametrize("name", ARMS)
def test_in_an_arm_traders_differ_in_its_traits_only(name):
    market = arm(LearningMarket(), name)
    noise, risk, discount = scales(market)
    differ = {"noise": noise.high > noise.low, "risk-aversion": risk.high > risk.low,
              "discount": discount.high - discount.low > 0.01}  # fmt: skip
    assert {trait for trait, does in differ.items() if does} == set(ARMS[name])


def test_scales_are_quantiles_of_the_traits():
    generator = np.random.default_rng(0)
    market = LearningMarket()
    for scale, draws in zip(
        scales(market),
        (generator.normal(0.02, 0.01, 10**6), generator.normal(2, 1, 10**6), generator.uniform(0.75, 0.999, 10**6)),
        strict=True,
    ):
        inside = ((draws > scale.low) & (draws < scale.high)).mean()
        assert inside == pytest.approx(0.998, abs=3e-4)


def test_an_unknown_arm_is_told_with_the_nearest():
    with pytest.raises(ParameterError, match="did you mean 'learning-only'"):
        arm(LearningMarket(), "learning-onli")
