"""The best reply: an agent's own policy is its best reply, and no perturbation of any reply gains."""

import dataclasses

import numpy as np
import pytest

from simcal.equilibrium import best_reply, load_problem, solve, to_market
from simcal.equilibrium.best_reply import _dynamics, _expected
from simcal.errors import ParameterError


@pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])
def test_each_agents_best_reply_is_its_own_policy(timing):
    problem = load_problem("lq-5").replace(n_steps=25, timing=timing)
    solution = solve(problem)
    replies = [
        best_reply(solution, risk_aversion=g, exposure=x)
        for g, x in zip(problem.risk_aversion, problem.exposure, strict=True)
    ]
    paths = solution.simulate(3, 20)
    for n, reply in enumerate(replies):
        np.testing.assert_allclose(reply.follow(paths)[0], paths.positions[:, :, n], atol=1e-10)
    # The sum of their goals is known from the modes, by a recursion of its own.
    assert sum(reply.goal for reply in replies) == pytest.approx(solution.details["goal"], rel=1e-10)


@pytest.mark.parametrize("timing", ["pre-trade", "post-trade"])
def test_no_other_linear_policy_gains_more(timing):
    solution = solve(load_problem("lq-5").replace(n_steps=12, timing=timing))
    market = to_market(solution)
    moves, drifts = _dynamics(market)
    reply = best_reply(solution, risk_aversion=0.7, exposure=2.0, cost=0.003, position=0.4)
    trader = (0.7, 2.0, 0.003, 0.4)
    assert _expected(market, moves, drifts, reply.own, reply.market, trader)[0] == reply.goal
    random = np.random.default_rng(0)
    for size in (1e-3, 0.1):
        for _ in range(10):
            own = reply.own + size * np.abs(reply.own).max() * random.normal(size=reply.own.shape)
            others = reply.market + size * np.abs(reply.market).max() * random.normal(size=reply.market.shape)
            assert _expected(market, moves, drifts, own, others, trader)[0] < reply.goal
    assert reply.gain > 0


def test_the_goal_is_the_mean_over_simulated_paths():
    problem = load_problem("lq-5").replace(n_steps=20)
    solution = solve(problem)
    reply = best_reply(solution, risk_aversion=0.5, exposure=3.0, cost=0.02)
    paths = solution.simulate(1, 4000)
    positions, profit = reply.follow(paths)
    risk = paths.volatility * positions[:, :-1] + 3.0 * paths.brownian[:, :-1]
    goals = profit.sum(axis=1) - 0.25 * (risk**2).sum(axis=1) * problem.step
    assert abs(goals.mean() - reply.goal) < 4 * goals.std() / np.sqrt(4000)
    rates = np.diff(positions, axis=1) / problem.step
    assert np.sqrt((rates**2).mean()) == pytest.approx(reply.volume, rel=0.05)
    assert 0.01 * (rates**2).sum(axis=1).mean() * problem.step == pytest.approx(reply.costs, rel=0.08)


def test_cheaper_trading_gains_more_and_dear_trading_nothing():
    solution = solve(load_problem("lq-10").replace(n_steps=30))
    gains = [best_reply(solution, risk_aversion=1.0, exposure=5.0, cost=c).gain for c in (1e-4, 1e-2, 1.0, 1e6)]
    assert gains[0] > gains[1] > gains[2] > gains[3] > 0
    assert gains[3] < 1e-4 * gains[0]


def test_what_cannot_be_is_refused():
    solution = solve(load_problem("lq-5").replace(n_steps=5))
    with pytest.raises(ParameterError, match="risk_aversion is 0"):
        best_reply(solution, risk_aversion=0.0)
    with pytest.raises(ParameterError, match="cost is -1"):
        best_reply(solution, risk_aversion=1.0, cost=-1.0)
    with pytest.raises(ParameterError, match=r"simcal\.equilibrium\.check"):
        best_reply(solve(load_problem("power-2").replace(n_steps=5), refinement=0.3), risk_aversion=1.0)
    with pytest.raises(ParameterError, match="has failed"):
        best_reply(dataclasses.replace(solution, price=float("nan")), risk_aversion=1.0)
