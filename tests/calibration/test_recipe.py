"""Recipes: those that come along can be used, and what is wrong in one is said in one sentence with its key."""

import pytest

from simcal import models
from simcal.calibration import STATISTICS, Recipe, load_recipe, recipe_names
from simcal.calibration.recipe import check_recipe
from simcal.definition.trainable import TrainableParameters
from simcal.errors import ParameterError

GOOD = 'trainable = ["impact"]\n'


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_that_comes_along_names_what_exists(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    market = models.load(recipe.market).replace(**recipe.changes)
    TrainableParameters(market, recipe.trainable, per_trader=recipe.per_trader)
    for game in (recipe.game, *([recipe.experiment.plain] if recipe.experiment and recipe.experiment.plain else [])):
        assert game.window >= STATISTICS[game.statistics].shortest


def read(tmp_path, text: str) -> Recipe:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_recipe(path)


def test_a_file_gives_its_name_to_the_recipe_and_leaves_the_rest_at_its_defaults(tmp_path):
    recipe = read(tmp_path, GOOD + "[game]\nbatch = 12")
    assert recipe == Recipe.model_validate({"name": "mine", "trainable": ("impact",), "game": {"batch": 12}})
    assert recipe.game.iterations == 2000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD + "[game]\nbatch = 1", r"game\.batch is 1: input should be greater than or equal to 2\."),
        (GOOD + "[game]\nhidden = [32, 0]", r"game\.hidden\.1 is 0: input should be greater than or equal to 1\."),
        ("trainable = ['impact', 'impact']", r"trainable names 'impact' more than once; "),
        (GOOD + "[game]\nbatchsize = 100", r"'game\.batchsize' is not a setting of a recipe"),
        (GOOD + "[game]\nloss = 'hinge'", r"'hinge' is not a loss; known are .*saturating"),
        (GOOD + "[game]\ngenerator_rate = nan", r"game\.generator_rate is nan: input should be a finite number"),
        (GOOD + "[game]\ngenerator_rate = inf", r"game\.generator_rate is inf: input should be a finite number"),
        (GOOD + "budget = 0", r"budget is 0: input should be greater than 0"),
        (GOOD + "seed = -1", r"seed is -1: "),
        (GOOD + "validation_share = 0.5", r"validation_share is 0\.5: "),
        (GOOD + "[starts]\ncount = 0", r"starts\.count is 0: "),
        (GOOD + "game = 3", r"game is 3: "),
        ("seed = 1", r"'trainable' is missing; add it\."),
        ("trainable = []", r"trainable is \[\]: "),
        ("trainable = 'impact'", r"trainable is 'impact': input should be a valid tuple"),
        (
            "validation_share = 0.2\n" + GOOD + "[early_stopping]\n[game]\naverage_from = 1.0",
            r"early_stopping judges the averaged parameters",
        ),
        (GOOD + "[early_stopping]", r"early_stopping judges by validation windows"),
        (GOOD + "[game.twin]\ndevice = 'cuda'", r"game.twin.device is not set here"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_with_its_key(tmp_path, text, sentence):
    with pytest.raises(ParameterError, match=rf"^The recipe mine cannot be used: {sentence}[^\n]*$"):
        read(tmp_path, text)


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"mine\.toml is not a TOML file: [^\n]*$"):
        read(tmp_path, "trainable = [")


def test_a_missing_file_and_an_unknown_name_are_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ParameterError, match=r"known recipes are .*gan-mas-experiment"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(ParameterError, match="did you mean 'gan-mas-experiment'"):
        load_recipe("gan-mas-experimnt")


def test_seed_zero_is_a_seed():
    assert check_recipe({"name": "x", "trainable": ["impact"], "seed": 0}).seed == 0
