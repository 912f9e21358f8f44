import pytest

from simcal import HerdingMarket


@pytest.fixture
def published():
    return HerdingMarket()


@pytest.fixture
def extended():
    """Every extension at work; the variance stays far from zero."""
    return HerdingMarket(
        misalignment_tilt=-2.0, trend_attraction=5.0, trend_memory=0.8, fall_response=20.0, fundamental_tail=0.1,
        chartist_tail=0.2, chartist_skew=-0.1, growth=5e-4, fundamental_mean=110.0,
        fundamental_reversion=0.01, fundamental_start=95.0, variance_mean=1e-4, variance_start=2e-4, vol_of_vol=5e-4,
        leverage_correlation=-0.6,
    )  # fmt: skip
