"""Two groups in closed form: the far interior of the exact solution, and the law of the market's own paths."""

import numpy as np
import pytest

import simcal
from simcal import models
from simcal.equilibrium import EquilibriumProblem, TradeLaw, TwoGroups, solve, to_market
from simcal.errors import ParameterError

GROUPS = TwoGroups((0.08, 0.24), 0.436, 14.4, 0.65)


@pytest.mark.parametrize(
    "groups",
    [
        GROUPS,
        TwoGroups((2.0, 1.0), 3.0, 0.01, 1.5, supply=2.0, step=0.004),
        TwoGroups((1.0, 1.0), 3.0, 0.01, 1.0, step=0.004),
        TwoGroups((0.5, 3.0), 0.2, 1e-4, 1.0),
    ],
    ids=["slow", "the first more risk averse", "alike", "fast"],
)
def test_the_beginning_of_a_long_exact_solution_is_the_closed_form(groups):
    steps = 500
    problem = EquilibriumProblem(
        groups.risk_aversion, (groups.exposure, -groups.exposure), cost=groups.cost, supply=groups.supply,
        dividend_volatility=groups.dividend_volatility, horizon=steps * groups.step, n_steps=steps,
    )  # fmt: skip
    solution = solve(problem, method="discrete")
    assert solution.volatility == pytest.approx(groups.volatility, rel=1e-11)
    assert solution.drift * groups.step == pytest.approx(groups.law().premium, rel=1e-11)
    long, endless = to_market(solution), groups.market()
    np.testing.assert_allclose(long.feedback[0], endless.feedback[0], rtol=1e-9)
    np.testing.assert_allclose(long.hedge[0], endless.hedge[0], rtol=1e-9)


def test_the_liquidity_premium_is_the_slope_of_the_discount():
    def discount(steps):
        return solve(
            EquilibriumProblem((0.08, 0.24), (0.436, -0.436), cost=14.4, dividend_volatility=0.65, horizon=float(steps),
                               n_steps=steps)
        ).liquidity_discount  # fmt: skip

    assert discount(401) - discount(400) == pytest.approx(GROUPS.liquidity_premium, rel=1e-10)


@pytest.mark.parametrize("premium", [1e-6, 0.05])
@pytest.mark.parametrize("excess", [-1.5, 0.0, 0.3, 0.95])
def test_groups_and_law_are_each_others_inverse(premium, excess):
    law = TradeLaw(premium, 1.3, 0.9, 0.02, excess)
    groups = TwoGroups.of_law(law, supply=3.0, step=0.5)
    again = groups.law()
    for name in ("premium", "volatility", "persistence", "trading"):
        assert getattr(again, name) == pytest.approx(getattr(law, name), rel=1e-10)
    assert again.excess == pytest.approx(excess, rel=1e-9, abs=1e-12)


def test_an_endless_market_never_begins_anew_and_has_the_law():
    market = GROUPS.market(initial_price=1000.0)
    saved = ["drift", "volatility", "volume", "position_1", "position_2"]
    paths = simcal.simulate(market, 400, 300, seed=2, burn_in=200, save=saved)
    law = GROUPS.law()
    changes, volume = np.diff(paths.prices, axis=1), paths.outputs["volume"][:, 1:]
    np.testing.assert_allclose(paths.outputs["position_1"] + paths.outputs["position_2"], market.supply, atol=1e-10)
    means = {
        "change": (changes.mean(axis=1), law.premium),
        "square": ((changes**2).mean(axis=1), law.premium**2 + law.volatility**2 + (law.reversion * law.gap) ** 2),
        "volume": (volume.mean(axis=1), np.sqrt(2 / np.pi) * law.trading),
        "volume squared": ((volume**2).mean(axis=1), law.trading**2),
    }
    for name, (values, wanted) in means.items():
        assert abs(values.mean() - wanted) < 4 * values.std() / 20, name
    # An earlier step's volume is that of the gap which the next volume follows from.
    shock = (changes - (paths.outputs["drift"][:, 1:])) / law.volatility
    assert np.corrcoef(shock[:, :-1].ravel() ** 2, volume[:, 1:].ravel())[0, 1] > 0.05


def test_an_endless_market_comes_back_from_its_file_with_relative_changes(tmp_path):
    market = GROUPS.market(initial_price=100.0, changes="relative")
    models.save(market, tmp_path / "m.toml")
    again = simcal.load(tmp_path / "m.toml")
    assert again == market
    relative, absolute = simcal.simulate(again, 5, 50), simcal.simulate(GROUPS.market(initial_price=100.0), 5, 50)
    np.testing.assert_allclose(relative.log_returns * 100, np.diff(absolute.prices), atol=1e-10)
    assert (simcal.simulate(again, 5, 5000).prices > 0).all()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: TwoGroups((1.0, 9.0), 2.0, 1.0, 1.0), "positive volatility"),
        (lambda: TwoGroups((9.0, 1.0), 1.0, 100.0, 0.01), "positive volatility"),
        (lambda: TwoGroups((1.0, -1.0), 1.0, 1.0, 1.0), r"risk_aversion\[1\] is -1"),
        (lambda: TwoGroups.of_law(TradeLaw(-0.1, 1.0, 0.9, 0.1, 0.2)), "premium of -0.1"),
        (lambda: TwoGroups.of_law(TradeLaw(0.1, 1.0, 0.9, 0.1, 1.0)), "below 1"),
        (lambda: models.from_dict({**GROUPS.market().to_dict(), "volatility": [1.0, 1.0]}), "hedge|feedback"),
        (lambda: models.from_dict({**GROUPS.market().to_dict(), "changes": "odd"}), "'absolute' or 'relative'"),
        (lambda: models.from_dict({**GROUPS.market().to_dict(), "endless": 3}), "true or false"),
    ],
)
def test_what_cannot_be_is_refused(make, sentence):
    with pytest.raises(ParameterError, match=sentence):
        make()
