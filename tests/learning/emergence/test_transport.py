"""Distances of clouds: closed forms, another solver, and the floor."""

import numpy as np
import pandas as pd
import pytest

from simcal.data import PriceSeries
from simcal.errors import DataError, ParameterError
from simcal.learning.emergence import clouds, distance, real_days, squared_distance


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("shape", [(200,), (200, 9)])
def test_a_shifted_cloud_is_at_its_shift(seed, shape):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=shape)
    shift = 0.7 if len(shape) == 1 else np.linspace(-1, 1, shape[1])
    found = squared_distance(generator.permutation(x), x + shift)
    assert found == pytest.approx(np.mean(np.square(shift)))


def test_one_dimension_by_sorting_is_the_assignment():
    x, y = np.random.default_rng(3).exponential(size=(2, 60))
    pairs = np.concatenate([np.stack([v, np.zeros(60)], axis=1)[None] for v in (x, y)])
    assert squared_distance(x, y) == pytest.approx(2 * squared_distance(*pairs))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_library_for_optimal_transport_finds_the_same(seed):
    ot = pytest.importorskip("ot")
    x, y = np.random.default_rng(seed).exponential(size=(2, 300, 9))
    assert squared_distance(x, y) == pytest.approx(ot.emd2([], [], ot.dist(x, y)) / 9, rel=1e-9)


def test_clouds_are_those_of_the_source():
    z = np.random.default_rng(4).normal(size=(20, 300))
    found = clouds(z)
    assert {name: cloud.shape for name, cloud in found.items()} == {
        "returns": (6000,), "tails": (300,), "lags": (20 * 230, 9),
    }  # fmt: skip
    assert found["tails"].min() == 0.0
    np.testing.assert_array_equal(found["lags"][5], np.abs(z[0, [5, 6, 15, 25, 35, 45, 55, 65, 75]]))


@pytest.mark.parametrize("seed", [1, 2])
def test_days_of_one_law_are_at_the_floor_and_others_above_it(seed):
    generator = np.random.default_rng(seed)
    real, same = generator.normal(size=(2, 40, 300))
    other = generator.standard_t(2.5, size=(40, 300))
    alike, apart = distance(same, real, n_points=300), distance(other, real, n_points=300)
    assert alike.total == pytest.approx(alike.floor, rel=0.1)
    assert apart.total > 1.3 * apart.floor
    assert (alike.table["points"] == 300).all()


def test_draws_are_fixed_by_the_seed():
    real, market = np.random.default_rng(5).normal(size=(2, 20, 300))
    assert distance(market, real, n_points=100).total == distance(market, real, n_points=100).total
    assert distance(market, real, n_points=100, seed=1).total != distance(market, real, n_points=100).total


def test_floors_that_are_kept_are_those_that_would_be_found():
    real, first, second = np.random.default_rng(8).normal(size=(3, 20, 300))
    floors: dict[tuple[str, int, int], float] = {}
    distance(first, real, n_points=100, floors=floors)
    kept = distance(second, real, n_points=100, floors=floors)
    assert kept.floor == distance(second, real, n_points=100).floor
    assert len(floors) == 9


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ParameterError, match="same number"):
        squared_distance(np.zeros(3), np.zeros(4))
    with pytest.raises(DataError, match="more than 70 bars"):
        clouds(np.zeros((3, 70)))
    with pytest.raises(DataError, match="longer series"):
        distance(np.random.default_rng(1).normal(size=(1, 90)), np.random.default_rng(2).normal(size=(1, 90)))


def test_real_days_of_intraday_prices_are_those_of_the_calendar():
    times = pd.DatetimeIndex(
        [t for d in ("2024-01-02", "2024-01-03", "2024-01-04")
         for t in pd.date_range(f"{d} 09:00", periods=50 if d.endswith("03") else 400, freq="min")]
    )  # fmt: skip
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(6).normal(0, 1e-3, len(times))))
    z = real_days(PriceSeries("minutes", times, prices), 301)
    assert z.shape == (2, 300)
    assert z.mean(axis=1) == pytest.approx([0, 0], abs=1e-12)
    assert z.std(axis=1) == pytest.approx([1, 1])
    short = PriceSeries("short", times[400:450], prices[400:450])
    with pytest.raises(DataError, match="no day of 80"):
        real_days(short, 301)


def test_real_days_of_daily_prices_are_windows_of_them():
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(7).normal(0, 0.01, 1000)))
    series = PriceSeries("daily", pd.bdate_range("2000-01-03", periods=1000), prices)
    z = real_days(series, 301)
    assert z.shape == (3, 300)
    returns = series.log_returns[:300]
    np.testing.assert_allclose(z[0], (returns - returns.mean()) / returns.std())
