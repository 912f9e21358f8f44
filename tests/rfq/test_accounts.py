"""P&L is the worth of cash and inventory, and the measures of a path are what their names say."""

import numpy as np
import pytest

from simcal.rfq.backtest import Account, path_measures


def random_account(seed, n_paths=20, n=60):
    generator = np.random.default_rng(seed)
    side = generator.choice([-1.0, 1.0], (n_paths, n))
    size, share = generator.lognormal(size=(n_paths, n)), generator.random((n_paths, n)).round()
    mid = 100 + generator.normal(size=(n_paths, n)).cumsum(1)
    inventory = np.hstack([generator.normal(size=(n_paths, 1)), -side * size * share]).cumsum(1)[:, :-1]
    quote = mid + 0.05 * side * generator.normal(0.4, 1.0, (n_paths, n))
    return Account(side, size, mid, np.full(side.shape, 0.05), quote, share, inventory)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pnl_is_cash_and_inventory_at_the_mid_less_the_inventory_at_the_start(seed):
    account = random_account(seed)
    cash = np.cumsum(account.side * account.size * account.share * account.quote, axis=1)
    worth = cash + account.inventory * account.mid
    np.testing.assert_allclose(account.pnl, worth - account.inventory_before[:, :1] * account.mid[:, :1], atol=1e-9)


def test_inventory_after_a_request_is_that_before_the_next():
    account = random_account(4)
    np.testing.assert_allclose(account.inventory[:, :-1], account.inventory_before[:, 1:])


def test_measures_of_a_path_by_hand():
    # Sells 2 at 101, the mid rises to 103, buys 2 back at 102, then a request that goes elsewhere.
    row = np.array
    account = Account(
        side=row([[1.0, -1.0, 1.0]]), size=row([[2.0, 2.0, 4.0]]), mid=row([[100.0, 103.0, 103.0]]),
        half_spread=row([[0.5, 0.5, 0.5]]), quote=row([[101.0, 102.0, 104.0]]), share=row([[1.0, 1.0, 0.0]]),
        inventory_before=row([[0.0, -2.0, 0.0]]),
    )  # fmt: skip
    got = {name: values[0] for name, values in path_measures(account).items()}
    assert got["pnl"] == pytest.approx(2 * 101 - 2 * 102)
    assert got["spread_pnl"] == pytest.approx(2 * 1 + 2 * 1)
    assert got["carry_pnl"] == pytest.approx(-2 * 3)
    assert (got["requests"], got["trades"], got["volume"], got["volume_asked"]) == (3, 2, 4, 8)
    assert got["hit_ratio"] == pytest.approx(2 / 3)
    assert got["half_spread_volume"] == pytest.approx(2)
    assert got["drawdown"] == pytest.approx(4)  # from 2 after the sale to -2
    assert got["mean_abs_inventory"] == pytest.approx(2 / 3)
    assert (got["requests_held"], got["times_flat"], got["last_inventory"]) == (1, 1, 0)
