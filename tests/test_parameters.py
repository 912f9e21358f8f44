"""What a parameter lets in, and the sentences about what it does not."""

import math

import numpy as np
import pytest

from simcal.errors import ParameterError, check_names
from simcal.parameters import Parameter, to_plain

PLAIN = Parameter("level", 1.0, "a number")
SHARE = Parameter("share", 0.5, "between the ends", 0, 1, open=True)
SIZE = Parameter("size", 1.0, "from nothing", 0, group="n_traders")
COUNT = Parameter("count", 3, "whole", 1, integer=True)


@pytest.mark.parametrize(
    ("spec", "value", "checked"),
    [
        (PLAIN, -3, -3.0),
        (PLAIN, np.float32(0.5), 0.5),
        (SIZE, 0, 0.0),
        (SIZE, [0, 1.5], (0.0, 1.5)),
        (SIZE, np.array([1.0, 2.0]), (1.0, 2.0)),
        (COUNT, 4.0, 4),
        (COUNT, np.int64(4), 4),
        (SHARE, 1e-300, 1e-300),
    ],
)
def test_allowed_values_become_plain_numbers_or_tuples(spec, value, checked):
    found = spec.check(value, 2)
    assert found == checked
    assert type(found) is type(checked)


@pytest.mark.parametrize(
    ("spec", "value", "sentence"),
    [
        (PLAIN, math.nan, "level is nan, but must be a number."),
        (PLAIN, math.inf, "level is inf, but must be a number."),
        (PLAIN, "3", "level is '3', but must be a number."),
        (PLAIN, None, "level is None, but must be a number."),
        (PLAIN, True, "level is True, but must be a number."),
        (PLAIN, {}, "level is {}, but must be a number."),
        (PLAIN, [1.0], "level has shape (1,), but must be one number, the same for the whole market."),
        (SHARE, 0, "share is 0, but must be a number between 0 and 1, the ends excluded."),
        (SHARE, 1.0, "share is 1, but must be a number between 0 and 1, the ends excluded."),
        (SIZE, -1, "size is -1, but must be a number of at least 0."),
        (SIZE, [1, -1], "size[1] is -1, but must be a number of at least 0."),
        (SIZE, [[1, 1]], "size has shape (1, 2), but must be one number, or a list with one per trader."),
        (COUNT, 2.5, "count is 2.5, but must be a whole number of at least 1."),
        (COUNT, 0, "count is 0, but must be a whole number of at least 1."),
    ],
)
def test_other_values_are_refused_in_a_sentence(spec, value, sentence):
    with pytest.raises(ParameterError) as error:
        spec.check(value, 2)
    assert str(error.value) == sentence


def test_a_list_of_the_wrong_length_names_the_count():
    with pytest.raises(ParameterError, match="size lists 3 values, but n_traders is 2"):
        SIZE.check([1, 2, 3], 2)


@pytest.mark.parametrize(
    ("low", "high", "opened", "words"),
    [
        (-math.inf, math.inf, False, "a number"),
        (0, math.inf, True, "a number above 0"),
        (0, math.inf, False, "a number of at least 0"),
        (-math.inf, 2, True, "a number below 2"),
        (-math.inf, 2, False, "a number of at most 2"),
        (-1, 1, True, "a number between -1 and 1, the ends excluded"),
        (-1, 1, False, "a number from -1 to 1"),
    ],
)
def test_bounds_in_words(low, high, opened, words):
    spec = Parameter("x", 0.0, "", low, high, open=opened)
    assert spec.allowed() == words
    for end in (low, high):
        if math.isfinite(end) and opened:
            with pytest.raises(ParameterError):
                spec.check(end)
        elif math.isfinite(end):
            assert spec.check(end) == end


def test_an_unknown_name_is_refused_with_the_nearest_or_with_all():
    check_names(["a", "b"], {"a": 1, "b": 2}, "a letter")
    with pytest.raises(ParameterError, match=r"^'impct' is not a parameter; did you mean 'impact'\?$"):
        check_names(["impct"], ["impact", "level"], "a parameter")
    with pytest.raises(ParameterError, match=r"^'zzz' is not a parameter; known are impact, level\.$"):
        check_names(["zzz"], ["impact", "level"], "a parameter")


def test_plain_values_have_lists_and_leave_out_what_is_absent():
    assert to_plain({"a": (1.0, 2.0), "b": None, "c": 0, "d": "x"}) == {"a": [1.0, 2.0], "c": 0, "d": "x"}
