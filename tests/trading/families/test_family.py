"""What a family is made of, which markets a run gives, and prices in the place of a market."""

import json

import numpy as np
import pytest

from simcal.data import PriceSeries
from simcal.errors import ParameterError
from simcal.models import load, save
from simcal.trading.bands import Noise
from simcal.trading.families import FAMILIES, family_of, markets_of, markets_of_run, resampled
from simcal.trading.families.prices import train_share_of
from simcal.trading.orders import RecordedPrices, play, recorded, strategies_of, terms_of

SP500 = load("stock-sp500")
NOISE = Noise(seed=4, first_path=5, n_paths=12, n_steps=60, burn_in=30)


def one(size=1.0, **more):
    costs = {"execution": "next", "fixed": 0.0, "proportional": 0.0, "quadratic": 0.0} | more
    return terms_of(size, 1, **costs)


# -- the family -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "count"), [("standard", 32), ("trend", 49), ("reversion", 25)])
def test_named_families_have_strategies_of_different_names(name, count):
    family = family_of(name, SP500, NOISE)
    assert len({s.name for s in family}) == len(family) == count
    assert name in FAMILIES


def test_a_file_is_a_grid_without_crossovers_the_wrong_way_round(tmp_path):
    file = tmp_path / "family.toml"
    file.write_text('[[strategy]]\nname = "hold"\n[[strategy]]\nname = "crossover"\nshort = [5, 30]\nlong = [20, 50]\n')
    names = [s.name for s in family_of(str(file), SP500, NOISE)]
    assert names == [
        "hold", "crossover (short 5, long 20)", "crossover (short 5, long 50)", "crossover (short 30, long 50)",
    ]  # fmt: skip


def test_a_function_of_ones_own_gives_a_family(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "def always(prices, position, cash, step):\n    return 1.0\n"
        "def family():\n    return ['hold', always, ('reversion', {'window': 5})]\n"
        "def broken():\n    raise RuntimeError('no')\n"
    )
    assert [s.name for s in family_of(f"{file}:family", SP500, NOISE)] == ["hold", "always", "reversion (window 5)"]
    with pytest.raises(ParameterError, match="raised RuntimeError"):
        family_of(f"{file}:broken", SP500, NOISE)


def test_names_of_ones_own_and_of_equals():
    labelled = family_of({"a": "hold", "b": "hold", "c": ("crossover", {"long": 30})}, SP500, NOISE)
    assert [s.name for s in labelled] == ["a", "b", "c"]
    assert [s.name for s in family_of(["hold"] * 3, SP500, NOISE)] == ["hold #1", "hold #2", "hold #3"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("unheard", "no family 'unheard'"),
        (["hold", "hold"], "at least 3"),
        (None, "at least 3"),
        ("missing.toml", "cannot be read"),
        (["hold", "hold", ("crossover", {"wide": 3})], "no option wide"),
    ],
)
def test_what_is_no_family_is_refused_in_a_sentence(given, words):
    with pytest.raises(ParameterError, match=words):
        family_of(given, SP500, NOISE)


@pytest.mark.parametrize("text", ["x = [", "name = 3", "[[strategy]]\nshort = 3"])
def test_files_that_are_no_family(tmp_path, text):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ParameterError, match="family"):
        family_of(str(file), SP500, NOISE)


# -- markets of runs ------------------------------------------------------------------------------------------------


def run_folder(path, starts, listed):
    save(SP500, path / "market.toml")
    for number in starts:
        save(SP500.replace(impact=(10 + number) / 100), path / "starts" / f"start-{number}.toml")
    (path / "manifest.json").write_text(json.dumps({"starts": [{"start": number} for number in listed]}))
    (path / "recipe.toml").write_text("train_share = 0.6\n")
    return path


def test_a_run_gives_the_markets_of_its_starts_that_ended_well(tmp_path):
    folder = run_folder(tmp_path / "run", starts=(0, 2, 10), listed=(0, 1, 2))  # 1 failed, 10 is of an earlier run
    found = markets_of_run(folder)
    assert {name: market.impact for name, market in found.items()} == {"start-0": 0.1, "start-2": 0.12}
    assert list(markets_of(str(folder))) == ["start-0", "start-2"]
    assert train_share_of(folder) == 0.6
    assert train_share_of("stock-sp500") == 0.7


def test_a_run_without_starts_has_its_one_market(tmp_path):
    folder = run_folder(tmp_path / "run", starts=(), listed=(0, 1))
    assert markets_of_run(folder) == {"run": SP500}


def test_markets_are_told_apart_by_name(tmp_path):
    folder = run_folder(tmp_path / "run", starts=(0, 1), listed=(0, 1))
    found = markets_of([folder, folder, "stock-sp500", SP500, np.full((3, 9), 2.0)])
    assert list(found) == ["start-0", "start-1", "start-0 #2", "start-1 #2", "stock-sp500", "stock", "paths"]
    assert list(markets_of({"a": SP500, "b": folder})) == ["a", "b start-0", "b start-1"]


@pytest.mark.parametrize(("given", "words"), [("rfq", "kind 'rfq'"), ([], "No market"), ([3], "kind 'int'")])
def test_what_is_no_market_is_refused(given, words):
    with pytest.raises(ParameterError, match=words):
        markets_of(given)


def test_resampled_data_keep_what_was_held_out_and_its_dates():
    prices = 50.0 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, 900)))
    series = PriceSeries("s", range(900), prices)
    new = resampled(series, seed=3, block=50, train=0.6)
    np.testing.assert_allclose(new.split(0.6)[1].log_returns, series.split(0.6)[1].log_returns, atol=1e-12)
    first, second = new.split(0.6)[0].log_returns, resampled(series, seed=4, block=50, train=0.6).split(0.6)[0]
    assert not np.allclose(first, second.log_returns)
    assert np.isin(first.round(9), series.split(0.6)[0].log_returns.round(9)).all()


# -- prices in the place of a market --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["crossover", "reversion", "random"])
def test_recorded_prices_give_the_bits_of_the_market_at_size_0(name):
    strategies = strategies_of(name, SP500, NOISE, {"crossover": {"long": 20}, "reversion": {"window": 9}}.get(name))
    in_market = play(strategies, SP500, NOISE, one(size=0.0, proportional=0.001))
    replayed = play(strategies, recorded(SP500, NOISE), NOISE, one(size=0.0, proportional=0.001))
    assert np.abs(in_market.orders).sum() > 0
    for part in ("prices", "orders", "positions", "costs", "cash", "pnl", "failed", "numbers"):
        np.testing.assert_array_equal(getattr(replayed, part), getattr(in_market, part))


def test_a_replay_earns_its_closed_form():
    """Long from the price after the first step to the last: the closed form of hold, with costs."""
    prices = np.array([5.0, 7.0, 9.0, 8.0, 12.0, 11.0])
    market = RecordedPrices(prices)
    noise = Noise(0, 0, 1, 3, burn_in=2)  # acts at 9 first, and buys at 8
    played = play(strategies_of("hold", SP500, noise), market, noise, one(proportional=0.01, fixed=0.5))
    np.testing.assert_allclose(played.pnl[0, 0], [-0.5 - 0.08, 4.0, -1.0])


class Fragile:
    """The stock market, of which path 7 has no usable price from step 40 on."""

    def stepper(self, seed, first_path, n_paths):
        inner = SP500.stepper(seed, first_path, n_paths)
        bad = np.arange(first_path, first_path + n_paths) == 7

        class Stepper:
            prices, failed, t = inner.prices, np.zeros(n_paths, int), 0

            def advance(self, outside=None):
                self.t += 1
                self.prices = inner.advance(outside).copy()
                if self.t >= 40:
                    self.prices[bad], self.failed = np.nan, np.where(bad, 40, 0)
                return self.prices

        return Stepper()


def test_recorded_paths_know_where_a_market_failed():
    strategies = strategies_of("crossover", SP500, NOISE, {"long": 20})
    in_market, replayed = (play(strategies, m, NOISE, one(size=0.0)) for m in (Fragile(), recorded(Fragile(), NOISE)))
    assert in_market.failed.tolist() == [0, 0, 40, *[0] * 9]
    for part in ("failed", "prices", "orders", "pnl"):
        np.testing.assert_array_equal(getattr(replayed, part), getattr(in_market, part))


@pytest.mark.parametrize("prices", [[1.0], [1.0, -2.0], [1.0, np.nan], np.ones((2, 2, 2))])
def test_recorded_prices_must_be_prices(prices):
    with pytest.raises(ParameterError, match="Recorded prices"):
        RecordedPrices(prices)


def test_more_than_is_recorded_is_refused():
    market = RecordedPrices(np.ones((2, 4)))
    with pytest.raises(ParameterError, match="give fewer paths"):
        market.stepper(0, 1, 2)
    stepper = market.stepper(0, 0, 2)
    for _ in range(3):
        stepper.advance()
    with pytest.raises(ParameterError, match="fewer steps"):
        stepper.advance()
