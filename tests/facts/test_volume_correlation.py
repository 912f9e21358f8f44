import numpy as np
import pandas as pd
import pytest

import simcal.facts as facts
from simcal.errors import ParameterError


@pytest.fixture
def market():
    rng = np.random.default_rng(0)
    r = rng.standard_t(4, size=(2, 500))
    volume = np.exp(np.linspace(0, 5, 500) + 0.3 * np.abs(r) + rng.normal(size=(2, 500)))
    volume[0, [3, 77]] = 0.0
    volume[1, 12] = np.nan
    return r, volume


def test_detrending_agrees_with_a_centred_moving_mean_that_shrinks_at_the_ends(market):
    _, volume = market
    for row, detrended in zip(volume, facts.detrended_log_volume(volume), strict=True):
        logs = np.log(pd.Series(row).where(row > 0))
        expected = logs - logs.rolling(63, center=True, min_periods=1).mean()
        np.testing.assert_allclose(detrended, expected, rtol=1e-9, atol=1e-12)


def test_correlations_leave_out_steps_without_volume(market):
    r, volume = market
    detrended = facts.detrended_log_volume(volume)
    for i in range(2):
        frame = pd.DataFrame({"r": np.abs(r[i]), "v": detrended[i]}).dropna()
        assert facts.volume_correlation(r, detrended)[i] == pytest.approx(frame.corr().iloc[0, 1], rel=1e-10)
        rank = frame.corr("spearman").iloc[0, 1]
        assert facts.volume_rank_correlation(r, detrended)[i] == pytest.approx(rank, rel=1e-10)


def test_a_price_series_volume_of_one_row_more_is_refused_with_the_remedy(market):
    r, volume = market
    with pytest.raises(ParameterError, match="leave out its first volume"):
        facts.volume_correlation(r[:, 1:], volume)
    with pytest.raises(ParameterError, match="odd number"):
        facts.detrended_log_volume(volume, 10)
