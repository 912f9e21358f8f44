"""The likelihood found from a definition, against closed forms, SciPy's laws, differences, and simulated states."""

import numpy as np
import pytest
from scipy import stats

import simcal
from simcal.definition import PriceMarket, draw, exp, output, parameter, state
from simcal.definition.arrays import simulate_arrays
from simcal.definition.likelihood import Likelihood, NoLikelihood, Passage
from simcal.models.herding import HerdingMarket

TODAY = simcal.load("herding-today")
NAMES = ("trend_sensitivity", "slow_sensitivity", "chartist_sd", "predisposition", "herding", "fall_attraction",
         "rise_attraction", "trend_memory", "turbulence_memory", "turbulence_response", "johnson_tail", "johnson_skew",
         "growth")  # fmt: skip


class Walk(PriceMarket):
    """Noise traders and nobody else."""

    sd = parameter(0.01, "deviation of the log return", 0)
    drift = parameter(0.001, "mean log return")
    log_price = state(0.0)
    price = output("price", start=100.0)
    z = draw()

    def step(self):
        self.log_price = self.log_price + self.drift + self.sd * self.z
        self.price = 100.0 * exp(self.log_price)


class Hidden(Walk):
    """A variance of its own, which prices do not tell."""

    kind = "hidden"
    sd = parameter(0.01, "deviation of the log return", 0)
    drift = parameter(0.001, "mean log return")
    log_price, level = state(0.0), state(0.0)
    price = output("price", start=100.0)
    z, other = draw(), draw()

    def step(self):
        self.level = 0.9 * self.level + self.other
        self.log_price = self.log_price + self.drift + self.sd * exp(self.level) * self.z
        self.price = 100.0 * exp(self.log_price)


class Additive(Walk):
    """A price that is no exponential."""

    kind = "additive"
    sd = parameter(0.01, "deviation")
    value = state(100.0)
    price = output("price", start=100.0)
    z = draw()

    def step(self):
        self.value = self.value + self.sd * self.z
        self.price = self.value


@pytest.fixture(scope="module")
def paths():
    return simcal.simulate(TODAY, 2, 1500, seed=3, save=["share_fundamental"])


def test_a_walk_has_the_normal_density():
    prices = simcal.simulate(Walk(), 1, 300, seed=1).prices[0]
    found = Likelihood(Walk(), ("sd", "drift"), prices).by_step({"sd": 0.012, "drift": 0.0})
    np.testing.assert_allclose(found, stats.norm.logpdf(np.diff(np.log(prices)), 0, 0.012), rtol=0, atol=1e-11)


def test_two_normal_draws_add_up():
    market = HerdingMarket()
    paths = simcal.simulate(market, 1, 400, seed=2, save=["share_fundamental"])
    logs, share = np.log(paths.prices[0] / 100), paths.outputs["share_fundamental"][0][1:]
    returns = np.diff(logs)
    before = np.concatenate([[0.0], returns[:-1]])
    mean = share * market.value_sensitivity * -logs[:-1] + (1 - share) * market.trend_sensitivity * before
    variance = (share * market.fundamental_sd) ** 2 + ((1 - share) * market.chartist_sd) ** 2
    wanted = stats.norm.logpdf(returns, market.impact * mean, market.impact * np.sqrt(variance))
    found = Likelihood(market, ("herding",), paths.prices[0]).by_step({"herding": market.herding})
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8)
    passage = Passage(market, paths.prices[0])
    np.testing.assert_allclose(passage.means[:-1], market.impact * mean, rtol=0, atol=1e-12)
    np.testing.assert_allclose(passage.deviations[:-1], market.impact * np.sqrt(variance), rtol=1e-12)


def test_johnsons_law_is_that_of_scipy(paths):
    tail, skew = TODAY.johnson_tail, TODAY.johnson_skew
    law = stats.johnsonsu(-skew / tail, 1 / tail)
    share = paths.outputs["share_fundamental"][0][1:]
    sd = TODAY.impact * (1 - share) * TODAY.chartist_sd
    changes = np.diff(np.log(paths.prices[0])) - TODAY.growth
    before = np.concatenate([[0.0], changes[:-1]])
    z = (changes - TODAY.impact * (1 - share) * TODAY.trend_sensitivity * before) / sd
    wanted = law.logpdf(law.mean() + law.std() * z) + np.log(law.std() / sd)
    passage = Passage(TODAY, paths.prices[0])
    np.testing.assert_allclose(passage.densities, wanted, rtol=0, atol=1e-8)
    np.testing.assert_allclose(passage.deviations[:-1], sd, rtol=1e-6)


def test_the_gradient_is_that_of_differences(paths):
    likelihood = Likelihood(TODAY, NAMES, paths.prices[0])
    values = {name: getattr(TODAY, name) for name in NAMES}
    total, gradient = likelihood.total(values, before=10)
    assert total == pytest.approx(Passage(TODAY, paths.prices[0]).densities[10:].sum(), rel=1e-12)
    for name, by in zip(NAMES, gradient, strict=True):
        step = 1e-6 * max(abs(values[name]), 1e-2)
        up, down = (likelihood.by_step(values | {name: values[name] + s})[10:].sum() for s in (step, -step))
        assert by == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-3), name


def test_states_and_draws_are_those_of_the_simulation(paths):
    for prices, share in zip(paths.prices, paths.outputs["share_fundamental"], strict=True):
        passage = Passage(TODAY, prices)
        np.testing.assert_allclose(passage.values["share_fundamental"], share[1:], rtol=0, atol=1e-10)
        assert stats.kstest(passage.residuals, "norm").pvalue > 0.001


def test_a_path_goes_on_from_its_last_day_as_if_it_had_not_stopped():
    noise = np.random.default_rng(5).standard_normal((200, TODAY.draws_per_step, 1))
    whole = simulate_arrays(TODAY, noise)["prices"][:, 0]
    begun = Passage(TODAY, whole[:121]).market
    rest = simulate_arrays(begun, noise[120:])["prices"][:, 0]
    np.testing.assert_allclose(rest, whole[120:], rtol=1e-10)
    kernel = simcal.simulate(begun, 3, 5, seed=1)
    assert (kernel.prices[:, 0] == whole[120]).all()
    assert type(begun).from_dict(begun.to_dict()) == begun != TODAY


@pytest.mark.parametrize(
    ("market", "said"),
    [
        (Hidden(), "has no exact likelihood: (its price depends on draws|level would follow)"),
        (Additive(), r"its price is not a number times exp"),
        (simcal.load("stock"), "has no exact likelihood"),
        (simcal.load("herding").replace(chartist_tail=0.1), "cannot be undone"),
    ],
)
def test_a_market_without_an_exact_likelihood_says_why(market, said):
    with pytest.raises(NoLikelihood, match=said):
        Likelihood(market, (), np.array([100.0, 101.0]))


def test_a_start_must_be_a_finite_number_of_a_known_state():
    with pytest.raises(simcal.ParameterError, match=r"balance is to begin at nan, but must be a finite number\."):
        TODAY.started(balance=float("nan"))
    with pytest.raises(simcal.ParameterError, match="did you mean 'balance'"):
        TODAY.started(balanc=0.0)


def test_the_formula_of_the_page_on_the_likelihood_is_what_was_compiled(paths):
    m, x = TODAY.replace(slow_sensitivity=-20.0), np.diff(np.log(paths.prices[0])) - TODAY.growth
    w, lean = np.exp(m.johnson_tail**2), np.exp(m.johnson_tail**2 / 2) * np.sinh(m.johnson_skew)
    k = np.sqrt(0.5 * (w - 1) * (w * np.cosh(2 * m.johnson_skew) + 1))
    last = trend = 0.0
    size, share, expected = m.usual_move, m.share_start, []
    for now in x:
        y = now / (m.impact * (1 - share)) - m.trend_sensitivity * last - m.slow_sensitivity * trend
        inner = k * y / m.chartist_sd + lean
        z = (np.arcsinh(inner) - m.johnson_skew) / m.johnson_tail
        slopes = np.log(m.impact * (1 - share) * m.chartist_sd * m.johnson_tail / k) + 0.5 * np.log1p(inner**2)
        expected.append(stats.norm.logpdf(z) - slopes)
        trend = m.trend_memory * trend + (1 - m.trend_memory) * now
        size = m.turbulence_memory * size + (1 - m.turbulence_memory) * abs(now)
        a = m.predisposition + m.herding * (2 * share - 1) - m.turbulence_response * np.log(size / m.usual_move)
        a += m.fall_attraction * min(trend / size, 0) + m.rise_attraction * max(trend / size, 0)
        share, last = 1 / (1 + np.exp(-a)), now
    found = Likelihood(m, ("herding",), paths.prices[0]).by_step({"herding": m.herding})
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
