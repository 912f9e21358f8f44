"""Where starts begin, and that processes change nothing."""

import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simcal import models
from simcal.calibration import GameData, GameSettings
from simcal.calibration.recipe import Starts
from simcal.calibration.start import StartTask
from simcal.calibration.starts import available_cores, play_all, start_markets
from simcal.errors import ParameterError, SimcalError

sys.path.insert(0, str(Path(__file__).parent))
import lognormal

MARKET = models.load("stock")
PER_TRADER = ("public_weight", "value_sensitivity")
NAMES = (*PER_TRADER, "private_weight", "trend_sensitivity", "impact", "leverage_correlation")


def markets(law: str, count: int = 6, seed: int = 0, **options):
    return start_markets(MARKET, NAMES, PER_TRADER, Starts(law=law, count=count, **options), seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("law", ["market", "scatter", "normal"])
def test_start_k_is_a_function_of_the_seed_whatever_their_number(law):
    assert markets(law, 6) == markets(law, 6)
    assert markets(law, 6)[:3] == markets(law, 3)
    if law != "market":
        assert markets(law, 6)[1:] != markets(law, 6, seed=1)[1:]


def test_the_law_market_starts_where_the_recipe_says():
    assert markets("market", 3) == [MARKET] * 3


def test_scattered_starts_are_different_but_for_the_first_which_stays():
    starts = markets("scatter", 8)
    assert starts[0] == MARKET
    assert len({str(m) for m in starts}) == 8
    untouched = [name for name in MARKET.SPECS if name not in NAMES]
    assert all(getattr(m, name) == getattr(MARKET, name) for m in starts for name in untouched)


def test_scattered_starts_move_on_the_unbounded_scale_by_the_spread():
    moves = np.array([np.log(m.trend_sensitivity / 0.5) for m in markets("scatter", 400, spread=0.3)[1:]])
    assert abs(moves.mean()) < 4 * 0.3 / 399**0.5
    assert moves.std() == pytest.approx(0.3, rel=4 / (2 * 399) ** 0.5)


def test_normal_starts_are_standard_normal_and_folded_into_the_bounds():
    starts = markets("normal", 400)
    b = np.array([m.public_weight for m in starts])
    assert b.shape == (400, 7)  # per trader
    assert abs(b.mean()) < 4 / b.size**0.5
    assert b.std() == pytest.approx(1, rel=4 / (2 * b.size) ** 0.5)
    c, d = (np.array([getattr(m, name) for m in starts]) for name in ("private_weight", "trend_sensitivity"))
    assert abs(c.mean()) < 4 / 400**0.5
    assert (d > 0).all()
    assert np.mean(d) == pytest.approx((2 / np.pi) ** 0.5, abs=4 * (1 - 2 / np.pi) ** 0.5 / 400**0.5)
    for name, low, high in (("impact", 0, 1), ("leverage_correlation", -1, 1)):
        values = np.array([getattr(m, name) for m in starts])
        assert ((values > low) & (values < high)).all()
        assert np.mean(values) == pytest.approx((low + high) / 2, abs=4 * (high - low) / 12**0.5 / 400**0.5)


def tasks(count: int, folder: Path | None = None) -> list[StartTask]:
    data = GameData(100 * lognormal.windows(30, 20, 0.02, 0))
    settings = GameSettings(statistics="experiment", window=20, warm_up=5, batch=30, iterations=12, hidden=(4,))
    return [
        StartTask(
            number, market, NAMES[2:4], (), data, settings, seed=0,
            checkpoint=folder and folder / f"{number}.safetensors",
        )
        for number, market in enumerate(start_markets(MARKET, NAMES[2:4], (), Starts(count=count), 0))
    ]  # fmt: skip


def test_two_processes_give_the_bits_of_one():
    heard: dict[int, list[int]] = {0: [], 1: [], 2: []}
    alone = play_all(tasks(3), jobs=1)
    together = play_all(tasks(3), jobs=2, listen=lambda number, row: heard[number].append(row["iteration"]))
    for one, other in zip(alone, together, strict=True):
        for what in ("number", "market", "distance", "status", "non_finite"):
            assert getattr(one, what) == getattr(other, what)
        pd.testing.assert_frame_equal(one.history, other.history, check_exact=True)
    assert heard == {0: [10], 1: [10], 2: [10]}


@pytest.mark.slow  # starting processes that load torch
def test_an_error_in_a_process_comes_back_as_it_is(tmp_path):
    for number in range(2):
        (tmp_path / f"{number}.safetensors").write_bytes(b"damaged")
    with pytest.raises(SimcalError, match="not a checkpoint of simcal"):
        play_all(tasks(2, tmp_path), jobs=2)


def test_a_process_that_dies_is_one_sentence():
    endless = [replace(t, settings=t.settings.model_copy(update={"iterations": 10**7})) for t in tasks(2)]

    def kill_the_workers(number, row):  # the manager of the queue stays
        for process in multiprocessing.active_children():
            if "Manager" not in process.name:
                os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(SimcalError, match=r"^A process that played a start ended before its time, "):
        play_all(endless, jobs=2, listen=kill_the_workers)


SCRIPT = """
import numpy as np, simcal
from simcal.calibration import Recipe
game = {"window": 20, "batch": 30, "iterations": 3}
recipe = Recipe.model_validate({"name": "tiny", "trainable": ["impact"], "game": game})
prices = 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(0).standard_normal(500)))
print(simcal.calibrate(None, prices, recipe=recipe, starts=2, jobs=2).status)
"""


@pytest.mark.slow
def test_a_plain_script_may_calibrate_with_several_processes(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    run = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("all 3 iterations played\n", "")


@pytest.mark.slow
def test_an_error_while_listening_ends_the_processes():
    endless = [replace(t, settings=t.settings.model_copy(update={"iterations": 10**7})) for t in tasks(2)]

    def interrupt(number, row):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play_all(endless, jobs=2, listen=interrupt)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True])
def test_jobs_below_one_are_refused(jobs):
    with pytest.raises(ParameterError, match="jobs is"):
        play_all(tasks(2), jobs=jobs)


def test_one_job_hears_every_iteration_in_this_process():
    heard = []
    play_all(tasks(1), listen=lambda number, row: heard.append((number, row["iteration"])))
    assert heard == [(0, i) for i in range(1, 13)]


def test_this_process_may_use_at_least_one_core():
    assert available_cores() >= 1
