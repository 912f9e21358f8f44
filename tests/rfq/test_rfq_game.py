"""The game on windows of requests: what is given is replayed, the truth comes back, a killed run goes on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rfq_samples import TRUTH, simulate

from simcal.calibration import STATISTICS, Game
from simcal.calibration.recipe import check_recipe
from simcal.calibration.start import play
from simcal.errors import DataError
from simcal.rfq.estimators.game import (
    adversarial_estimate,
    adversarial_tasks,
    covariance_of_estimate,
    request_windows,
    starting_market,
)
from simcal.rfq.estimators.likelihood import NAMES
from simcal.rfq.estimators.sample import Event, sample_of
from simcal.rfq.market import RfqMarket
from simcal.rfq.rules import GIVEN, SEEN
from simcal.rfq.simulated import request_table

GAME = {
    "gradient_penalty": 0.5, "slope": 0.0, "hidden": [], "batch": 2, "discriminator_steps": 2, "generator_rate": 0.03,
    "discriminator_rate": 0.1, "beta1": 0.0, "beta2": 0.99, "average_from": 0.6,
}  # fmt: skip


def recipe(statistics="requests", trainable=NAMES, **game):
    settings = GAME | {"statistics": statistics, "window": 25, "warm_up": 0, "iterations": 120} | game
    return check_recipe({"name": "test", "market": "rfq", "trainable": trainable, "game": settings})


def test_windows_hold_the_requests_in_order_and_what_is_given_to_them():
    sample = simulate(2010, seed=1)
    data = request_windows(sample, view="platform", window=20, warm_up=30)
    assert data.train.shape == (99, len(SEEN), 21)
    assert data.given.shape == (99, len(GIVEN), 51)
    own = SEEN.index("own")
    np.testing.assert_array_equal(data.train[-1, own, 1:], sample.margin[-20:])
    np.testing.assert_array_equal(data.given[-1, GIVEN.index("own"), 1:], sample.margin[-50:])
    np.testing.assert_array_equal(data.train[1:, own, 0], data.train[:-1, own, -1])
    ordered = np.sort(np.column_stack([sample.margin, sample.quotes]), axis=1)
    np.testing.assert_array_equal(data.train[-1, SEEN.index("best"), 1:], ordered[-20:, 0])
    np.testing.assert_array_equal(data.train[-1, SEEN.index("cover"), 1:], ordered[-20:, 1])
    assert np.all(data.train[..., SEEN.index("done"), 1:] <= data.train[..., SEEN.index("traded"), 1:])


def test_windows_are_refused_where_they_would_say_nothing():
    sample = simulate(900, seed=1)
    with pytest.raises(DataError, match="make 36 windows of 25, but the adversarial method needs at least 50"):
        request_windows(sample, view="own", window=25, warm_up=0)
    lost = replace(sample, event=np.where(sample.done, sample.event, Event.LOST))
    with pytest.raises(DataError, match="status LOST"):
        request_windows(lost, view="own", window=5, warm_up=0)


@pytest.mark.parametrize("name", [n for n, s in STATISTICS.items() if s.windows == "requests"])
def test_statistics_of_requests_are_finite_and_have_gradients_for_any_panels(name):
    panel = np.random.default_rng(0).integers(1, 6, 4000)
    sample = simulate(4000, n_dealers=panel, seed=2)
    view = "platform" if name.endswith("platform") else "own"
    data = request_windows(sample, view=view, window=40, warm_up=10)
    names = [*NAMES, *(["inventory_skew"] if "inventory" in name else [])]
    game = Game(
        starting_market(RfqMarket(), sample, names), names, data,
        recipe(name, names, window=40, warm_up=10, batch=100, iterations=2).game,
    )  # fmt: skip
    assert game.real.shape[1] == len(STATISTICS[name].labels(40))
    assert torch.isfinite(game.real).all()
    before = game.values()
    row = game.step()
    assert np.isfinite(list(row.values())).all()
    assert game.watch.count == 0
    assert all(game.values()[n] != before[n] for n in names)


def test_simulated_windows_have_the_own_quotes_of_the_real_ones():
    sample = simulate(2000, seed=3)
    data = request_windows(sample, view="own", window=20, warm_up=5)
    n = len(data.train)
    market = starting_market(RfqMarket(), sample, NAMES)
    settings = recipe(window=20, warm_up=5, batch=2 * n).game
    game = Game(market, NAMES, data, settings)
    fake = game._simulate(0).detach().numpy()
    for channel in ("side", "size", "n_dealers", "own"):
        k = SEEN.index(channel)
        np.testing.assert_allclose(fake[:n, k, 1:], data.train[:, k, 1:], rtol=1e-6)
        np.testing.assert_allclose(fake[n:, k, 1:], data.train[:, k, 1:], rtol=1e-6)
    some = Game(market, NAMES, data, settings.model_copy(update={"batch": 7}))
    assert len(set(some._rows(7, 0).tolist())) == 7
    assert some._rows(7, 0).tolist() == some._rows(7, 0).tolist() != some._rows(7, 1).tolist()


@pytest.mark.parametrize("seed", [0, 1])
def test_game_on_a_platform_finds_the_truth_within_its_standard_errors(seed):
    sample = simulate(8000, seed=seed)
    data = request_windows(sample, view="platform", window=25, warm_up=0)
    r = recipe("requests-platform")
    task = adversarial_tasks(starting_market(RfqMarket(), sample, NAMES), data, r, checkpoints=None)[0]
    found = adversarial_estimate(play(task), data, r, sample.n)
    assert found.succeeded
    assert np.all(np.abs((found.values - TRUTH) / found.standard_errors) < 3.5)
    assert np.all(found.standard_errors < [0.03, 0.08, 0.8, 0.01, 0.02, 0.05])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_game_finds_dealers_who_mind_their_inventories_and_a_likelihood_of_single_requests_is_biased(seed):
    from simcal.rfq.estimators.likelihood import fit_likelihood

    truth = RfqMarket(inventory_skew=0.15)
    sample = sample_of(request_table(truth, 20_000, seed=seed, platform=True), view="platform")
    names = [*NAMES, "inventory_skew"]
    data = request_windows(sample, view="platform", window=50, warm_up=60)
    r = recipe("requests-inventory-platform", names, window=50, warm_up=60, iterations=200)
    start = starting_market(RfqMarket(temperature=0.05), sample, names)
    found = adversarial_estimate(play(adversarial_tasks(start, data, r, checkpoints=None)[0]), data, r, sample.n)
    z = (found.values - [*TRUTH, 0.15]) / found.standard_errors
    assert np.all(np.abs(z) < 3.5)
    assert found.value("inventory_skew") > 5 * found.standard_errors[-1]
    alone = fit_likelihood(sample, platform=True)
    assert abs(alone.value("quote_scale") - 0.8) > 8 * alone.standard_errors[4]


def test_standard_errors_are_those_of_many_estimates_of_the_own_view():
    # At the truth, by the delta method: an estimator that matches means moves by A (mean of statistics - expectation).
    sample = simulate(20_000, seed=5)
    data = request_windows(sample, view="own", window=25, warm_up=0)
    market = RfqMarket()
    covariance = covariance_of_estimate(market, NAMES, data, recipe().game)
    assert covariance is not None
    errors = np.sqrt(np.diag(covariance))
    # Not below the likelihood's, and not far above them.
    smallest = np.array([0.0233, 0.0628, 0.3008, 0.0095, 0.0154, 0.0491])
    assert np.all(errors > 0.93 * smallest)
    assert np.all(errors < 2.2 * smallest)


def test_a_killed_game_goes_on_bit_for_bit(tmp_path):
    sample = simulate(3000, seed=6)
    data = request_windows(sample, view="own", window=25, warm_up=0)
    r = recipe(iterations=24)
    start = starting_market(RfqMarket(), sample, NAMES)

    def task(folder):
        return replace(adversarial_tasks(start, data, r, checkpoints=folder)[0], checkpoint_seconds=0.0)

    def kill(row):
        if row["iteration"] == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(task(tmp_path / "killed"), kill)
    resumed, whole = play(task(tmp_path / "killed")), play(task(tmp_path / "whole"))
    assert resumed.market == whole.market
    np.testing.assert_array_equal(resumed.history.to_numpy(), whole.history.to_numpy())
