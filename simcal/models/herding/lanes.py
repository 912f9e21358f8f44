"""The parts of the herding market's kernel and forward sweep: loops over lanes, from the rows of one step to the next.

The rules are those of `simcal.models.herding.rules`, compiled. What a parameter of 0 switches off costs nothing.
"""

from __future__ import annotations

from numba import njit

from simcal.models.herding import rules
from simcal.models.lanes import OPTIONS

shaped, calm = njit(**OPTIONS)(rules.shaped), njit(**OPTIONS)(rules.calm)
mispricing = njit(**OPTIONS)(rules.mispricing)
fundamental_demand, chartist_demand = njit(**OPTIONS)(rules.fundamental_demand), njit(**OPTIONS)(rules.chartist_demand)
fundamental_share, chartist_share = njit(**OPTIONS)(rules.fundamental_share), njit(**OPTIONS)(rules.chartist_share)
change, next_trend, price = (
    njit(**OPTIONS)(rules.change),
    njit(**OPTIONS)(rules.next_trend),
    njit(**OPTIONS)(rules.price),
)


@njit(**OPTIONS)
def draws_of(shape, normals, spare):
    """Draws with the shape of a type: the normals as they are, or what is put into `spare`."""
    if shape.half_tail == 0 and shape.quadratic == 0:
        return normals
    for lane in range(spare.size):
        spare[lane] = shaped(normals[lane], shape.half_tail, shape.constant, shape.linear, shape.quadratic)
    return spare


@njit(**OPTIONS)
def moods(p, trend, spare):
    """How calm the chartists are, tanh(lambda m / 2), put into `spare`; it is to be 0 where lambda is 0."""
    if p.response != 0:
        for lane in range(spare.size):
            spare[lane] = calm(p.response, trend[lane])


@njit(**OPTIONS)
def misprice(log_price, value, gap):
    """The gap of every lane."""
    for lane in range(gap.size):
        gap[lane] = mispricing(log_price[lane], value[lane])


@njit(**OPTIONS)
def fundamentalists(p, balance, gap, draws, demand):
    """n_f d_f."""
    for lane in range(demand.size):
        each = fundamental_demand(p.value_sensitivity, gap[lane], p.fundamental_sd, draws[lane])
        demand[lane] = fundamental_share(balance[lane], p.half) * each


@njit(**OPTIONS)
def chartists(p, balance, change, calm, draws, demand):
    """n_c d_c."""
    for lane in range(demand.size):
        each = chartist_demand(p.trend_sensitivity, change[lane], p.chartist_sd, calm[lane], draws[lane])
        demand[lane] = chartist_share(balance[lane], p.half) * each


@njit(**OPTIONS)
def clear(p, log_before, trend_before, fundamental, chartist, outside, log_price, changes, trend):
    """The price that the demands make, how it changed, and the trend that follows from it."""
    for lane in range(log_price.size):
        r = change(p.impact, fundamental[lane] + chartist[lane] + outside[lane])
        changes[lane] = r
        trend[lane] = next_trend(trend_before[lane], p.memory, p.fresh, r)
        log_price[lane] = log_before[lane] + r


@njit(**OPTIONS)
def to_prices(p, logs, ages, prices):
    """P from p, where lanes have taken `ages` steps."""
    real = logs.dtype.type
    for lane in range(prices.size):
        prices[lane] = price(p.initial_price, logs[lane], p.growth * real(ages[lane]))
