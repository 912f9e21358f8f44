"""Which recipe `simcal calibrate` takes."""

import pytest

from simcal.cli.calibrate import choose_recipe
from simcal.errors import ParameterError


@pytest.mark.parametrize(
    ("data", "recipe", "chosen"),
    [
        ("sp500", None, ("sp500", "likelihood")),
        ("sp500-long", None, ("sp500-long", "likelihood")),
        ("sp500", "sp500", ("sp500", "sp500")),
        ("rfq-example", None, ("rfq-example", "rfq")),
        ("gan-mas-experiment", None, ("gan-mas-experiment", "gan-mas-experiment")),
        ("sp500-herding", None, ("sp500", "sp500-herding")),
    ],
)
def test_a_series_takes_the_default_for_its_kind_and_a_recipe_its_own_data(data, recipe, chosen):
    source, found = choose_recipe(data, recipe)
    assert (source, found.name) == chosen


def test_a_recipe_without_data_asks_for_them():
    with pytest.raises(ParameterError, match="The recipe equilibrium names no data; give the data and --recipe"):
        choose_recipe("equilibrium", None)
