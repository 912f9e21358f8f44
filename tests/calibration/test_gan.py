"""The game finds what it should, is a function of its seed, and goes on bit for bit from its state."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from simcal import models
from simcal.calibration import Game, GameData, GameSettings
from simcal.calibration.losses import LOSSES
from simcal.errors import DataError, NumericalError, NumericalWarning, ParameterError
from simcal.parameters import flat_values
from simcal.training import load_checkpoint, save_checkpoint

sys.path.insert(0, str(Path(__file__).parent))
import lognormal
from lognormal import LognormalMarket, linear_game

DATA = GameData(lognormal.windows(200, 20, 0.01, 1))


def game(sd: float = 0.02, data: GameData = DATA, *, seed: int = 0, start: int = 0, **settings) -> Game:
    return Game(LognormalMarket(sd), ["sd"], data, linear_game(**settings), seed=seed, start=start)


def play(g: Game, n: int) -> list[dict[str, float]]:
    return [g.step() for _ in range(n)]


# -- what it finds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("start", [0.004, 0.02])
def test_the_linear_wasserstein_game_finds_the_deviation_of_lognormal_returns(seed, start):
    n, length, truth = 300, 20, 0.01
    data = GameData(lognormal.windows(n, length, truth, seed))
    g = game(start, data, seed=seed, batch=300, iterations=220)
    play(g, 220)
    # The efficient standard error of a deviation from N returns is 1 / sqrt(2 N) of it.
    error = truth / math.sqrt(2 * n * length)
    assert abs(g.market().sd - truth) < 3.5 * error


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_pulls_a_far_parameter_towards_the_data(loss):
    penalty = 10.0 if loss == "wasserstein" else 0.1
    g = game(0.03, loss=loss, gradient_penalty=penalty, hidden=(16,), iterations=40, decay="none", average_from=1.0)
    play(g, 40)
    assert 0.005 < g.values()["sd"] < 0.022


def test_the_distance_is_smallest_at_the_parameter_of_the_data():
    near, low, high = (game(sd, batch=200).distance() for sd in (0.01, 0.008, 0.0125))
    assert near < low
    assert near < high


def test_the_distance_is_to_the_validation_windows_where_there_are_some():
    other = GameData(DATA.train, lognormal.windows(200, 20, 0.03, 2))
    assert game(0.03, other, batch=200).distance() < game(0.01, other, batch=200).distance()


# -- what it plays with ---------------------------------------------------------------------------------------------


def test_windows_of_one_path_follow_each_other_after_the_warm_up():
    g = game(warm_up=7, windows_per_path=3, batch=12)
    prices = g._simulate(0).detach()
    paths = g.twin.simulate(0, 0, 4, 7 + 3 * 20).detach()
    assert prices.shape == (12, 21)
    for path in range(4):
        for i in range(3):
            torch.testing.assert_close(prices[3 * path + i], paths[path, 7 + 20 * i : 7 + 20 * (i + 1) + 1])


def test_no_two_iterations_and_no_two_starts_share_a_path():
    settings = {"batch": 10, "windows_per_path": 2, "iterations": 4}
    rows = [game(start=start, **settings)._simulate(i).detach() for start in range(3) for i in range(5)]
    flat = torch.cat([r[:, 1] for r in rows])
    assert len(flat.unique()) == len(flat)


def test_a_game_is_a_function_of_seed_and_start():
    base = play(game(seed=3, start=1), 5)
    assert play(game(seed=3, start=1), 5) == base
    assert play(game(seed=4, start=1), 5) != base
    assert play(game(seed=3, start=2), 5) != base


def test_the_game_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    play(game(hidden=(8,), batch=50), 3)
    assert torch.equal(torch.get_rng_state(), before)


def test_rates_fall_on_a_cosine_to_their_final_share():
    g = game(iterations=10, final_rate=0.1, generator_rate=0.05, discriminator_rate=0.5)
    rates = []
    for _ in range(10):
        g.step()
        rates.append((g.generator_optimiser.param_groups[0]["lr"], g.critic_optimiser.param_groups[0]["lr"]))
    cosine = 0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * np.arange(10) / 10))
    np.testing.assert_allclose(rates, cosine[:, None] * [0.05, 0.5], rtol=1e-12)


def test_the_largest_gradient_bounds_the_gradient():
    g = game(largest_gradient=1e-7)
    g.step()
    (parameter,) = g.twin.parameters()
    assert float(parameter.grad.norm()) == pytest.approx(1e-7)


def test_an_unknown_trainable_name_is_refused_with_the_nearest():
    with pytest.raises(ParameterError, match="did you mean 'impact'"):
        Game(models.load("stock"), ["impct"], DATA, linear_game())


# -- averages -------------------------------------------------------------------------------------------------------


def test_the_market_is_that_of_the_mean_of_the_free_parameters():
    g = game(iterations=10, average_from=0.5)
    seen = []
    for _ in range(10):
        g.step()
        seen.append(float(next(g.twin.parameters()).detach()))
    assert g.averaged == 5
    assert math.log(g.market().sd) == pytest.approx(np.mean(seen[5:]), rel=1e-12)
    assert float(next(g.twin.parameters()).detach()) == seen[-1]  # asking left the game as it was


def test_before_averaging_the_market_is_the_present_one():
    g = game(iterations=10, average_from=1.0)
    row = play(g, 10)[-1]
    assert g.averaged == 0
    assert g.market().sd == row["sd"]


def test_measuring_the_distance_does_not_change_the_game():
    one, other = game(seed=1), game(seed=1)
    for _ in range(40):
        assert one.step() == other.step()
        other.distance()


# -- state ----------------------------------------------------------------------------------------------------------


def stock_game(dtype: str) -> Game:
    market = models.load("stock").replace(public_weight=0.5, trend_sensitivity=0.3)
    rng = np.random.default_rng(0)
    data = GameData(100 * np.exp(np.cumsum(0.02 * rng.standard_normal((80, 31)), axis=1)))
    settings = GameSettings(
        statistics="experiment-innovations", window=30, warm_up=5, batch=64, iterations=12, discriminator_steps=2,
        hidden=(8,), average_from=0.3, dtype=dtype,
    )  # fmt: skip
    trainable = ["public_weight", "private_weight", "trend_sensitivity", "impact"]
    return Game(market, trainable, data, settings, per_trader=["trend_sensitivity"], seed=5, start=2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_stock_markets_game_goes_on_bit_for_bit_from_any_iteration(dtype, tmp_path):
    whole = stock_game(dtype)
    rows = []
    for i in range(12):
        save_checkpoint(tmp_path / f"{i}.safetensors", whole.tensors(), whole.state())
        rows.append(whole.step())
    for i in (0, 1, 4, 7, 11):
        other = stock_game(dtype)
        other.restore(*load_checkpoint(tmp_path / f"{i}.safetensors"))
        assert play(other, 12 - i) == rows[i:]
        assert other.market() == whole.market()
        assert other.state() == whole.state()
        assert other.distance() == whole.distance()
        last, mine = whole.tensors(), other.tensors()
        assert last.keys() == mine.keys()
        assert all(torch.equal(last[key], mine[key]) for key in last)


def test_a_restored_game_does_not_change_the_tensors_it_was_restored_from():
    one = game(average_from=0.0)
    play(one, 3)
    tensors = {k: v.detach().clone() for k, v in one.tensors().items()}
    kept = {k: v.clone() for k, v in tensors.items()}
    other = game(average_from=0.0)
    other.restore(tensors, one.state())
    play(other, 3)
    assert all(torch.equal(kept[k], tensors[k]) for k in kept)


def test_the_state_of_other_networks_is_refused():
    one = game(hidden=(8,))
    with pytest.raises(ParameterError, match="another recipe"):
        game(hidden=(9,)).restore(one.tensors(), one.state())


# -- numbers that are not finite ------------------------------------------------------------------------------------


def test_a_twin_that_returns_nan_is_counted_and_ends_with_its_parameters_named():
    g = game(0.04, twin={"nan_above": 0.03})
    with pytest.raises(NumericalError, match=r"last 20 training steps.*sd = 0\.04"):
        play(g, 30)
    assert g.watch.count == 20
    assert g.values()["sd"] == pytest.approx(0.04)  # no step was taken on them
    assert all(torch.isfinite(p).all() for p in g.critic.parameters())


def test_steps_with_nan_are_skipped_and_the_game_goes_on_afterwards():
    # Paths of the first ten iterations are sound, then come bad ones; only the sound ones move the parameter.
    g = game(twin={"nan_from": 1000})
    rows = play(g, 25)
    moved = np.diff([row["sd"] for row in rows]) != 0
    assert moved[:9].all()
    assert not moved[9:].any()
    assert g.watch.count == 15
    assert all(math.isfinite(row["sd"]) for row in rows)


def test_the_discriminator_survives_features_that_overflow():
    g = game(hidden=(8, 8), dtype="float32")
    g.step()
    huge = torch.full((100, g.real.shape[1]), 3e38)
    loss = g._discriminator_step(huge, torch.Generator().manual_seed(0))
    assert not math.isfinite(loss)
    assert all(torch.isfinite(p).all() for p in g.critic.parameters())


def test_a_step_out_of_what_a_market_may_be_is_taken_back_and_counted():
    g = game(0.005, generator_rate=1e4)  # exp(1e4) is not a number
    row = g.step()
    assert row["sd"] == pytest.approx(0.005)
    assert g.watch.count == 1


def test_a_parameter_that_collapses_ends_with_its_name():
    with pytest.raises(NumericalError, match="sd = "):
        play(game(0.02, generator_rate=1e4), 30)


def test_real_windows_without_finite_statistics_are_left_out_with_a_count():
    flat = np.ones((3, 21))
    with pytest.warns(NumericalWarning, match="3 of the 203 training windows"):
        g = game(data=GameData(np.concatenate([flat, DATA.train])))
    assert torch.equal(g.real, game().real)


def test_data_of_flat_windows_only_are_refused():
    with pytest.raises(DataError, match="0 of the 10 training windows"):
        game(data=GameData(np.ones((10, 21))))


def test_windows_shorter_than_the_statistics_need_are_refused():
    with pytest.raises(ParameterError, match="at least 12"):
        game(data=GameData(DATA.train[:, :9]))


def test_per_trader_values_are_listed_one_by_one():
    market = models.load("stock").replace(public_weight=[1.0, 2, 3, 4, 5, 6, 7])
    assert flat_values(market, ["impact", "public_weight"]) == {
        "impact": 0.1, **{f"public_weight[{i}]": i + 1.0 for i in range(7)}
    }  # fmt: skip
