"""The verb: from a series and a recipe to a market, with windows that never look ahead."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal import models
from simcal.calibration import GameData, Recipe
from simcal.calibration.calibrate import override
from simcal.calibration.prices import choose
from simcal.calibration.start import StartResult
from simcal.calibration.windows import training_windows
from simcal.data import PriceSeries
from simcal.errors import DataError, NumericalError, ParameterError

sys.path.insert(0, str(Path(__file__).parent))
import lognormal
from lognormal import LognormalMarket


def series(n: int, name: str = "counted") -> PriceSeries:
    """Price t is t + 1, so that a window shows where it was cut."""
    return PriceSeries(name, pd.RangeIndex(n), np.arange(1.0, n + 1))


def recipe(**changes) -> Recipe:
    values = {
        "name": "tiny", "trainable": ("sd",), "window_stride": 3, "train_share": 0.7,
        "game": lognormal.linear_game(iterations=30, batch=40).model_dump(),
    }  # fmt: skip
    return Recipe.model_validate(values | changes)


def spans(windows: np.ndarray) -> list[tuple[int, int]]:
    """The first and the last price of each window, by position in the series."""
    return [(int(w[0]) - 1, int(w[-1]) - 1) for w in windows]


# -- windows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "share"), [(500, 0.7), (501, 0.5), (333, 0.9), (200, 1.0)])
def test_windows_are_whole_and_stay_within_the_training_share(n, share):
    data = training_windows(series(n), recipe(train_share=share))
    assert data.validation is None
    assert data.train.shape[1] == 21
    assert (np.diff(data.train, axis=1) == 1).all()
    starts = [first for first, _ in spans(data.train)]
    assert starts == list(range(0, starts[-1] + 1, 3))
    last_price = round(share * (n - 1))
    latest = max(last for _, last in spans(data.train))
    assert last_price - 3 < latest <= last_price


def test_prices_after_the_training_share_change_nothing():
    prices = np.arange(1.0, 501)
    changed = prices.copy()
    changed[round(0.7 * 499) + 1 :] = 7.0
    one, other = (
        training_windows(PriceSeries("x", pd.RangeIndex(500), p), recipe(validation_share=0.2))
        for p in (prices, changed)
    )
    np.testing.assert_array_equal(one.train, other.train)
    np.testing.assert_array_equal(one.validation, other.validation)


@pytest.mark.parametrize("n", [300, 777, 2000])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.34])
@pytest.mark.parametrize("stride", [1, 3, 20])
def test_no_return_is_in_a_training_and_in_a_validation_window(n, share, stride):
    try:
        data = training_windows(series(n), recipe(validation_share=share, window_stride=stride))
    except DataError:
        assert n == 300 or (share, stride) == (0.34, 20)  # too few stretches, or no start far enough from all
        return
    assert data.validation is not None
    held = {t for first, last in spans(data.validation) for t in range(first, last)}
    trained = {t for first, last in spans(data.train) for t in range(first, last)}
    assert held
    assert not held & trained
    assert max(held | trained) < round(0.7 * (n - 1))


def test_validation_windows_are_spread_over_the_training_part():
    data = training_windows(series(2000), recipe(validation_share=0.2))
    assert data.validation is not None
    starts = np.array([first for first, _ in spans(data.validation)])
    gaps = np.diff(starts[np.insert(np.diff(starts) > 20, 0, True)])
    assert starts.min() < 100
    assert starts.max() > 1200
    assert (abs(gaps - 100) <= 6).all()


def test_a_series_too_short_for_two_windows_is_refused_and_the_shortest_that_is_not_works():
    assert len(training_windows(series(41), recipe(train_share=1.0)).train) == 7
    with pytest.raises(DataError, match=r"counted has 39 returns to train on.*at least 40"):
        training_windows(series(40), recipe(train_share=1.0))


def test_a_series_too_short_for_its_validation_share_is_refused():
    with pytest.raises(DataError, match=r"too short for a validation_share of 0\.2; set it to 0"):
        training_windows(series(65), recipe(validation_share=0.2))


def test_bootstrap_windows_are_blocks_of_training_returns_from_a_price_of_100():
    returns = np.arange(1.0, 401) / 1e5  # every return is known by its size
    made = PriceSeries("made", pd.RangeIndex(401), np.exp(np.concatenate([[0.0], np.cumsum(returns)])))
    data = training_windows(made, recipe(bootstrap={"block": 7, "count": 60}))
    assert data.train.shape == (60, 21)
    np.testing.assert_allclose(data.train[:, 0], 100)
    positions = np.rint(np.diff(np.log(data.train), axis=1) * 1e5).astype(int) - 1
    n = 280  # seven tenths of 400
    assert positions.min() >= 0
    assert positions.max() < n
    joints = np.diff(positions, axis=1) % n != 1
    assert (joints.sum(axis=1) <= 2).all()  # 20 returns are parts of three blocks
    assert joints.any()
    again = training_windows(made, recipe(bootstrap={"block": 7, "count": 60}))
    np.testing.assert_array_equal(again.train, data.train)


# -- settings -------------------------------------------------------------------------------------------------------


def test_what_the_caller_sets_replaces_the_recipes():
    changed = override(recipe(budget=5.0), seed=0, budget=9.0, starts=3, iterations=7)
    assert (changed.seed, changed.budget, changed.starts.count, changed.game.iterations) == (0, 9.0, 3, 7)
    same = recipe(seed=4, budget=5.0)
    assert override(same, seed=None, budget=None, starts=None, iterations=None) == same


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
        ({"budget": 0.0}, "budget is 0.0"),
        ({"starts": 0}, "starts.count is 0"),
        ({"iterations": 0}, "game.iterations is 0"),
        ({"jobs": 0}, "jobs is 0"),
        ({"device": "abacus"}, "device is 'abacus'"),
        ({"recipe": "sp5000"}, "is not a recipe"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_in_a_sentence(options, sentence):
    with pytest.raises(ParameterError, match=sentence):
        simcal.calibrate(LognormalMarket(), series(500), **({"recipe": recipe()} | options))


def test_an_unknown_trainable_name_is_refused_with_the_nearest():
    with pytest.raises(
        ParameterError, match="'public_wait' is not a parameter of this market; did you mean 'public_weight'"
    ):
        simcal.calibrate("stock", series(500), recipe=recipe(trainable=("public_wait",)))


# -- the choice -----------------------------------------------------------------------------------------------------


def result(distance: float, succeeded: bool = True) -> StartResult:
    return StartResult(0, LognormalMarket(), distance, "a status.", succeeded, 0.0, 0, pd.DataFrame())


def test_the_start_with_the_smallest_distance_that_ended_well_is_chosen():
    assert choose([result(3.0), result(1.0, succeeded=False), result(float("nan")), result(2.0)]) == 3


def test_no_start_that_ended_well_is_an_error_with_the_first_status():
    with pytest.raises(NumericalError, match=r"^No start ended with finite numbers\. a status\.$"):
        choose([result(float("nan")), result(1.0, succeeded=False)])


# -- the whole way --------------------------------------------------------------------------------------------------


def lognormal_prices(n: int = 1500, sd: float = 0.01) -> np.ndarray:
    return 50 * np.exp(np.cumsum(sd * np.random.default_rng(0).standard_normal(n)))


def test_calibrate_finds_the_deviation_of_a_series_of_any_market(monkeypatch):
    lognormal.register(monkeypatch)
    # "experiment" measures the deviation of prices, whose unit this market does not know: it starts at 1.
    prices = lognormal_prices() / 50
    settings = lognormal.linear_game(iterations=150, batch=150, statistics="experiment-innovations")
    found = simcal.calibrate(LognormalMarket(0.02), prices, recipe=recipe(game=settings.model_dump(), train_share=0.8))
    assert found.status == "all 150 iterations played"
    assert found.market.sd == pytest.approx(0.01, rel=0.15)
    assert found.origin.sd == 0.02


def stock_recipe(**changes) -> Recipe:
    game = {"window": 20, "warm_up": 5, "batch": 30, "iterations": 10, "hidden": ()}
    values = {"name": "tiny", "trainable": ("public_weight", "impact"), "per_trader": ("public_weight",), "game": game}
    return Recipe.model_validate(values | {"changes": {"private_weight": 0.7}, "seed": 0} | changes)


def test_the_recipes_market_with_its_changes_is_the_start():
    found = simcal.calibrate(None, lognormal_prices(), recipe=stock_recipe(), iterations=2)
    assert found.origin == models.load("stock").replace(private_weight=0.7)
    assert isinstance(found.market.public_weight, tuple)
    assert found.market.private_weight == 0.7


def test_calibrating_twice_gives_the_same_and_another_seed_another():
    prices = lognormal_prices()
    one, same, other = (simcal.calibrate(None, prices, recipe=stock_recipe(), seed=seed) for seed in (0, 0, 1))
    assert one.market == same.market
    pd.testing.assert_frame_equal(one.history, same.history, check_exact=True)
    assert one.market != other.market


def test_no_start_with_finite_numbers_is_an_error_that_names_the_parameters(monkeypatch):
    lognormal.register(monkeypatch)
    broken = lognormal.linear_game(twin={"nan_above": 0.001})
    with pytest.raises(NumericalError, match=r"^No start ended with finite numbers\..*sd = 0\.02"):
        simcal.calibrate(LognormalMarket(0.02), lognormal_prices(), recipe=recipe(game=broken.model_dump()))


def test_prices_that_never_move_are_refused():
    still = PriceSeries("still", pd.RangeIndex(2000), np.full(2000, 5.0))
    with pytest.raises(DataError, match="All returns to train on are 0"):
        simcal.calibrate(None, still, recipe=stock_recipe().model_copy(update={"match_scale": True}))


def test_the_growth_of_the_training_part_is_that_of_the_market():
    prices = lognormal_prices() * np.exp(3e-3 * np.arange(len(lognormal_prices())))
    values = {"market": "herding", "trainable": ("chartist_sd",), "per_trader": (), "changes": {}, "match_growth": True}
    found = simcal.calibrate(None, prices, recipe=stock_recipe(**values), iterations=2)
    trained = prices[: round(0.7 * (len(prices) - 1)) + 1]
    assert found.market.growth == pytest.approx(np.log(trained[-1] / trained[0]) / (len(trained) - 1), rel=1e-9)
    with pytest.raises(ParameterError, match="'growth' is not a parameter of this market, so match_growth has no"):
        simcal.calibrate(None, prices, recipe=stock_recipe(match_growth=True), iterations=2)


def test_a_folder_that_cannot_be_made_is_refused_before_the_training(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("simcal.calibration.adversarial.play_all", lambda *_, **__: pytest.fail("it was trained"))
    with pytest.raises(DataError, match="could not be made"):
        simcal.calibrate(LognormalMarket(), series(500), recipe=recipe(), out=tmp_path / "file")


def test_the_device_cpu_is_the_default():
    data = GameData(lognormal.windows(30, 20, 0.01, 0))
    assert simcal.calibration.Game(LognormalMarket(), ["sd"], data, lognormal.linear_game()).real.device.type == "cpu"
