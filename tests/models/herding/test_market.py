"""The herding market's laws: closed forms, published figures, invariances, and what its description refuses."""

import numpy as np
import pytest
from oracles import herding as reference
from scipy import integrate, signal

import simcal
from simcal import HerdingMarket, facts, noise
from simcal.errors import ParameterError
from simcal.models.herding import shaped

ALONE = {"predisposition": 60.0, "herding": 0.0, "misalignment": 0.0, "share_start": 1.0}  # fundamentalists only
LOYAL = {"choice_intensity": 0.0}  # half of the traders each


def logs(market, n_paths, n_steps, seed=0, **options):
    return np.log(market.simulate_chunk(seed, 0, n_paths, n_steps, **options)["prices"] / market.initial_price)


# -- closed forms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_fundamentalists_alone_make_an_autoregression_of_the_noise(seed):
    market = HerdingMarket(**ALONE, value_sensitivity=3.0)
    normals = noise.normals(seed, 0, 50, 1, 300, 2)[:, 0].T
    expected = signal.lfilter([market.impact * market.fundamental_sd], [1, -(1 - 0.01 * 3.0)], normals, axis=1)
    np.testing.assert_allclose(logs(market, 50, 300, seed)[:, 1:], expected, atol=1e-13)


@pytest.mark.parametrize("seed", [0, 1])
def test_traders_who_never_switch_make_a_second_order_autoregression(seed):
    market = HerdingMarket(**LOYAL, value_sensitivity=30.0, trend_sensitivity=40.0)
    first, second = 1 - 0.01 * 30 / 2 + 0.01 * 40 / 2, -0.01 * 40 / 2
    normals = noise.normals(seed, 0, 50, 1, 300, 2)
    shocks = 0.005 * (0.758 * normals[:, 0] + 2.087 * normals[:, 1]).T
    expected = signal.lfilter([1], [1, -first, -second], shocks, axis=1)
    np.testing.assert_allclose(logs(market, 50, 300, seed)[:, 1:], expected, atol=1e-13)
    # Stationary autocovariances from the Yule-Walker equations.
    n, path = 20_000, logs(market, 20_000, 10, seed, burn_in=300)
    of_shock = 0.005**2 * (0.758**2 + 2.087**2)
    correlations = [1.0, first / (1 - second)]
    variance = of_shock / (1 - first * correlations[1] - second * (first * correlations[1] + second))
    for _ in range(9):
        correlations.append(first * correlations[-1] + second * correlations[-2])
    for lag, correlation in enumerate(correlations):
        error = (path[:, -1] * path[:, -1 - lag]).mean() - variance * correlation
        assert abs(error) < 4 * variance * np.sqrt((1 + correlation**2) / n)


def test_without_noise_prices_follow_the_skeleton_of_the_published_equations():
    quiet = {"fundamental_sd": 0.0, "chartist_sd": 0.0, "fundamental_mean": 140.0, "value_sensitivity": 4.0}
    market = HerdingMarket(**quiet, herding=2.5, trend_sensitivity=80.0, share_start=0.2)
    p, share, target = [0.0, 0.0], [0.2], np.log(1.4)  # p[t + 1] is the log price at t
    for _ in range(150):
        n = share[-1]
        p.append(p[-1] + 0.01 * (n * 4.0 * (target - p[-1]) + (1 - n) * 80.0 * (p[-1] - p[-2])))
        share.append(1 / (1 + np.exp(-(-0.327 + 2.5 * (2 * n - 1) + 18.43 * (p[-2] - target) ** 2))))
    saved = market.simulate_chunk(0, 0, 1, 150, save=("share_fundamental",))
    np.testing.assert_allclose(saved["prices"][0], 100 * np.exp(p[1:]), rtol=1e-12)
    np.testing.assert_allclose(saved["share_fundamental"][0, 1:], share[:-1], rtol=1e-12)


@pytest.mark.parametrize("skew", [0.0, -0.3, 1.0])
@pytest.mark.parametrize("tail", [0.0, 0.05, 0.15, 0.3, 0.45])
def test_shapes_leave_the_mean_at_zero_and_the_variance_at_one(tail, skew):
    # A polynomial times an exponential, whose exponent goes together with that of the density: neither overflows.
    flat = np.polynomial.Polynomial.fit(
        np.arange(3.0), [shaped(z, tail, skew) * np.exp(-tail * z * z / 2) for z in range(3)], 2
    )

    def moment(order):
        def integrand(z):
            density = np.exp((order * tail - 1) * z * z / 2) / np.sqrt(2 * np.pi)
            return flat(z) ** order * density

        return integrate.quad(integrand, -np.inf, np.inf, epsabs=1e-12, limit=200)[0]

    assert moment(1) == pytest.approx(0, abs=1e-9)
    assert moment(2) == pytest.approx(1, rel=1e-8)
    z = np.linspace(-5, 5, 101)
    drawn = shaped(z, tail, skew)
    np.testing.assert_allclose(drawn, flat(z) * np.exp(tail * z**2 / 2), rtol=1e-10, atol=1e-12)
    if skew == 0:
        np.testing.assert_allclose(drawn, (1 - 2 * tail) ** 0.75 * z * np.exp(tail * z**2 / 2), rtol=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_skew_of_the_chartists_is_that_of_a_normal_and_its_square(seed):
    market, n, s = HerdingMarket(chartist_skew=-0.2, share_start=0.0), 200_000, -0.2
    r = logs(market, n, 1, seed)[:, 1] / (0.01 * market.chartist_sd)
    z = noise.normals(seed, 0, n, 1, 1, 2)[0, 1]
    np.testing.assert_allclose(r, (z + s * (z**2 - 1)) / np.sqrt(1 + 2 * s**2), atol=1e-12)
    skewness = (6 * s + 8 * s**3) / (1 + 2 * s**2) ** 1.5
    assert abs(np.mean(r**3) - skewness) < 4 * np.std(r**3) / np.sqrt(n)


def test_growth_multiplies_price_and_value_and_nothing_else(extended):
    saves = {"save": ("fundamental_value", "demand_chartist"), "burn_in": 7}
    still, grown = (m.simulate_chunk(0, 0, 20, 100, **saves) for m in (extended.replace(growth=0.0), extended))
    factor = np.exp(extended.growth * np.arange(7, 108))
    for name in ("prices", "fundamental_value"):
        np.testing.assert_allclose(grown[name], still[name] * factor, rtol=1e-12)
    np.testing.assert_array_equal(grown["demand_chartist"], still["demand_chartist"])
    constant = HerdingMarket(growth=1e-3).simulate_chunk(0, 0, 2, 50, save=("fundamental_value",))
    np.testing.assert_allclose(constant["fundamental_value"], 100 * np.exp(1e-3 * np.arange(51))[None, :].repeat(2, 0))


def test_chartists_follow_the_last_change_however_long_the_trend_is_remembered():
    market = HerdingMarket(**LOYAL, trend_sensitivity=40.0, trend_memory=0.9, fundamental_sd=0.0, chartist_sd=1.0)
    p = logs(market, 50, 30)
    normals = noise.normals(0, 0, 50, 1, 30, 2)[:, 1].T
    change = np.diff(p, axis=1)
    expected = 0.005 * (-0.12 * p[:, 1:-1] + 40 * change[:, :-1] + normals[:, 1:])
    np.testing.assert_allclose(change[:, 1:], expected, atol=1e-13)


@pytest.mark.parametrize(("name", "stream", "share"), [("fundamental", 0, 1.0), ("chartist", 1, 0.0)])
def test_tails_are_tukeys_of_the_trader_they_are_named_after(name, stream, share):
    market = HerdingMarket(**{f"{name}_tail": 0.1}, share_start=share)
    n = 200_000
    r = logs(market, n, 1)[:, 1] / (0.01 * getattr(market, f"{name}_sd"))
    z = noise.normals(0, 0, n, 1, 1, 2)[0, stream]
    np.testing.assert_allclose(r, 0.8**0.75 * z * np.exp(0.05 * z**2), rtol=1e-9, atol=1e-12)
    kurtosis = 3 * 0.8**3 / 0.6**2.5
    eighth = 105 * 0.8**6 / 0.2**4.5
    assert abs(np.mean(r**4) - kurtosis) < 4 * np.sqrt((eighth - kurtosis**2) / n)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_log_value_walks_with_its_variance(seed):
    market = HerdingMarket(variance_mean=4e-4)
    saved = market.simulate_chunk(seed, 0, 4000, 40, save=("fundamental_value",))
    value = np.log(saved["fundamental_value"] / 100)
    steps = np.diff(value, axis=1)
    np.testing.assert_allclose(steps, 0.02 * noise.normals(seed, 0, 4000, 1, 40, 4)[:, 2].T, atol=1e-13)
    assert abs(value[:, -1].var() - 40 * 4e-4) < 4 * 40 * 4e-4 * np.sqrt(2 / 4000)


def test_chartists_make_more_noise_after_falls_and_at_most_twice_as_much():
    market = HerdingMarket(fall_response=1e3, share_start=0.0, predisposition=-60.0)
    r = np.diff(logs(market, 20_000, 2), axis=1)
    after = r[:, 1] - 0.01 * market.trend_sensitivity * r[:, 0]
    scale = after / (0.01 * market.chartist_sd * noise.normals(0, 0, 20_000, 1, 2, 2)[1, 1])
    np.testing.assert_allclose(scale, 1 - np.tanh(500 * r[:, 0]), rtol=1e-6, atol=1e-9)
    assert 1.99 < scale.max() < 2 + 1e-9


# -- published figures ----------------------------------------------------------------------------------------------


def plain_returns(n_paths, n_steps, seed):
    """The published equations once more, with a generator of NumPy."""
    rng, p, last, a = np.random.default_rng(seed), np.zeros(n_paths), np.zeros(n_paths), np.zeros(n_paths)
    r = np.empty((n_steps, n_paths))
    for t in range(n_steps):
        share, e = 1 / (1 + np.exp(-a)), rng.standard_normal((2, n_paths))
        a = -0.327 + 1.79 * (2 * share - 1) + 18.43 * p**2
        last = 0.01 * (share * (-0.12 * p + 0.758 * e[0]) + (1 - share) * (1.5 * last + 2.087 * e[1]))
        p, r[t] = p + last, last
    return r[500:].T


def figures(r):
    lags = facts.autocorrelation(np.abs(r), [1, 5, 25, 100]).T
    raw = facts.autocorrelation(r, [5, 25]).T
    return np.array([100 * r.std(axis=1), facts.excess_kurtosis(r), facts.hill(r), *lags, *raw])


@pytest.mark.parametrize("seed", [0, 1])
def test_published_parameters_have_their_stylised_facts(seed):
    n = 24
    ours = figures(np.diff(logs(HerdingMarket(), n, 17_000, seed, burn_in=500), axis=1))
    plain = figures(plain_returns(n, 17_500, seed))
    means, error = ours.mean(axis=1), np.sqrt((ours.var(axis=1, ddof=1) + plain.var(axis=1, ddof=1)) / n)
    assert (np.abs(means - plain.mean(axis=1)) < 4 * error).all()
    own = ours.std(axis=1, ddof=1) / np.sqrt(n)
    for figure, low, high in ((1, 1.8, 2.0), (2, 3.6, 3.8), (7, 0.0, 0.0), (8, 0.0, 0.0)):
        assert low - 4 * own[figure] < means[figure] < high + 4 * own[figure]
    assert (means[3:7] > 8 * own[3:7]).all()  # volatility clusters, up to lag 100
    assert (np.diff(means[4:7]) < 0).all()  # and fades


# -- invariances ----------------------------------------------------------------------------------------------------


def test_the_price_scale_is_free(extended):
    scaled = {name: 7 * getattr(extended, name) for name in ("initial_price", "fundamental_mean", "fundamental_start")}
    once, again = (m.simulate_chunk(0, 0, 50, 200)["prices"] for m in (extended, extended.replace(**scaled)))
    np.testing.assert_allclose(again, 7 * once, rtol=1e-12)


@pytest.mark.parametrize("factor", [0.5, 1.7])
def test_rescaling_multiplies_log_prices(extended, published, factor):
    for market in (published, extended):
        np.testing.assert_allclose(
            logs(market.rescaled(factor), 50, 200), factor * logs(market, 50, 200), rtol=1e-9, atol=1e-12
        )
    with pytest.raises(ParameterError, match="must be a positive number"):
        published.rescaled(0)


def test_impact_and_intensity_fix_the_units(extended):
    names = ("value_sensitivity", "trend_sensitivity", "fundamental_sd", "chartist_sd")
    halved = ("predisposition", "herding", "misalignment", "misalignment_tilt", "trend_attraction")
    changes = {name: 2 * getattr(extended, name) for name in (*names, "choice_intensity")}
    changes |= {name: getattr(extended, name) / 2 for name in (*halved, "impact")}
    np.testing.assert_allclose(logs(extended.replace(**changes), 50, 200), logs(extended, 50, 200), rtol=1e-9)


def test_without_tilts_the_mirror_image_of_the_noise_makes_the_mirror_image_of_the_log_price(published):
    normals = noise.normals(0, 0, 20, 1, 100, 2)
    up, down = (np.log(reference.simulate(published, s * normals)["prices"] / 100) for s in (1, -1))
    np.testing.assert_allclose(up, -down, atol=1e-14)


# -- the description ------------------------------------------------------------------------------------------------


def test_the_market_comes_back_from_its_dictionary(extended, published):
    for market in (published, extended):
        assert HerdingMarket.from_dict(market.to_dict()) == market
    assert simcal.load("herding") == published
    assert [row["parameter"] for row in published.describe()] == list(HerdingMarket.SPECS)


def test_noise_is_drawn_for_the_value_only_where_it_moves(published):
    assert published.draws_per_step == 2
    assert published.replace(fundamental_reversion=0.1).draws_per_step == 2
    for changes in ({"variance_mean": 1e-4}, {"vol_of_vol": 0.1}, {"variance_start": 1e-4}):
        assert published.replace(**changes).draws_per_step == 4
    assert published.replace(fundamental_reversion=0.1, fundamental_start=90.0).draws_per_step == 4


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"herdin": 1.0}, "'herdin' is not a parameter of the herding market; did you mean 'herding'"),
        ({"impact": 0}, "impact is 0, but must be a number above 0"),
        ({"chartist_tail": 0.5}, "chartist_tail is 0.5, at which the variance is infinite, but must be below 0.5"),
        ({"trend_memory": 1.5}, "trend_memory is 1.5, but must be a number from 0 to 1"),
        ({"share_start": [0.1, 0.2]}, "share_start has shape"),
        ({"chartist_sd": None}, "chartist_sd is None"),
    ],
)
def test_what_is_not_allowed_is_refused_in_a_sentence(published, changes, sentence):
    with pytest.raises(ParameterError, match=sentence):
        published.replace(**changes)
