"""The experiment: resumed, extended, cut short, and never mixed up; its report; the calibration of traits."""

import json

import numpy as np
import pytest
import tomli_w

from simcal.errors import ParameterError, SimcalError
from simcal.learning import LearningMarket
from simcal.learning.emergence import (
    ARMS,
    CLOCKS,
    EmergenceSettings,
    behaviour,
    calibrate_traits,
    load_emergence,
    load_result,
    run_emergence,
    specialisation,
    write_emergence_report,
)

MARKET = LearningMarket(n_traders=15, sessions=(30, 200, 5, 200), order_lifetime=25)
TRAINING = {"episodes": 4, "width": 16}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    path = tmp_path_factory.mktemp("market") / "small.toml"
    path.write_text(tomli_w.dumps(MARKET.to_dict()))
    return EmergenceSettings(
        name="small", market=str(path), seeds=2, steps=3000, days=4, bars=(45, 45), training=TRAINING, acting="noise",
        changes={"n_cara": 30, "matching": "each-level", "tick": 0.01},
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("done") / "run"
    return folder, run_emergence(settings, out=folder, jobs=1)


def plain(result):
    """The records without what depends on the clock on the wall."""
    return [{k: v for k, v in record.items() if "seconds" not in k} for record in result.records]


def test_the_recipe_that_comes_with_simcal_says_what_the_defaults_say():
    shipped = load_emergence("learning-emergence")
    assert shipped.to_dict() == EmergenceSettings(
        description=shipped.description, changes={"matching": "each-level", "tick": 0.01}
    ).to_dict()  # fmt: skip
    assert shipped.ppo.iterations == 80


def test_all_arms_and_seeds_in_every_view(settings, done):
    _, result = done
    assert [(r["arm"], r["seed"]) for r in result.records] == [(arm, seed) for seed in range(2) for arm in ARMS]
    for clock in CLOCKS:
        for acting in ("means", "noise"):
            assert len(result.runs(clock, acting)) == 8
            assert set(result.comparisons(clock, acting)["against"]) == set(ARMS[1:])
    assert result.missing == 0
    assert result.verdict[0].startswith("The claim of arXiv 2511.05207")
    assert set(result.specialisation["trait"]) == {"risk_aversion", "discount", "noise"}


def test_a_run_that_is_done_is_not_repeated_and_one_that_is_lost_comes_out_the_same(settings, done):
    folder, result = done
    times = {path: path.stat().st_mtime_ns for path in folder.glob("*/record.json")}
    assert plain(run_emergence(settings, out=folder, jobs=1)) == plain(result)
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/record.json")} == times
    (folder / "both-1" / "record.json").unlink()
    assert plain(run_emergence(settings, out=folder, jobs=1)) == plain(result)
    assert plain(load_result(folder)) == plain(result)


def test_two_processes_more_seeds_and_a_budget_that_ended_change_nothing(settings, done, tmp_path):
    _, result = done
    with pytest.raises(SimcalError, match="before a run was done"):
        run_emergence(settings.replace(seeds=1), out=tmp_path / "r", jobs=1, budget=1e-3)
    one = run_emergence(settings.replace(seeds=1), out=tmp_path / "r", jobs=1)
    assert plain(one) == plain(result)[:4]
    assert plain(run_emergence(settings, out=tmp_path / "r", jobs=2)) == plain(result)


def test_another_experiment_does_not_enter_the_folder(settings, done):
    folder, _ = done
    with pytest.raises(ParameterError, match="another experiment or with other settings"):
        run_emergence(settings.replace(days=5), out=folder, jobs=1)
    with pytest.raises(ParameterError, match="another run"):
        run_emergence(settings, out=folder / "both-0" / "training", jobs=1)


@pytest.mark.filterwarnings("error")
def test_the_report_says_the_verdict_and_names_both_clocks(done):
    folder, result = done
    page = write_emergence_report(folder).read_text(encoding="utf-8")
    for words in (result.verdict[1].partition(":")[0], *CLOCKS, "Specialisation by trait", "The policy"):
        assert words in page
    assert page.count("data:image/") >= 5
    assert json.loads((folder / "emergence.json").read_text())["verdict"] == result.verdict


def test_the_distance_to_a_real_series_is_told_with_its_floor_and_kept(settings, tmp_path):
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 2000)))
    file = tmp_path / "daily.csv"
    dates = np.datetime64("2001-01-01") + np.arange(2000)
    rows = (f"{d},{p:.6f}\n" for d, p in zip(dates, prices, strict=True))
    file.write_text("date,close\n" + "".join(rows))
    with_data = settings.replace(seeds=1, days=12, data=str(file))
    first = run_emergence(with_data, out=tmp_path / "run", jobs=1)
    assert first.distances is not None
    assert min(first.distances.runs.values()) > 0
    assert set(first.claim()["statistic"]) == {"hill", "acf_10", "distance"}
    assert "Distance to real prices" in write_emergence_report(tmp_path / "run").read_text(encoding="utf-8")
    assert load_result(tmp_path / "run").distances == first.distances


def test_traits_are_calibrated_cell_by_cell_and_the_chosen_one_is_a_market(settings, tmp_path):
    import simcal

    settings = settings.replace(days=12)
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 3000)))
    grid = {"noise_sd": [0.0, 0.01], "discount_low": [0.75]}
    found = calibrate_traits(prices, settings, grid=grid, out=tmp_path, jobs=1)
    assert sorted(found.table["noise_sd"]) == [0.0, 0.01]
    assert found.table["distance"].is_monotonic_increasing
    assert (found.table["floor"] > 0).all()
    assert np.isfinite(found.held_out)
    market = simcal.load(found.folder)
    assert market.trained.market.noise_sd == found.best["noise_sd"]
    times = [path.stat().st_mtime_ns for path in tmp_path.glob("*/record.json")]
    assert calibrate_traits(prices, settings, grid=grid, out=tmp_path, jobs=1).best == found.best
    assert [path.stat().st_mtime_ns for path in tmp_path.glob("*/record.json")] == times
    with pytest.raises(ParameterError, match="grid"):
        calibrate_traits(prices, settings, grid={}, out=tmp_path)
    with pytest.raises(ParameterError, match="traits"):
        calibrate_traits(prices, settings, grid={"tick": [0.1]}, out=tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": 0}, "seeds is 0"),
        ({"bars": (45,)}, "one number for each session"),
        ({"bars": (20, 20)}, "80 bars"),
        ({"busyness": 0.5}, "busyness is 0.5"),
        ({"acting": "loud"}, "acting is 'loud'"),
        ({"rules": "stock"}, "order-book market"),
        ({"training": {"wdth": 3}}, "wdth"),
    ],
)
def test_what_is_wrong_is_one_sentence(settings, changes, words):
    with pytest.raises(ParameterError, match=words):
        settings.replace(**changes)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_trait_that_rules_a_behaviour_is_found_and_another_is_not(seed):
    """Behaviour made from one trait: a rank correlation of -1 with it, and none with the others."""
    from simcal.learning import PpoSettings, evaluate
    from simcal.learning.emergence.days import untrained

    episodes = evaluate(untrained(MARKET, PpoSettings(width=16), seed), 60, seed, deterministic=False)
    episodes.decisions["invested"] = -episodes.decisions["risk_aversion"]
    episodes.decisions["price"] = -episodes.decisions["noise"]
    table = specialisation(behaviour(episodes)).set_index(["trait", "behaviour"])
    limit = 4 / np.sqrt(60 * MARKET.n_traders)
    assert table.loc[("risk_aversion", "invested"), "correlation"] == pytest.approx(-1.0)
    assert table.loc[("noise", "aggressiveness"), "correlation"] == pytest.approx(1.0)
    assert abs(table.loc[("discount", "invested"), "correlation"]) < limit
    assert abs(table.loc[("noise", "accuracy"), "correlation"]) < limit
    row = table.loc[("risk_aversion", "invested")]
    assert row["lowest third"] > row["middle third"] > row["highest third"]
