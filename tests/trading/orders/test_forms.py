"""A strategy makes the same trades as a Python function, compiled, and as a policy; its mistakes are told."""

import re
from typing import Any

import numpy as np
import pytest
from numba import njit

from simcal.errors import ParameterError
from simcal.models import load
from simcal.trading import backtest
from simcal.trading.bands import Noise
from simcal.trading.observations import observe
from simcal.trading.orders import BUILT_IN, Strategy, play, strategies_of, strategy_of, terms_of

SP500: Any = load("stock-sp500")
NOISE = Noise(seed=5, first_path=2, n_paths=20, n_steps=30, burn_in=60)
TERMS = terms_of(0.05, 1, execution="next", fixed=0.01, proportional=0.001, quadratic=0.01)


def momentum(prices, position, cash, step):
    """One unit while the last return was a gain, less what cash allows; the same arithmetic for arrays and numbers."""
    now, before = prices.T[-1], prices.T[-2]
    return np.where(now > before, 1.0, -1.0) + 0.01 * position - 1e-4 * cash + 0.001 * step


@njit
def momentum_compiled(prices, position, cash, step):
    side = 1.0 if prices[-1] > prices[-2] else -1.0
    return side + 0.01 * position - 1e-4 * cash + 0.001 * step


class Momentum:
    """The sign of the last return, as a policy of Gymnasium's kind has it; `shape` of its actions."""

    def __init__(self, shape=(-1,), with_state=False):
        self.shape, self.with_state = shape, with_state

    def predict(self, observation, deterministic=False):
        assert deterministic
        assert observation.dtype == np.float32
        action = np.where(observation[:, 0] > 0, 1.0, -1.0).astype(np.float32).reshape(self.shape)
        return (action, None) if self.with_state else action


def sign(prices, position, cash, step):
    return np.where(prices.T[-1] > prices.T[-2], 1.0, -1.0)


def same_bits(*strategies):
    first, *others = (play([strategy_of(s, SP500, NOISE)], SP500, NOISE, TERMS) for s in strategies)
    assert (first.orders != 0).any()
    for other in others:
        for name in ("prices", "orders", "positions", "cash", "costs"):
            np.testing.assert_array_equal(getattr(first, name), getattr(other, name))


def test_a_python_and_a_compiled_function_make_the_same_trades_bit_for_bit():
    same_bits(momentum, momentum_compiled)


def test_function_compiled_and_policy_make_the_same_trades_bit_for_bit():
    same_bits(sign, njit(sign), Momentum(), Momentum((-1, 1)), Momentum(with_state=True))


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_strategy_makes_the_same_trades_compiled(name):
    options = {"reversion": {"window": 20}}.get(name)
    python = strategy_of(name, SP500, NOISE, options)
    same_bits(python, njit(python.decide))


def test_a_strategy_may_be_called_path_by_path_with_its_number():
    def own(prices, position, cash, step, path):
        return (path % 3) * 1.0 - 1.0

    same_bits(own, njit(own))
    out = play([strategy_of(own, SP500, NOISE)], SP500, NOISE, TERMS)
    np.testing.assert_array_equal(out.positions[0, :, 5], (np.arange(2, 22) % 3) - 1.0)


def test_a_policy_sees_the_observations_of_the_environment():
    seen = []

    class Watching:
        def predict(self, observation, deterministic):
            seen.append(observation)
            return 0.5 * np.ones(len(observation))

    out = play([strategy_of(Watching(), SP500, NOISE)], SP500, NOISE, TERMS)
    at = observe(out.prices[:, :12], out.positions[0, :, 10], out.cash[0, :, 10], 11, 30)
    np.testing.assert_array_equal(seen[11], at)


def test_a_policy_trained_on_fewer_returns_is_shown_as_many():
    class Space:
        shape = (7,)

    class Small:
        observation_space = Space()

        def predict(self, observation, deterministic):
            assert observation.shape == (20, 7)
            return np.zeros(20)

    play([strategy_of(Small(), SP500, NOISE)], SP500, NOISE, TERMS)


def test_integers_truth_values_and_one_number_for_all_are_targets():
    for answer in (lambda n: np.ones(n, int), lambda n: np.ones(n, bool), lambda n: 1, lambda n: np.float32(1)):
        strategy = strategy_of(lambda p, x, c, s, f=answer: f(len(x)), SP500, NOISE)
        assert (play([strategy], SP500, NOISE, TERMS).positions == 1).all()


def test_gives_is_said_by_the_strategy_or_the_caller():
    def buys(prices, position, cash, step):
        return 1.0

    assert strategy_of(buys, SP500, NOISE).gives == "target"
    assert strategy_of(buys, SP500, NOISE, None, "order").gives == "order"
    buys.gives = "order"
    assert strategy_of(buys, SP500, NOISE).gives == "order"
    assert strategy_of(njit(buys), SP500, NOISE).gives == "order"
    assert strategy_of(buys, SP500, NOISE, None, "target").gives == "target"
    assert strategy_of("hold", SP500, NOISE, None, "order").gives == "target"


def test_several_of_one_name_are_told_apart():
    assert [s.name for s in strategies_of(["hold", "hold", "twap"], SP500, NOISE)] == ["hold #1", "hold #2", "twap"]
    ready = Strategy("mine", momentum, "arrays")
    assert strategies_of([ready], SP500, NOISE) == [ready]


# -- mistakes -------------------------------------------------------------------------------------------------------


def raises_late(prices, position, cash, step):
    if step == 3:
        raise KeyError("my table")
    return 0.0 * position


def raises_for_some(prices, position, cash, step):
    if step == 2 and (prices[:, -1] == PRICE_OF_PATH_6).any():
        raise ValueError("no such\n price")
    return 0.0


PRICE_OF_PATH_6 = SP500.simulate_chunk(
    5, 6, 1, 62, save=(), every=1, burn_in=0, dtype="float64", threads=1
)["prices"][0, -1]  # fmt: skip


@njit
def compiled_raises(prices, position, cash, step):
    if step == 4 and prices[-1] == prices.max():
        raise ValueError("too high")
    return 0.0


class Clumsy:
    def predict(self, observation, deterministic):
        raise RuntimeError("untrained")


CASES = [
    (raises_late, r"raises_late raised KeyError \('my table'\) at step 3 for paths 2 to 21; it is called as \(prices"),
    (raises_for_some, r"raises_for_some raised ValueError \(no such price\) at step 2 for path 6;"),
    (lambda p, x, c, s: np.where((s == 4) & (np.arange(20) == 7), np.nan, 0), "returned nan for path 9 at step 4"),
    (lambda p, x, c, s: np.inf, "returned inf for path 2 at step 0; return one finite number per path, the position"),
    (lambda p, x, c, s: np.zeros(3), r"returned an array of shape \(3,\) and type float64 at step 0 for paths 2 to 21"),
    (lambda p, x, c, s: np.zeros((20, 1)), r"shape \(20, 1\) .* must return 20 real numbers; return one finite"),
    (lambda p, x, c, s: np.zeros(20, complex), r"shape \(20,\) and type complex128"),
    (lambda p, x, c, s: "buy", "returned 'buy' at step 0"),
    (lambda p, x, c, s: None, "returned None at step 0"),
    (lambda p, x, c, s: [[1], [1, 2]], r"returned \[\[1\], \[1, 2\]\] at step 0"),
    (lambda p: 0.0, r"raised TypeError .* at step 0 .* called as \(prices, position, cash, step\)"),
    (
        lambda p, x, c, s: 1e9 if s == 6 else 0.0,
        r"at step 6 counts as 5e\+07 traders and takes the price from \d+\.\d+ to 1\.\d+e\+08",
    ),
    (
        lambda p, x, c, s: -1e4 * (s == 1),
        r"path 2 at step 1 counts as -500 traders and takes .* from .* to -\d+",
    ),
    (Clumsy(), r"Clumsy raised RuntimeError \(untrained\) at step 0 for paths 2 to 21; it is called as predict\("),
    (njit(lambda p, x, c, s: np.nan if s == 8 else 0.0), "returned nan for path 2 at step 8"),
    (njit(lambda p, x, c, s: None), "does not compile for .* or does not return one real number"),
    (njit(lambda p, x, c, s: 1j), "does not compile for .* or does not return one real number"),
    (njit(lambda p, x, c, s: "buy"), "does not compile for"),
    (njit(lambda p, x: 0.0), "does not compile for"),
    (compiled_raises, r"compiled_raises raised ValueError \(too high\) at step 4 for path \d+"),
]


@pytest.mark.parametrize(("strategy", "sentence"), CASES, ids=[str(i) for i in range(len(CASES))])
def test_a_misbehaving_strategy_is_told_with_path_step_and_remedy(strategy, sentence):
    with pytest.raises(ParameterError) as told:
        play([strategy_of(strategy, SP500, NOISE)], SP500, NOISE, TERMS)
    assert re.search(sentence, str(told.value)), str(told.value)
    assert str(told.value).endswith(".")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"strategy": "clever"}, "no strategy 'clever' for a market with a price; known are hold, crossover"),
        ({"strategy": 3.0}, "The strategy is of type float, but must be a function .* or one of hold"),
        ({"strategy": []}, "list of strategies is empty"),
        ({"strategy": "hold", "options": {"long": 3}}, "hold has no option long; it takes units"),
        ({"strategy": momentum, "options": {"long": 3}}, "options long belong to a strategy known by name"),
        ({"strategy": "hold", "options": [("units", 1)]}, "options is .* but must be a mapping"),
        ({"strategy": "crossover", "options": {"short": 60}}, "short 60 and long 50, but its short window must be"),
        ({"strategy": "crossover", "options": {"long": 5.5}}, "long of crossover is 5.5, but must be a whole number"),
        ({"strategy": "reversion", "options": {"value": -1}}, "value of reversion is -1, but must be a price above 0"),
        ({"strategy": "twap", "options": {"duration": 31}}, "trades from step 0 on for 31 steps, but there are 30"),
        ({"strategy": "random", "options": {"holding": 0}}, "holding of random is 0, but must be .* at least 1"),
        ({"strategy": "hold", "returns": "profit"}, "^$"),
        ({"strategy": momentum, "returns": "profit"}, "returns is 'profit', but must be 'target'"),
        ({"size": -1}, "size is -1, but must be a finite number of at least 0"),
        ({"size": [1, 2]}, "size lists 2 numbers for 1 strategies"),
        ({"strategy": ["hold", "twap"], "size": "big"}, "size is 'big', but must be"),
        ({"execution": "never"}, "execution is 'never', but must be 'next'"),
        ({"fixed_cost": -1}, "fixed_cost is -1"),
        ({"proportional_cost": np.nan}, "proportional_cost is nan"),
        ({"periods_per_year": 0}, "periods_per_year is 0, but must be a finite number above 0"),
        ({"sizes": [0, 1]}, r"sizes is \[0, 1\], but must be a list of finite numbers above 0"),
        ({"sizes": range(1, 50)}, "sizes has 49 numbers, but may have at most 40"),
        ({"shifts": [0.1]}, "shifts are half spreads .* in this market strategies give orders"),
        ({"market": load("rfq-desk"), "strategy": "own", "size": 2}, "size belongs to strategies whose orders move"),
        ({"market": load("rfq-desk"), "strategy": "own", "sizes": [2]}, "sizes belongs to strategies whose orders"),
        ({"market": 3}, "There is no backtest yet in 3; give a stock market"),
    ],
)
def test_arguments_that_cannot_be_are_told_in_one_sentence(arguments, sentence):
    arguments = {"strategy": "hold", "market": SP500, "n_paths": 4, "n_steps": 30, "burn_in": 5, **arguments}
    strategy, market = arguments.pop("strategy"), arguments.pop("market")
    if sentence == "^$":  # strategies known by name know what they give
        backtest(strategy, market, **arguments)
        return
    with pytest.raises(ParameterError, match=sentence):
        backtest(strategy, market, **arguments)
