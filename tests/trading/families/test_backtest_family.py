"""Families where the truth is known: markets without skill, with a planted pattern, and one that is wrong."""

import numpy as np
import pandas as pd
import pytest

import simcal
from simcal.data import PriceSeries
from simcal.errors import DataError, NumericalWarning, ParameterError
from simcal.models import load
from simcal.models.stock import StockMarket
from simcal.report import write_report
from simcal.trading.bands import Noise
from simcal.trading.families import backtest_family
from simcal.trading.families.backtest import TRAINING, UNNOTICED
from simcal.trading.families.places import place_of
from simcal.trading.families.prices import peer_prices, without_drift, without_skill
from simcal.trading.families.result import CALIBRATED, HELD_OUT
from simcal.trading.orders import RecordedPrices, strategies_of, terms_of

SP500 = load("stock-sp500")
# Prices that moves of traders without an opinion make are a martingale; fundamental traders around a value that stands
# still make prices that come back to it.
MARTINGALE = StockMarket(
    n_technical=0, n_fundamental=0, n_noise=10, public_weight=0.3, private_weight=0.2, impact=0.1, short_window=1,
    long_window=2,
)  # fmt: skip
REVERTING = StockMarket(
    n_technical=0, n_fundamental=5, n_noise=5, public_weight=0.6, private_weight=0.3, impact=0.2, short_window=1,
    long_window=2, value_sensitivity=0.05, observation_sd=0.2, variance_mean=1e-4, variance_start=1e-4, vol_of_vol=1e-3,
)  # fmt: skip
GRID = [
    ("crossover", {"short": 2, "long": 8}), ("crossover", {"short": 5, "long": 20}),
    ("crossover", {"short": 2, "long": 20}),
    ("reversion", {"window": 5}), ("reversion", {"window": 10}), ("reversion", {"window": 20}),
    ("random", {"holding": 3}), ("random", {"holding": 10}),
]  # fmt: skip


def series_of(market, n, seed):
    return PriceSeries("made", pd.RangeIndex(n + 1), simcal.simulate(market, 1, n, seed=seed).prices[0])


def family(markets, prices=None, strategies=GRID, train=None, **options):
    return backtest_family(
        strategies, markets, prices, **{"n_paths": 20, "burn_in": 30, "peers": (), "train_share": train} | options
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_without_skill_the_best_is_luck(seed):
    """The mean over paths of the probability of overfitting is 1/2 for an even family; deflated ratios are not high."""
    row = family(MARTINGALE, n_paths=200, n_steps=200, seed=seed).selection.loc[CALIBRATED]
    error = (row["pbo_high"] - row["pbo_low"]) / 2 / 1.96
    assert abs(row["pbo"] - 0.5) < 3.5 * error < 0.1
    assert row["sure"] < 0.05


@pytest.mark.slow
def test_without_skill_two_markets_do_not_agree():
    """Over 40 martingales in the place of held-out prices rank correlations average 0, and so do their p-values 1/2."""
    values, p_values = [], []
    for seed in range(40):
        table = family(MARTINGALE, series_of(MARTINGALE, 400, seed), seed=seed, n_paths=40, train=0.5).agreement
        values.append(table.loc[(CALIBRATED, "spearman"), "value"])
        p_values.append(table.loc[(CALIBRATED, "spearman"), "p_no_skill"])
    assert abs(np.mean(values)) < 3.5 * np.std(values, ddof=1) / np.sqrt(40)
    assert abs(np.mean(p_values) - 0.5) < 3.5 * np.sqrt(1 / 12 / 40)


@pytest.mark.parametrize("seed", [3, pytest.param(4, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow)])
def test_a_planted_pattern_is_found_and_agrees(seed):
    result = family(REVERTING, series_of(REVERTING, 900, seed), train=0.2, seed=seed)
    assert all(name.startswith("reversion") for name in result.table.index[:3])
    assert all(name.startswith("crossover") for name in result.table.index[-3:])
    assert result.selection.loc[CALIBRATED, "best"] == result.table.index[0]
    assert result.selection.loc[CALIBRATED, "pbo"] < 0.1
    row = result.agreement.loc[(CALIBRATED, "spearman")]
    assert row["value"] > 0.8
    assert row["low"] > 0.4
    # Two kinds of strategies are near copies among themselves: luck puts one kind before the other now and then, which
    # the permutation does not know.
    assert row["p_value"] < row["p_no_skill"] < 0.25
    assert row["p_value"] < 0.01
    assert row["ceiling_low"] <= row["value"] <= 1


def test_a_market_with_the_opposite_pattern_disagrees():
    """Prices that trend in the place of a calibrated market: the family the other way round."""
    rng = np.random.default_rng(5)
    trending = rng.normal(0, 0.01, (20, 500))
    for t in range(1, 500):
        trending[:, t] += 0.5 * trending[:, t - 1]
    paths = 100 * np.exp(np.cumsum(trending, axis=1))
    row = family(paths, series_of(REVERTING, 700, 6), train=0.3).agreement.loc[(CALIBRATED, "spearman")]
    assert row["value"] < -0.5
    assert row["p_no_skill"] > 0.9
    assert row["ceiling"] > 0.5


@pytest.mark.slow
def test_the_market_beats_a_peer_that_lost_the_pattern():
    series = series_of(REVERTING, 3000, 7)
    table = family(REVERTING, series, n_paths=60, peers=("iid-bootstrap",)).agreement
    ahead = table.loc[("iid-bootstrap", "spearman")]
    assert ahead["first_less_this_low"] > 0
    assert ahead["first_less_this"] == table.loc[(CALIBRATED, "spearman"), "value"] - ahead["value"]
    assert np.isnan(table.loc[(CALIBRATED, "spearman"), "first_less_this"])


def test_signs_drawn_anew_make_a_martingale_as_wild():
    prices = np.array([10.0, 12.0, 9.0, 9.9, 4.0])
    paths = without_skill(prices, 20000, seed=1).prices / 100
    np.testing.assert_allclose(np.abs(np.diff(np.log(paths))), np.tile(np.abs(np.diff(np.log(prices))), (20000, 1)))
    error = paths.std(axis=0, ddof=1) / np.sqrt(20000)
    assert (np.abs(paths.mean(axis=0) - 1)[1:] < 4 * error[1:]).all()


def test_without_drift_the_pattern_is_seen_through_a_rise():
    series = series_of(REVERTING, 900, 3)
    rising = PriceSeries("rising", series.dates, series.prices * np.exp(0.004 * np.arange(series.n)))
    flat = family(REVERTING, rising, train=0.2, drift=False)
    spearman = flat.agreement.loc[(CALIBRATED, "spearman")]
    assert spearman["value"] > 0.8
    assert spearman["p_no_skill"] < 0.25
    assert "drift" in " ".join(flat.notes)
    assert flat.settings["data_sha256"] == rising.sha256
    plain = family(REVERTING, series, train=0.2, drift=False)
    pd.testing.assert_frame_equal(flat.places, plain.places, rtol=1e-6, atol=1e-6)  # the rise is gone to the last step


def test_without_drift_a_market_does_not_grow_either():
    still, series = load("herding"), series_of(REVERTING, 300, 3)
    grown = family(still.replace(growth=1e-3), series, train=0.5, drift=False)
    plain = family(still, series, train=0.5, drift=False)
    pd.testing.assert_frame_equal(grown.places, plain.places)
    assert not grown.places.equals(family(still.replace(growth=1e-3), series, train=0.5).places)


def test_paths_without_drift_have_no_mean_return():
    log_returns = np.random.default_rng(0).normal(0.001, 0.02, (4, 300))
    np.testing.assert_allclose(np.expm1(without_drift(log_returns)).mean(axis=1), 0.0, atol=1e-15)
    pinned = without_skill(np.exp(np.cumsum(log_returns[0])), 5, seed=2, pinned=100).prices
    np.testing.assert_allclose((pinned[:, 1:] / pinned[:, :-1] - 1)[:, -100:].mean(axis=1), 0.0, atol=1e-15)
    peers = peer_prices("gaussian", log_returns[0], 5, 60, 0, drift=False).prices
    assert abs((peers[:, 1:] / peers[:, :-1] - 1).mean()) < 1e-15


@pytest.mark.slow
def test_without_drift_chance_is_still_known_for_chance():
    """Over 40 martingales that lost their drift p-values average 1/2, though their ends are pinned."""
    p_values = []
    for seed in range(40):
        table = family(REVERTING, series_of(MARTINGALE, 300, seed), seed=seed, train=0.3, drift=False).agreement
        p_values.append(table.loc[(CALIBRATED, "spearman"), "p_no_skill"])
    assert abs(np.mean(p_values) - 0.5) < 3.5 * np.sqrt(1 / 12 / 40)


# -- what is where --------------------------------------------------------------------------------------------------


def test_the_tables_are_those_of_the_paths():
    markets = {"a": MARTINGALE, "b": MARTINGALE.replace(impact=0.2)}
    result = family(markets, series_of(MARTINGALE, 300, 9), proportional_cost=0.001)
    paths = result.paths
    mine = paths[(paths["place"] == CALIBRATED)]
    mean = mine.groupby("strategy")["sharpe"].mean()
    np.testing.assert_allclose(result.table["sharpe"], mean.loc[result.table.index], rtol=1e-12)
    below = mine.groupby("strategy")["sharpe"].apply(lambda x: np.mean(x < 0))
    np.testing.assert_allclose(result.table["below_zero"], below.loc[result.table.index], rtol=1e-12)
    np.testing.assert_allclose(result.places.loc[CALIBRATED, "sharpe"], mean.loc[result.places.loc["a"].index])
    assert list(result.agreement.index.get_level_values(0).unique()) == [CALIBRATED, "a", "b", TRAINING]
    assert set(paths["place"]) == {CALIBRATED, TRAINING, HELD_OUT}
    assert mine.groupby("market")["path"].apply(lambda x: (x.min(), x.max())).to_dict() == {"a": (0, 19), "b": (20, 39)}
    held = paths[paths["place"] == HELD_OUT].set_index("strategy")["sharpe"]
    np.testing.assert_allclose(result.table["held_out"], held.loc[result.table.index])
    assert result.settings["n_steps"] == result.settings["held_out_steps"] == 90
    np.testing.assert_array_equal(result.table["between"] > 0, result.table["between"] != 0)


def test_held_out_prices_are_those_after_the_split_with_their_past():
    """The family on them is the family on the series' end, burn-in before the split."""
    series = series_of(MARTINGALE, 400, 11)
    result = family(MARTINGALE, series, train=0.75, n_steps=30)
    noise = Noise(0, 0, 1, 100, burn_in=30)
    market = RecordedPrices(series.prices[400 - 100 - 30 :])
    strategies = [strategies_of(n, MARTINGALE, noise, o)[0] for n, o in GRID]
    free = terms_of(0.0, 1, execution="next", fixed=0, proportional=0, quadratic=0)
    place = place_of(
        "x", strategies, market, noise, free, frozen=True, periods_per_year=series.periods_per_year, risk_level=0.95
    )  # fmt: skip
    np.testing.assert_array_equal(result.places.loc[HELD_OUT, "sharpe"], place.sharpe[:, 0])


def test_a_size_moves_prices_and_is_shown_beside_none():
    result = family("stock-sp500", series_of(MARTINGALE, 300, 2), size=2.0, n_steps=100)
    free = family("stock-sp500", series_of(MARTINGALE, 300, 2), n_steps=100)
    unnoticed = result.places.loc[UNNOTICED]
    pd.testing.assert_frame_equal(unnoticed, free.places.loc[CALIBRATED])
    assert (result.places.loc[CALIBRATED, "sharpe"] < unnoticed["sharpe"] - 0.5).all()  # each pays its impact
    pd.testing.assert_series_equal(result.table["held_out"].sort_index(), free.table["held_out"].sort_index())


def test_the_same_seed_gives_the_same_and_another_does_not():
    first, again, other = (family(MARTINGALE, n_paths=10, n_steps=50, seed=s).table for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not np.allclose(first["sharpe"].sort_index(), other["sharpe"].sort_index())


def test_paths_that_fail_are_left_out_with_a_warning():
    class Fragile:
        kind = "fragile"

        def stepper(self, seed, first_path, n_paths):
            stepper = MARTINGALE.stepper(seed, first_path, n_paths)
            advance = stepper.advance

            class Broken:
                prices, failed = stepper.prices, np.zeros(n_paths, int)

                def advance(self, outside=None):
                    self.prices = advance(outside)
                    self.failed[4] = 1
                    return self.prices

            return Broken()

    with pytest.warns(NumericalWarning, match="1 paths are left out"):
        result = family(Fragile(), n_paths=10, n_steps=50)
    assert 4 not in set(result.paths["path"])
    assert result.paths["path"].nunique() == 9
    assert "left out" in result.notes[0]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"n_steps": 5}, ParameterError, "n_steps"),
        ({"n_paths": 1}, ParameterError, "n_paths"),
        ({"size": -1}, ParameterError, "size"),
        ({"level": 2}, ParameterError, "level"),
        ({"prices": np.linspace(1, 2, 150), "train": 0.9}, DataError, "too few"),
        ({"prices": np.linspace(1, 2, 300), "train": 1.5}, ParameterError, "training share"),
        ({"prices": "unheard-of"}, DataError, "unheard-of"),
        ({"prices": np.linspace(1, 2, 300), "peers": ("nothing",)}, ParameterError, "no baseline"),
        ({"markets": np.full((3, 30), 1.0)}, ParameterError, "too few for a burn-in"),
    ],
)
def test_what_is_not_allowed_is_refused_in_a_sentence(options, error, words):
    with pytest.raises(error, match=words):
        family(**{"markets": MARTINGALE, "n_paths": 5} | options)


def test_folder_and_report(tmp_path):
    result = family([MARTINGALE, SP500], series_of(MARTINGALE, 300, 3), n_paths=10, peers=("gaussian",))
    folder = result.save(tmp_path / "out")
    names = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert names == {
        "family.json", "strategies.csv", "agreement.csv", "selection.csv", "places.csv", "measures.csv", "paths.csv",
        "markets/stock.toml", "markets/stock -2.toml".replace(" ", "-"),
    }  # fmt: skip
    assert load(folder / "markets" / "stock.toml") == MARTINGALE
    page = write_report(result, folder / "report.html").read_text()
    for words in ("Luck of the choice", "Agreement with held-out prices", "deflated", "gaussian"):
        assert words in page
    alone = write_report(family(MARTINGALE, n_paths=5, n_steps=50), folder / "alone.html").read_text()
    assert "Agreement" not in alone


def test_a_single_path_can_stand_for_a_market():
    """One recorded path: its band is over time, and nothing is known of its ceiling."""
    path = series_of(MARTINGALE, 300, 4).prices
    result = family(RecordedPrices(path), series_of(MARTINGALE, 300, 5))
    row = result.agreement.loc[(CALIBRATED, "spearman")]
    assert np.isnan(row["ceiling"])
    assert row["low"] < row["value"] < row["high"]
    assert result.selection.loc[CALIBRATED, "n_paths"] == 1
    assert (result.places.loc[CALIBRATED, "high"] > result.places.loc[CALIBRATED, "low"]).all()
