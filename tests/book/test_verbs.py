"""The order-book market behind the verbs: simulate, backtest with the same trades in every form, and commands."""

import json

import numpy as np
import pytest
from numba import njit
from typer.testing import CliRunner

import simcal
from simcal.cli import app
from simcal.errors import ParameterError
from simcal.trading.orders import Noise, play, strategies_of, terms_of

SHORT = {"n_paths": 12, "n_steps": 40, "burn_in": 10}


def momentum(prices, position, cash, step):
    return np.sign(prices[:, -1] - prices[:, -6])


@njit
def momentum_compiled(prices, position, cash, step):
    return np.sign(prices[-1] - prices[-6])


def test_simulate_gives_paths_with_bars_of_volume():
    market = simcal.load("book")
    paths = simcal.simulate(market, 3, 50, seed=4, save=("volume",))
    assert paths.status == "ok"
    bars = paths.to_ohlcv(0, 10)
    assert bars["Volume"].sum() == paths.outputs["volume"][0, :50].sum()
    np.testing.assert_array_equal(
        simcal.simulate(market, 1, 50, seed=4, first_path=2, chunk=1).prices[0], paths.prices[2]
    )


def test_python_and_compiled_strategies_make_the_same_trades():
    market, noise = simcal.load("book"), Noise(seed=3, first_path=0, n_paths=6, n_steps=40, burn_in=10)
    terms = terms_of(0.5, 1, execution="next", fixed=0, proportional=0, quadratic=0)
    one, two = (play(strategies_of(f, market, noise), market, noise, terms) for f in (momentum, momentum_compiled))
    np.testing.assert_array_equal(one.prices, two.prices)
    np.testing.assert_array_equal(one.pnl, two.pnl)
    assert np.abs(one.orders).sum() > 0
    idle = play(strategies_of(momentum, market, noise), market, noise, terms, frozen=True)
    np.testing.assert_array_equal(idle.prices, simcal.simulate(market, 6, 40, seed=3, burn_in=10).prices)
    assert (one.prices != idle.prices).any()


def test_a_purchase_moves_the_price_up_at_once_and_more_the_larger_it_is():
    market = simcal.load("book")
    noise = Noise(seed=0, first_path=0, n_paths=200, n_steps=30, burn_in=10)
    moved = {}
    for size in (0.5, 1.0, 2.0):
        terms = terms_of(size, 1, execution="next", fixed=0, proportional=0, quadratic=0)
        with_it, without = (
            play(strategies_of("hold", market, noise), market, noise, terms, frozen=frozen).prices
            for frozen in (False, True)
        )
        impact = np.log(with_it / without)
        assert (impact[:, 0] == 0).all()
        moved[size] = impact[:, 1]
        later = impact[:, -1]
        assert abs(later.mean()) < 4 * later.std() / np.sqrt(200)  # forgotten: traders know the value
    for more, less in ((moved[2.0], moved[1.0]), (moved[1.0], moved[0.5]), (moved[0.5], 0.0)):
        difference = more - less
        assert difference.mean() > 4 * difference.std() / np.sqrt(200)


def test_backtest_says_what_a_unit_is():
    result = simcal.backtest("crossover", "book", **SHORT, options={"short": 2, "long": 5})
    told = "One unit counts as 1 of the shares in the market's order book; money counts 10 of them as one."
    assert told in result.notes
    assert np.isfinite(result.summary["value"]).all()


def test_commands_work_and_refuse_in_a_sentence(tmp_path):
    run = CliRunner().invoke
    done = run(app, ["simulate", "book", "--paths", "2", "--steps", "30", "--json", "--save", "spread"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["market"]["kind"] == "book"
    file = tmp_path / "market.toml"
    file.write_text('kind = "book"\nn_fcn = 50\n[[events]]\nkind = "shock"\nstep = 5\nchange = -0.1\n')
    assert run(app, ["simulate", str(file), "--paths", "2", "--steps", "30"]).exit_code == 0
    file.write_text('kind = "book"\n[[events]]\nkind = "shok"\n')
    with pytest.raises(ParameterError, match="An event's kind is 'shok'"):
        simcal.load(file)


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 1000])
def test_the_default_market_has_the_facts_of_daily_prices(first):
    from simcal import facts

    market = simcal.load("book")
    r = simcal.simulate(market, 60, 2500, first_path=first).log_returns
    sizes = np.abs(r)
    assert 0.008 < r.std() < 0.013
    assert 5 < np.median(facts.excess_kurtosis(r)) < 12
    assert 2.7 < facts.hill(r).mean() < 3.7
    assert abs(facts.autocorrelation(r, 1).mean()) < 0.1
    acf = facts.autocorrelation(sizes, [1, 5, 25, 100]).mean(axis=0)
    assert (acf > [0.25, 0.2, 0.15, 0.04]).all()
    assert (np.diff(acf) < 0).all()
