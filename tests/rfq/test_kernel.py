"""The dealers' kernel: equal to the plain NumPy reference, and the same bits however the work is cut."""

import numpy as np
import pytest
import rfq_reference as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from simcal.definition.lanes import LANES
from simcal.errors import ParameterError
from simcal.rfq.market import RfqMarket

VARIED = {
    "n_dealers": 4,
    "client_mean": 0.5,
    "client_shape": 0.8,
    "quote_mean": (0.4, 0.7, 0.2, 1.1),
    "quote_scale": (0.3, 1.2, 0.5, 0.8),
    "quote_shape": (0.5, 1.0, 2.0, 8.0),
    "buy_share": 0.3,
    "half_spread": 0.2,
    "size_median": 2.0,
    "size_log_sd": 1.5,
}
WALK = {"mid_law": "walk", "mid_volatility": 0.03, "information": 0.2, "initial_price": 80.0}
SKEW = {"inventory_skew": (0.1, 0.0, 0.3, 0.05)}
PANEL = {"panel_weights": (1.0, 0.0, 2.0, 1.0)}
MARKETS = {
    "paper": RfqMarket(),
    "varied": RfqMarket(**VARIED),
    "panels": RfqMarket(**VARIED, **PANEL),
    "walk": RfqMarket(**VARIED, **WALK),
    "coarse tick": RfqMarket(**VARIED, tick=0.25),
    "tick, panels and walk": RfqMarket(**VARIED, **PANEL, **WALK, tick=0.1),
    "skew": RfqMarket(**VARIED, **SKEW),
    "skew, tick, panels and walk": RfqMarket(**VARIED, **SKEW, **PANEL, **WALK, tick=0.05),
    "one dealer": RfqMarket(n_dealers=1, inventory_skew=0.2),
    "one dealer in a panel": RfqMarket(n_dealers=1, panel_weights=(2.0,), tick=0.1),
    "two dealers": RfqMarket(n_dealers=2, panel_weights=(1.0, 1.0)),
    "nine dealers": RfqMarket(n_dealers=9, tick=0.02, panel_weights=range(9)),
    "nine dealers who skew": RfqMarket(n_dealers=9, inventory_skew=0.1, size_log_sd=0.5),
    "sellers only": RfqMarket(buy_share=0.0),
    "smoothed": RfqMarket(**VARIED, rule="smoothed", temperature=0.3),
    "smoothed, skew, panels and walk": RfqMarket(**VARIED, **SKEW, **PANEL, **WALK, rule="smoothed"),
}
NAMES = RfqMarket.OUTPUTS
EVERYTHING = ("prices", *NAMES, "failed_step")


def own_quote(side, size, n_dealers, mid, half_spread, inventory, step):
    """Leans against the inventory, wider for size and few rivals, and quotes nothing every seventh request."""
    margin = 0.5 + 0.1 * size / n_dealers - 0.05 * side * inventory + half_spread + (mid - 100) * 1e-3
    return margin + 0.0 * step if step % 7 else margin * np.nan


compiled_quote = njit(own_quote)


def run(market, seed=0, first_path=0, n_paths=40, n_steps=300, **options):
    return market.simulate_chunk(seed, first_path, n_paths, n_steps, **{"save": NAMES, **options})


def assert_close(one, other, **tolerance):
    assert set(one) == set(other)
    for name in one:
        np.testing.assert_allclose(one[name], other[name], **tolerance, err_msg=name)


@pytest.mark.parametrize("seed", [0, 2**63 + 5])
@pytest.mark.parametrize("name", MARKETS)
def test_the_kernel_agrees_with_the_reference_to_1e_9_in_every_output(name, seed):
    market = MARKETS[name]
    kernel, truth = run(market, seed), reference.simulate(market, seed, 0, 40, 300)
    assert set(kernel) == set(EVERYTHING)
    assert_close(kernel, truth, rtol=1e-9, atol=1e-9)
    assert np.isnan(kernel["own_quote"][:, 0]).all()
    assert (kernel["winner"][:, 0] == -1).all()


@pytest.mark.parametrize("name", MARKETS)
def test_lanes_of_paths_and_lanes_of_steps_give_the_same_bits(name):
    # Three steps of many paths lie across the lanes, many steps of three paths along them where quotes allow it.
    wide, long = run(MARKETS[name], 3, 7, LANES + 9, 3), run(MARKETS[name], 3, 7, 3, 2 * LANES + 5)
    for output in NAMES:
        np.testing.assert_array_equal(wide[output][:3], long[output][:, :4], err_msg=output)


@pytest.mark.parametrize("name", ["varied", "skew, tick, panels and walk", "smoothed", "walk"])
@settings(max_examples=10, deadline=None)
@given(
    first_path=st.integers(0, 2**64 - 2000),
    n_paths=st.integers(1, 600),
    threads=st.integers(1, 4),
    offset=st.integers(0, 1000),
    n_steps=st.integers(1, 40),
)
def test_a_path_has_the_same_bits_whatever_stands_beside_it(name, first_path, n_paths, threads, offset, n_steps):
    market, offset = MARKETS[name], offset % n_paths
    many = run(market, 5, first_path, n_paths, n_steps, threads=threads)
    alone = run(market, 5, first_path + offset, 1, n_steps + 3)
    for output in ("prices", *NAMES):
        np.testing.assert_array_equal(many[output][offset], alone[output][0, : n_steps + 1])


@pytest.mark.parametrize("name", ["varied", "skew, tick, panels and walk", "walk"])
@settings(max_examples=25, deadline=None)
@given(
    every=st.integers(1, 30),
    burn_in=st.integers(0, 300),
    n_steps=st.integers(30, 600),
    n_paths=st.sampled_from([2, 270]),
)
def test_thinning_and_burn_in_only_choose_what_is_saved(name, every, burn_in, n_steps, n_paths):
    market = MARKETS[name]
    full = run(market, n_paths=2, n_steps=n_steps + burn_in)
    some = run(market, n_paths=n_paths, n_steps=n_steps, every=every, burn_in=burn_in, save=("winner", "own_inventory"))
    assert set(some) == {"prices", "winner", "own_inventory", "failed_step"}
    for output in ("prices", "winner", "own_inventory"):
        np.testing.assert_array_equal(some[output][:2], full[output][:, burn_in::every])


@pytest.mark.parametrize("name", ["paper", "walk", "skew, tick, panels and walk"])
def test_the_reference_thins_and_burns_in_like_the_kernel(name):
    options = {"every": 7, "burn_in": 12}
    truth = reference.simulate(MARKETS[name], 1, 3, 20, 100, **options)
    assert_close(run(MARKETS[name], 1, 3, 20, 100, **options), truth, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["varied", "skew", "smoothed"])
def test_float32_is_float64_rounded(name):
    double, single = run(MARKETS[name]), run(MARKETS[name], dtype="float32")
    for output in ("prices", *NAMES):
        assert single[output].dtype == np.float32
        np.testing.assert_array_equal(single[output], double[output].astype(np.float32))


@pytest.mark.parametrize(
    "name", ["varied", "skew, tick, panels and walk", "smoothed, skew, panels and walk", "two dealers"]
)
def test_a_compiled_quoting_function_gives_the_trades_of_the_same_function_in_python(name):
    compiled, plain = (run(MARKETS[name], 2, 4, 30, 80, quoting=f) for f in (compiled_quote, own_quote))
    assert_close(compiled, plain, rtol=1e-9, atol=1e-9)
    assert np.isnan(compiled["own_quote"][:, 7::7]).all()


def test_a_quoting_function_that_writes_into_its_arguments_changes_nothing_else():
    def careless(side, size, n_dealers, mid, half_spread, inventory, step):
        margin = 0.5 - 0.1 * side * inventory
        for mine in (side, size, n_dealers, mid, inventory):
            mine[:] = 7
        return margin

    def careful(side, size, n_dealers, mid, half_spread, inventory, step):
        return 0.5 - 0.1 * side * inventory

    assert_close(run(MARKETS["varied"], quoting=careless), run(MARKETS["varied"], quoting=careful), rtol=0, atol=0)


def test_a_dealer_whose_function_gives_no_number_passes_and_the_rivals_trade():
    market = RfqMarket(n_dealers=3)
    saved = run(market, quoting=lambda *_: np.inf)
    assert set(np.unique(saved["own_status"][:, 1:])) == {7.0}
    assert np.isnan(saved["own_quote"]).all()
    assert set(np.unique(saved["winner"])) == {-1, 1, 2}
    np.testing.assert_array_equal(saved["best_quote"], saved["rival_quote"])
    assert (saved["n_dealers"][:, 1:] == 3).all()


def test_the_rivals_quotes_are_the_same_whatever_the_own_dealer_does():
    market = MARKETS["varied"]
    ours, other = run(market), run(market, quoting=compiled_quote)
    for name in ("quote_1", "quote_2", "quote_3", "rival_quote", "client_value", "side", "size", "prices"):
        np.testing.assert_array_equal(ours[name], other[name])
    assert not np.array_equal(ours["own_quote"], other["own_quote"], equal_nan=True)


def test_the_own_law_as_a_function_of_the_inventory_trades_like_an_inventory_skew():
    market = RfqMarket(quote_scale=(1e-12, 0.8, 0.8, 0.8, 0.8), inventory_skew=(0.07, 0, 0, 0, 0), size_log_sd=1.0)

    def by_function(side, size, n_dealers, mid, half_spread, inventory, step):
        return 0.6 - 0.07 * side * inventory

    law, function = run(market), run(market, quoting=by_function)
    np.testing.assert_array_equal(law["winner"], function["winner"])
    np.testing.assert_allclose(law["own_quote"], function["own_quote"], rtol=1e-11)


@pytest.mark.parametrize(
    ("quoting", "sentence"),
    [
        ("skewed", r"quoting is 'skewed', but must be a function"),
        (
            lambda *_: np.zeros(3),
            r"returned ndarray of shape \(3,\) at step 1, but must return one number, or an array",
        ),
        (lambda *_: "no", r"returned str of shape \(\) at step 1, but must return"),
        (njit(lambda side: side), r"does not compile as f\(side, size, n_dealers, mid, half_spread, inventory, step\)"),
        (njit(lambda side: side), r"returns a number \(Cannot bind .* too many positional arguments"),
        (njit(lambda *all: nowhere), r"returns a number \(NameError: name 'nowhere' is not defined\). Correct it"),  # noqa: F821
        (njit(lambda *all: "a"), r"returns a number \(it returns something else\). Correct it"),
        (njit(lambda *all: None), r"returns a number \(it returns something else\). Correct it"),
    ],
)
def test_what_is_no_quoting_function_is_refused_in_a_sentence(quoting, sentence):
    with pytest.raises(ParameterError, match=sentence):
        run(RfqMarket(), quoting=quoting)


@pytest.mark.parametrize("skew", [0.0, 0.1])
def test_a_mid_that_walks_below_zero_is_noted_at_its_first_step(skew):
    market = RfqMarket(mid_law="walk", initial_price=1.0, mid_volatility=0.2, inventory_skew=skew)
    saved = run(market, n_paths=50, n_steps=400)
    mids, failed = saved["prices"], saved["failed_step"]
    assert 0 < (failed > 0).sum() < 50
    for path in range(50):
        below = np.flatnonzero(mids[path] <= 0)
        assert failed[path] == (below[0] if below.size else 0)


def test_two_threads_simulate_what_one_does():
    one, two = run(MARKETS["paper"], n_paths=5, threads=1), run(MARKETS["paper"], n_paths=5, threads=2)
    for name in EVERYTHING:
        np.testing.assert_array_equal(one[name], two[name])
