"""What the dealer market's description takes, refuses and says of itself."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simcal.errors import ParameterError
from simcal.rfq.market import RfqMarket

ALLOWED = {
    "n_dealers": st.integers(1, 9),
    "client_mean": st.floats(-5, 5),
    "quote_shape": st.floats(0.3, 50),
    "inventory_skew": st.floats(0, 10),
    "buy_share": st.floats(0, 1),
    "tick": st.floats(0, 1),
    "information": st.just(0.0),
}
REFUSED = {
    "n_dealers": st.one_of(st.integers(max_value=0), st.integers(min_value=10), st.just(2.5)),
    "client_scale": st.one_of(st.floats(max_value=0), st.just(float("nan")), st.just([1.0])),
    "client_shape": st.one_of(st.floats(max_value=0.29), st.floats(min_value=50.1), st.just("2")),
    "quote_scale": st.one_of(st.floats(max_value=0), st.lists(st.just(0.5), min_size=1, max_size=4)),
    "inventory_skew": st.one_of(st.floats(max_value=-1e-300), st.just([0.1, 0.2])),
    "buy_share": st.one_of(st.floats(max_value=-1e-300), st.floats(min_value=1, exclude_min=True)),
    "half_spread": st.one_of(st.floats(max_value=0), st.floats(min_value=95)),
    "panel_weights": st.one_of(st.just(1.0), st.just([1.0]), st.just([0.0] * 5), st.just([1, 1, 1, 1, -1])),
    "mid_low": st.floats(min_value=105),
    "mid_volatility": st.floats(0.01, 1),
    "information": st.one_of(st.floats(0.01, 1), st.floats(-1, -0.01)),
    "size_log_sd": st.one_of(st.floats(max_value=-1e-300), st.just(11.0)),
    "mid_law": st.sampled_from(["walks", None, 1]),
    "rule": st.sampled_from(["soft", None]),
    "temperature": st.floats(max_value=0),
}


@settings(max_examples=40)
@given(st.fixed_dictionaries({}, optional=ALLOWED))
def test_allowed_parameters_build_a_market_that_comes_back_from_its_dictionary(changes):
    market = RfqMarket().replace(**changes)
    assert RfqMarket.from_dict(market.to_dict()) == market


@settings(max_examples=20)
@given(st.data())
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_allowed_is_refused_in_a_sentence_that_names_the_parameter(name, data):
    with pytest.raises(ParameterError) as refusal:
        RfqMarket(**{name: data.draw(REFUSED[name])})
    sentence = str(refusal.value)
    assert name in sentence
    assert re.search(r"must (be|hold)|give one number|lists", sentence)
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tick": 0.1, "rule": "smoothed"}, "tick is 0.1, but must be 0 with the smoothed rule"),
        ({"panel_weights": 2.0}, "panel_weights is 2.0, but must be a list with 5 weights"),
        ({"panel_weights": [1, 2]}, "panel_weights lists 2 values, but must be a list with 5 weights"),
        ({"panel_weights": "all"}, "panel_weights is 'all', but must be a list with 5 weights"),
        ({"panel_weights": [[1], [2, 3], 4, 5, 6]}, "panel_weights is [[1], [2, 3], 4, 5, 6], but must be a number"),
        ({"panel_weights": [[1] * 5]}, "panel_weights lists 1 values, but must be a list with 5 weights"),
        ({"initial_price": 0.01, "mid_law": "walk"}, "half_spread is 0.05, but must be below initial_price"),
        ({"information": 0.1}, "information is 0.1, but must be 0 where the mid is drawn anew"),
        ({"spread": 0.1}, "'spread' is not a parameter of the dealer market; did you mean 'half_spread'"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, sentence):
    with pytest.raises(ParameterError, match=re.escape(sentence)):
        RfqMarket().replace(**changes)


def test_the_description_has_a_row_for_every_parameter_and_a_value_per_dealer():
    market = RfqMarket(quote_mean=[0.1, 0.2, 0.3, 0.4, 0.5], panel_weights=[0, 0, 1, 1, 2])
    rows = {row["parameter"]: row for row in market.describe()}
    assert set(rows) == set(RfqMarket.SPECS)
    assert rows["client_mean"]["letter"] == "mu0"
    assert market.vector("quote_mean").tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert market.vector("quote_scale").tolist() == [0.8] * 5
    assert market.panel_probabilities.tolist() == [0, 0, 0.25, 0.25, 0.5]
    assert RfqMarket(n_dealers=2).panel_probabilities.tolist() == [0, 1]
    with pytest.raises(ParameterError, match="tick belongs to the whole market"):
        market.vector("tick")
