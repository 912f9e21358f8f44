"""The efficient standard errors against closed forms of markets whose windows have a known law."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from simcal import models
from simcal.calibration import bound as bounds
from simcal.calibration import efficient_errors, windows
from simcal.errors import NumericalError, ParameterError


@dataclass(frozen=True)
class GaussianMarket:
    """Log returns r_t = memory r_{t-1} + sd e_t with e_t iid N(0, 1); `idle` changes nothing."""

    sd: float = 0.01
    memory: float = 0.0
    idle: float = 1.0

    def replace(self, **changes: Any) -> GaussianMarket:
        return dataclasses.replace(self, **changes)

    def simulate_chunk(
        self, seed: int, first_path: int, n_paths: int, n_steps: int, *, burn_in: int, **_: Any
    ) -> dict[str, np.ndarray]:
        e = np.random.default_rng([seed, first_path]).standard_normal((n_paths, burn_in + n_steps))
        r = np.empty_like(e)
        r[:, 0] = e[:, 0] * self.sd
        for t in range(1, e.shape[1]):
            r[:, t] = self.memory * r[:, t - 1] + self.sd * e[:, t]
        steps = np.concatenate([np.zeros((n_paths, 1)), np.cumsum(r[:, burn_in:], axis=1)], axis=1)
        return {"prices": 100 * np.exp(steps)}


def errors(market: Any, *names: str, n_windows: int = 1000, window: int = 100, **options: Any) -> bounds.Bound:
    options = {"statistics": "experiment", "warm_up": 5, "n_paths": 6000, "seed": 7} | options
    return efficient_errors(market, names, n_windows=n_windows, window=window, **options)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("sd", [0.01, 0.002])
def test_bound_of_a_deviation_is_that_of_the_normal_law(sd: float, seed: int) -> None:
    # Fisher: n returns of N(0, sd^2) give sd with standard error sd / sqrt(2 n). Statistics cannot do better; those
    # with the deviation among them lose the one degree of freedom of the mean, 0.5 % here. The covariance of
    # 6000 windows has the relative error sqrt(2 / 6000) = 1.8 %, its root half of it.
    found = errors(GaussianMarket(sd), "sd", seed=seed).standard_errors[0]
    fisher = sd / np.sqrt(2 * 100 * 1000)
    assert found / fisher == pytest.approx(1.005, abs=4 * 0.009)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bound_of_the_memory_is_that_of_an_autoregression_and_apart_from_the_deviation(seed: int) -> None:
    # At memory 0 the information is diagonal and the asymptotic error of the memory is 1 / sqrt(n); a window of 400
    # returns is near that limit (to order 1 / 400).
    found = errors(GaussianMarket(), "sd", "memory", window=400, seed=seed, n_paths=4000)
    assert found.standard_errors[1] * np.sqrt(400 * 1000) == pytest.approx(1.0, abs=0.05)
    assert found.standard_errors[0] * np.sqrt(2 * 400 * 1000) / 0.01 == pytest.approx(1.0, abs=0.05)
    assert abs(found.correlations[0, 1]) < 0.1
    np.testing.assert_allclose(np.diag(found.correlations), 1.0)


def test_bound_falls_with_the_root_of_the_number_of_windows() -> None:
    few, many = (errors(GaussianMarket(), "sd", "memory", n_windows=n, n_paths=1000) for n in (100, 10_000))
    np.testing.assert_allclose(few.standard_errors, 10 * many.standard_errors, rtol=1e-9)
    np.testing.assert_allclose(few.correlations, many.correlations, rtol=1e-9)
    assert (few.n_windows, many.n_windows) == (100, 10_000)


def test_bound_does_not_depend_on_how_the_paths_are_cut_into_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    market = models.load("stock")
    whole = windows.simulated_windows(market, window=20, warm_up=5, n_paths=70, seed=3)
    monkeypatch.setattr(windows, "_CHUNK", 32)
    np.testing.assert_array_equal(windows.simulated_windows(market, window=20, warm_up=5, n_paths=70, seed=3), whole)


def test_table_gives_the_errors_in_per_cent_of_the_truth() -> None:
    found = errors(GaussianMarket(memory=-0.2), "sd", "memory", n_paths=500)
    table = found.table()
    assert list(table.index) == ["sd", "memory"]
    np.testing.assert_allclose(table["per cent"], 100 * found.standard_errors / [0.01, 0.2])


@pytest.mark.parametrize("names", [("idle",), ("sd", "idle")])
def test_parameter_that_changes_nothing_is_refused_by_a_sentence(names: tuple[str, ...]) -> None:
    with pytest.raises(NumericalError, match=r"'experiment' do not identify .*idle.*; train fewer parameters"):
        errors(GaussianMarket(), *names, n_paths=200)


def test_window_too_short_for_the_statistics_is_refused_by_a_sentence() -> None:
    with pytest.raises(ParameterError, match="The window has 5 returns, but the statistics 'experiment' need at least"):
        errors(GaussianMarket(), "sd", window=5, n_paths=200)


def test_private_weight_of_the_paper_is_weakly_identified_and_entangled_with_the_public_one() -> None:
    found = errors(
        models.load("stock"), "public_weight", "private_weight", "trend_sensitivity", window=50, warm_up=50,
        n_paths=10_000,
    )  # fmt: skip
    b, c, d = found.table()["per cent"]
    assert b == pytest.approx(2.5, rel=0.15)
    assert c == pytest.approx(13.3, rel=0.15)
    assert d == pytest.approx(1.8, rel=0.1)
    assert 0.85 < found.correlations[0, 1] < 0.97
