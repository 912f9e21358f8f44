"""One start: how it ends, what its checkpoint holds, and that it continues as if nothing had happened."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from simcal import models
from simcal.calibration import GameData, GameSettings, start
from simcal.calibration.recipe import EarlyStopping
from simcal.calibration.start import StartTask, play
from simcal.errors import DataError, ParameterError
from simcal.training import Budget, load_checkpoint

sys.path.insert(0, str(Path(__file__).parent))
import lognormal
from lognormal import LognormalMarket, linear_game

DATA = GameData(lognormal.windows(100, 20, 0.01, 1), lognormal.windows(60, 20, 0.01, 2))


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    lognormal.register(monkeypatch)


def task(**changes) -> StartTask:
    plain = StartTask(0, LognormalMarket(0.02), ("sd",), (), DATA, linear_game(iterations=24), seed=3)
    return replace(plain, **changes)


def stock_task(dtype: str, folder: Path | None, **changes) -> StartTask:
    r = 0.02 * np.random.default_rng(0).standard_normal((50, 26))
    settings = GameSettings(
        statistics="experiment", window=25, warm_up=5, batch=40, iterations=14, hidden=(6,), average_from=0.2,
        dtype=dtype,
    )  # fmt: skip
    market = models.load("stock").replace(public_weight=0.6)
    return StartTask(
        1, market, ("public_weight", "value_sensitivity"), ("value_sensitivity",),
        GameData(100 * np.exp(np.cumsum(r, axis=1))), settings, seed=0,
        early_stopping=EarlyStopping(every=3, patience=9),
        checkpoint=folder and folder / "start-1.safetensors", **changes,
    )  # fmt: skip


class Killed(BaseException):
    """What a kill looks like from inside."""


def play_and_kill(the_task: StartTask, after: int) -> None:
    """Play with a checkpoint after every iteration; the kill comes in the middle of the one after `after`."""

    def report(row):
        if row["iteration"] == after + 1:
            raise Killed

    with pytest.raises(Killed):
        play(replace(the_task, checkpoint_seconds=-1.0), report)


def assert_same(one, other) -> None:
    assert one.market == other.market
    assert one.distance == other.distance
    assert one.status == other.status
    assert one.non_finite == other.non_finite
    pd.testing.assert_frame_equal(one.history, other.history, check_exact=True)


# -- continuing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("after", [1, 5, 9])
def test_a_killed_start_of_the_stock_market_ends_as_if_it_had_not_been_killed(dtype, after, tmp_path):
    whole = play(stock_task(dtype, None))
    killed = stock_task(dtype, tmp_path)
    play_and_kill(killed, after)
    assert load_checkpoint(killed.checkpoint)[1]["game"]["iteration"] == after
    assert_same(play(killed), whole)


@pytest.mark.parametrize("after", [3, 9, 13])
def test_a_killed_start_with_early_stopping_ends_as_if_it_had_not_been_killed(after, tmp_path):
    # The rates are so high that the best average is not the last.
    settings = linear_game(iterations=60, generator_rate=0.5, decay="none", average_from=0.1)
    stopping = task(settings=settings, early_stopping=EarlyStopping(every=2, patience=2))
    whole = play(stopping)
    assert whole.status.startswith("stopped early: no progress on the validation windows before iteration")
    assert 13 < len(whole.history) < 60
    killed = replace(stopping, checkpoint=tmp_path / "a.safetensors")
    play_and_kill(killed, after)
    assert_same(play(killed), whole)


def test_a_finished_start_that_is_played_again_is_the_same(tmp_path):
    settings = linear_game(iterations=60, generator_rate=0.5, decay="none", average_from=0.1)
    for number, stopping in enumerate((None, EarlyStopping(every=2, patience=2))):
        finished = task(settings=settings, early_stopping=stopping, checkpoint=tmp_path / f"{number}.safetensors")
        assert_same(play(finished), play(finished))


def test_the_best_market_is_kept_under_early_stopping():
    settings = linear_game(iterations=60, generator_rate=0.5, decay="none", average_from=0.1)
    result = play(task(settings=settings, early_stopping=EarlyStopping(every=2, patience=2)))
    seen = []
    game = start.Game(LognormalMarket(0.02), ["sd"], DATA, settings, seed=3)
    for iteration in range(1, len(result.history) + 1):
        game.step()
        if iteration % 2 == 0 and game.averaged:
            seen.append((game.distance(), game.market().sd))
    distances = [d for d, _ in seen]
    assert len(seen) - 1 - int(np.argmin(distances)) == 2  # the patience
    assert (result.distance, result.market.sd) == min(seen)


# -- the budget -----------------------------------------------------------------------------------------------------


def test_a_budget_stops_with_a_sentence_and_a_larger_one_continues(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def tick(row):
        now[0] += 1.0

    short = task(budget=10.0, checkpoint=tmp_path / "a.safetensors")
    result = play(short, tick)
    assert result.status == "stopped by the time budget after 10 of 24 iterations; a larger budget continues"
    assert result.succeeded
    assert result.seconds == 10.0
    assert play(short, tick).status == result.status  # nothing is left of it
    more = play(replace(short, budget=15.0), tick)
    assert more.status == "stopped by the time budget after 15 of 24 iterations; a larger budget continues"
    last = play(replace(short, budget=None), tick)
    assert last.seconds == 24.0
    assert_same(last, play(task()))


def test_a_budget_too_short_for_one_iteration_gives_the_start():
    result = play(task(budget=1e-9))
    assert result.status == "stopped by the time budget after 0 of 24 iterations; a larger budget continues"
    assert result.market.sd == pytest.approx(0.02)
    assert list(result.history) == ["iteration", "discriminator_loss", "generator_loss", "sd"]
    assert set(result.history.dtypes[1:]) == {np.dtype(float)}  # so that histories can be joined


def test_budgets_count_what_was_used_before(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    budget = Budget(5.0, used=3.0)
    assert not budget.spent
    now[0] = 2.0
    assert (budget.used, budget.spent) == (5.0, True)
    assert not Budget(None, used=1e9).spent


# -- what goes wrong ------------------------------------------------------------------------------------------------


def test_nan_ends_in_a_status_that_names_the_parameters_and_is_counted():
    result = play(task(settings=linear_game(twin={"nan_above": 0.015})))
    assert not result.succeeded
    assert "sd = 0.02" in result.status
    assert "Lower the learning rate" in result.status
    assert result.non_finite == 20
    assert np.isnan(result.distance)
    assert result.market.sd == pytest.approx(0.02)


@pytest.mark.parametrize("sd", [0.005, 0.02])  # the first step goes up, to infinity, or down, to zero
def test_parameters_that_run_away_end_in_a_status(sd):
    result = play(task(market=LognormalMarket(sd), settings=linear_game(generator_rate=1e4)))
    assert not result.succeeded
    assert "sd = " in result.status
    assert result.non_finite == 20


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 4},
        {"number": 1},
        {"market": LognormalMarket(0.021)},
        {"settings": linear_game(iterations=25)},
        {"early_stopping": EarlyStopping()},
        {"data": GameData(DATA.train)},
        {"data": GameData(DATA.train[::-1], DATA.validation)},  # the same shape and the same sum
        {"data": GameData(DATA.train, DATA.validation[::-1])},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_checkpoint_of_another_recipe_seed_or_data_set_is_refused(changes, tmp_path):
    first = task(settings=linear_game(iterations=3), checkpoint=tmp_path / "a.safetensors")
    play(first)
    with pytest.raises(ParameterError, match="another recipe, seed or data set"):
        play(replace(first, **changes))


def test_a_damaged_checkpoint_is_one_sentence(tmp_path):
    damaged = task(settings=linear_game(iterations=3), checkpoint=tmp_path / "a.safetensors")
    play(damaged)
    whole = damaged.checkpoint.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"nonsense" * 100):
        damaged.checkpoint.write_bytes(content)
        with pytest.raises(DataError, match=r"^[^\n]*not a checkpoint of simcal[^\n]*delete it[^\n]*$"):
            play(damaged)


def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    settings = task(settings=linear_game(iterations=3), checkpoint=tmp_path / "a.safetensors")
    play(settings)
    before = settings.checkpoint.read_bytes()

    def fail(*arguments):
        raise OSError("no room")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(DataError, match="could not be written"):
        play(settings)
    assert settings.checkpoint.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


# -- what it leaves alone -------------------------------------------------------------------------------------------


def test_the_callers_number_of_torch_threads_stays():
    torch.set_num_threads(2)
    play(task(settings=linear_game(iterations=2), threads=1))
    assert torch.get_num_threads() == 2


def test_a_task_is_plain_data_and_its_identity_is_json():
    identity = start._identity(task())
    assert json.loads(json.dumps(identity)) == identity
