r"""The likelihood of observed prices, found from a market's definition by undoing its step.

A price is a number times :math:`e^u`, and u comes from draws. Where one draw reaches it, through operations that can be
undone (sums, products, exp, log, sinh), the draw is solved for; where several do, each times a number, their sum is
normal. What is left is one more step on the same tape, which takes the observed log price for its draw and gives the
log density of the log return: so the compiled sweeps of `simcal.definition.sweeps` give the likelihood and its
gradient, and nothing is derived by hand. With y the observed log price relative to the first one,

.. math:: \log f(y(t) \mid \text{past}) = \log \varphi(z(t)) + \log |dz / dy|

or the normal density with the mean and the variance of the sum. The states are then known too: none may depend on a
draw otherwise than through the price.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from math import log as number_log
from math import pi
from typing import Any

import numpy as np
from scipy.special import ndtr

from simcal.definition import functions as f
from simcal.definition.language import Definition
from simcal.definition.program import Key, Numbers, Program, evaluate, numbers_of
from simcal.definition.sweeps import Sweeps
from simcal.definition.trace import Node, reach
from simcal.errors import ParameterError

OBSERVED = (None, "observed")


class NoLikelihood(ParameterError):
    """A market's prices have no density in closed form; the sentence says what stands in the way."""


class Conditional(Program):
    """A market's step with its draws solved for; its output ``price`` is the log density of the log return.

    Raises
    ------
    NoLikelihood
        The draws cannot be solved for.
    """

    def __init__(self, market: Definition, trained: frozenset[str] = frozenset()) -> None:
        super().__init__(market, trained)
        self._title = f"The {market.title}"
        tape = self.tape
        observed = tape.add("draw", *OBSERVED, varies=True)
        nobody = {n: tape.constant(0.0) for n in tape.nodes if n.op == "outside"}
        self.after = {key: self._with(nobody, node) for key, node in self.after.items()}
        level, exponent = self._level_and_exponent(self._with(nobody, self.outputs["price"]))
        start = self.starts[None, "price"]
        solved, value, drawn, self.residual, density = self._solved(
            exponent, observed if start is level else observed + f.log(start / level), observed
        )
        known = {solved: value}
        self.after = {key: self._with(known, node) for key, node in self.after.items()}
        hidden = [key[1] for key, node in self.after.items() if self._draws(node) - {observed}]
        if hidden:
            raise NoLikelihood(
                f"{self._title} has no exact likelihood: {' and '.join(hidden)} would follow from draws that the price "
                "does not tell. Leave out the terms that move them, or use the estimator 'moments'."
            )
        self.outputs["price"] = density
        self.streams, self.draws_per_step = {OBSERVED: 0}, 1
        self.predicted = self._with({solved: drawn}, exponent)  # the log price to come, of one normal draw
        self.shown: dict[str, Node] = {}
        for name in market.OUTPUTS:
            node = self._with(known, self._with(nobody, self.outputs[name]))
            if not self._draws(node) - {observed}:
                self.shown[name] = node
        self.lagged = {n.args[0] for n in reach([density, *self.after.values()]) if n.op in ("lag", "window")}

    def _draws(self, node: Node) -> set[Node]:
        return {n for n in reach([node]) if n.op == "draw"}

    def _level_and_exponent(self, price: Node) -> tuple[Node, Node]:
        for level, power in (price.args, price.args[::-1]) if price.op == "*" else [(self.tape.constant(1.0), price)]:
            if power.op == "exp" and not level.varies:
                return level, power.args[0]
        raise NoLikelihood(f"{self._title} has no exact likelihood: its price is not a number times exp(...).")

    def _solved(self, node: Node, value: Node, normal: Node) -> tuple[Node, Node, Node, Node, Node]:
        """The node that is solved for, its value, how it is made of one normal, the residual, and the log density."""
        slope, unit = self.tape.constant(0.0), self.tape.constant(-0.5 * number_log(2 * pi))
        while node.op != "draw":
            undone = self._undone(node, value)
            if undone is not None:
                node, value, by = undone
                slope = slope + by
                continue
            linear = self._linear(node)
            if linear is None:
                raise NoLikelihood(
                    f"{self._title} has no exact likelihood: its price depends on draws in a way that cannot be "
                    f"undone (at the operation {node.op!r}). Use the estimator 'moments' or 'adversarial'."
                )
            mean, weights = linear
            variance = functools.reduce(lambda a, b: a + b, (w * w for w in weights))
            sd = f.exp(0.5 * f.log(variance))
            residual = (value - mean) / sd
            density = slope + unit - 0.5 * f.log(variance) - 0.5 * residual * residual
            return node, value, mean + sd * normal, residual, density
        if node.group is not None:
            raise NoLikelihood(f"{self._title} has no exact likelihood: each trader draws for itself.")
        return node, value, normal, value, slope + unit - 0.5 * value * value

    def _undone(self, node: Node, value: Node) -> tuple[Node, Node, Node] | None:
        """The argument that has draws, the value it must take, and the log of the slope; None where it cannot be."""
        with_draws = [a for a in node.args if isinstance(a, Node) and self._draws(a)]
        if len(with_draws) != 1 or node.group is not None:
            return None
        (x,), zero = with_draws, self.tape.constant(0.0)
        other = next((a for a in node.args if a is not x), None)
        first = node.args[0] is x
        if node.op == "+" and other is not None:
            return x, value - other, zero
        if node.op == "-" and other is not None:
            return x, value + other if first else other - value, zero
        if node.op == "*" and other is not None:
            return x, value / other, -f.log(abs(other))
        if node.op == "/" and other is not None and first:
            return x, value * other, f.log(abs(other))
        if node.op == "negative":
            return x, -value, zero
        if node.op == "exp":
            return x, f.log(value), -f.log(value)
        if node.op == "log":
            return x, f.exp(value), value
        if node.op == "sinh":
            far = f.root(value * value + 1.0)
            grown = f.log(abs(value) + far)
            return x, f.where(value >= 0.0, grown, -grown), -f.log(far)
        return None

    def _linear(self, node: Node) -> tuple[Node, list[Node]] | None:
        """The rest and the weights of a node that is a sum of draws times numbers, of two draws at least."""
        zero = self.tape.constant(0.0)

        def parts(n: Node) -> tuple[Node, dict[Node, Node]] | None:
            if not self._draws(n):
                return n, {}
            if n.group is not None:
                return None
            if n.op == "draw":
                return zero, {n: self.tape.constant(1.0)}
            if n.op in ("+", "-"):
                a, b = parts(n.args[0]), parts(n.args[1])
                if a is None or b is None:
                    return None
                weights = dict(a[1])
                for z, w in b[1].items():
                    signed = w if n.op == "+" else -w
                    weights[z] = weights[z] + signed if z in weights else signed
                return self.tape.operate(n.op, a[0], b[0]), weights
            if n.op == "negative" and (a := parts(n.args[0])) is not None:
                return -a[0], {z: -w for z, w in a[1].items()}
            if n.op == "*":
                free = [x for x in n.args if not self._draws(x)]
                if free and (a := parts(n.args[1] if n.args[0] is free[0] else n.args[0])) is not None:
                    return a[0] * free[0], {z: w * free[0] for z, w in a[1].items()}
            if n.op == "/" and not self._draws(n.args[1]) and (a := parts(n.args[0])) is not None:
                return a[0] / n.args[1], {z: w / n.args[1] for z, w in a[1].items()}
            return None

        found = parts(node) if len(self._draws(node)) > 1 else None
        return None if found is None else (found[0], list(found[1].values()))

    def _with(self, known: dict[Node, Node], node: Node) -> Node:
        """A node with others in the place of those that are known; what is made on the way is known afterwards."""
        for old in sorted(reach([node], stop=lambda n: n in known), key=lambda n: n.number):
            if old in known:
                continue
            args = tuple(known.get(a, a) if isinstance(a, Node) else a for a in old.args)
            if args == old.args:
                known[old] = old
            elif old.op == "+" and args[1].op == "constant" and args[1].args[0] == 0:
                known[old] = args[0]  # x + 0, which an absent order from outside leaves
            elif all(isinstance(a, Node) for a in args):
                known[old] = self.tape.operate(old.op, *args)
            else:
                known[old] = self.tape.add(old.op, *args, group=old.group, varies=old.varies, kind=type(old))
        return known[node]


class Likelihood:
    """The exact likelihood of a price series under a market, as a function of some of its parameters.

    Parameters
    ----------
    market
        Supplies every other parameter; its initial price does not matter.
    names
        The parameters.
    prices
        Observed prices, shape (n_steps + 1,).

    Raises
    ------
    NoLikelihood
        The market has no likelihood in closed form.
    """

    def __init__(self, market: Definition, names: Sequence[str], prices: np.ndarray) -> None:
        self.market, self.names = market, tuple(names)
        self._sweeps = _sweeps_of(market, frozenset(names))
        logs = np.log(np.asarray(prices, dtype=np.float64))
        self._observed = np.ascontiguousarray((logs[1:] - logs[0])[:, None, None])

    @property
    def n_steps(self) -> int:
        """Observed returns."""
        return len(self._observed)

    def by_step(self, values: Mapping[str, float]) -> np.ndarray:
        """Log density of every log return given those before it, (n_steps,)."""
        return self._forward(values)[2][1:, 0].copy()

    def total(self, values: Mapping[str, float], before: int = 0) -> tuple[float, np.ndarray]:
        """The log-likelihood of the returns from number `before` on, and its gradient (names,)."""
        numbers, trace, rows = self._forward(values)
        gradient = np.zeros_like(rows)
        gradient[1 + before :] = 1.0
        with np.errstate(all="ignore"):
            by = self._sweeps.backward(numbers, self._observed, trace, gradient, 0.0)
        return float(rows[1 + before :].sum()), np.array([float(by[name].sum()) for name in self.names])

    def _forward(self, values: Mapping[str, float]) -> tuple[Numbers, tuple, np.ndarray]:
        numbers = numbers_of(self.market, values)
        trace = self._sweeps.forward(numbers, self._observed)
        return numbers, trace, self._sweeps.prices_of(trace, self.n_steps)


@functools.lru_cache(maxsize=32)
def _sweeps_of(market: Definition, trained: frozenset[str]) -> Sweeps:
    return Sweeps(market, trained, Conditional)


def has_likelihood(market: Any, names: Sequence[str] = ()) -> bool:
    """Whether a market's prices have a density in closed form, those parameters being free."""
    if not isinstance(market, Definition):
        return False
    try:
        Conditional(market, frozenset(names))
    except NoLikelihood:
        return False
    return True


class Passage:
    """The hidden states of a market through observed prices.

    Attributes
    ----------
    values
        The market's states, and the outputs that prices tell, after every step: each (n_steps,).
    residuals
        The draw of every step, standard normal where the market is true, (n_steps,).
    probabilities
        Of a smaller return than came, given those before it, (n_steps,).
    densities
        Log densities of the log returns, (n_steps,).
    means, deviations
        Of every log return as it was expected the step before, (n_steps + 1,): the last one is not observed yet.
    market
        The market whose paths begin after the last observed price.

    Raises
    ------
    NoLikelihood
        The market has no likelihood in closed form, or keeps past prices or states of each trader.
    """

    def __init__(self, market: Definition, prices: np.ndarray) -> None:
        prices = np.asarray(prices, dtype=np.float64)
        market = _at_level(market, float(prices[0]))
        program = Conditional(market)
        if program.lagged or market.GROUPS:
            raise NoLikelihood(
                f"The {market.title} with these terms keeps past prices or traders of its own, whose states are not "
                "followed yet."
            )
        logs, numbers, keys = np.log(prices), numbers_of(market), list(program.before)
        n, shown = len(logs) - 1, program.shown
        wanted = [*program.after.values(), program.residual, program.outputs["price"], *shown.values()]
        step = _as_function(wanted, keys, numbers, market)
        states = [float(v) for v in evaluate([program.starts[key] for key in keys], numbers, market)]
        before, rows = np.empty((n + 1, len(keys))), np.empty((n, len(wanted)))
        with np.errstate(all="ignore"):
            for t in range(n):
                before[t] = states
                rows[t] = step(logs[t + 1] - logs[0], t + 1.0, states)
                states = rows[t, : len(keys)].tolist()
        before[n] = states
        names = [*(name for _, name in keys), "residual", "density", *shown]
        table = dict(zip(names, rows.T, strict=True))
        self.residuals, self.densities = table.pop("residual"), table.pop("density")
        self.values = table
        ahead = _as_function([program.predicted], keys, numbers, market)
        draws, weights = np.polynomial.hermite_e.hermegauss(41)
        weights = weights / weights.sum()
        columns = [before[:, j : j + 1] for j in range(len(keys))]
        (levels,) = ahead(draws[None, :], np.arange(1.0, n + 2)[:, None], columns)
        returns = np.broadcast_to(levels, (n + 1, len(draws))) - (logs - logs[0])[:, None]
        self.means = returns @ weights
        self.deviations = np.sqrt(np.square(returns - self.means[:, None]) @ weights)
        # The residual rises or falls with the return; the probability is that of a smaller return.
        rising = np.sign(np.sum(self.residuals * (np.diff(logs) - self.means[:-1]))) or 1.0
        self.probabilities = ndtr(rising * self.residuals)
        self._ahead, self._last = (lambda age, states: float(ahead(0.0, age, states)[0])), before
        self._level, self._prices = market, prices
        self.market = self.begun(n)

    def begun(self, n: int) -> Definition:
        """The market whose paths begin after the first n returns, n at least 1."""
        # Paths count their age from 0 again: what the price has grown by age alone goes into the level.
        states, prices = self._last[n].tolist(), self._prices
        grown = self._ahead(float(n), states) - self._ahead(0.0, states)
        known = {name: float(values[n - 1]) for name, values in self.values.items()}
        level = _at_level(self._level, float(prices[0] * np.exp(grown)))
        return level.started(**known | {"price": float(prices[n])})


def _at_level(market: Definition, price: float) -> Definition:
    """The market with another initial price, and its other prices as much higher or lower."""
    if "initial_price" not in market.SPECS:
        return market
    factor = price / market.initial_price  # type: ignore[attr-defined]
    levels = {n: getattr(market, n) for n, spec in market.SPECS.items() if spec.unit == "price"}
    return market.replace(**{n: value * factor for n, value in levels.items() if value is not None})


def _as_function(nodes: list[Node], keys: list[Key], numbers: Numbers, market: Definition) -> Callable[..., tuple]:
    """A plain function of (observed, age, states in order) that gives the values of nodes, numbers or arrays."""
    names: dict[Node, str] = {}
    lines, fixed = [], {}
    order = {key: f"s[{j}]" for j, key in enumerate(keys)}
    for node in sorted(reach(nodes), key=lambda n: n.number):
        name = names[node] = f"v{node.number}"
        if not node.varies:
            fixed[name] = float(evaluate([node], numbers, market)[0])
        elif node.op in ("draw", "age", "state"):
            names[node] = order[node.args] if node.op == "state" else node.op
        else:
            lines.append(f"    {name} = {_PLAIN[node.op].format(*(names[a] for a in node.args))}")
    text = "\n".join(["def step(draw, age, s):", *lines, f"    return ({', '.join(names[n] for n in nodes)},)"])
    scope: dict[str, Any] = {"np": np, **fixed}
    exec(text, scope)  # our own text, of operations on the tape
    return scope["step"]


_PLAIN = {
    "+": "{} + {}", "-": "{} - {}", "*": "{} * {}", "/": "{} / {}", "<": "{} < {}", "<=": "{} <= {}",
    "negative": "-{}", "abs": "abs({})", "exp": "np.exp({})", "log": "np.log({})", "tanh_half": "np.tanh(0.5 * {})",
    "sinh": "np.sinh({})", "root": "np.sqrt(np.maximum({}, 0.0))", "where": "np.where({}, {}, {})",
    "sign": "np.where({0} >= {1}, 1.0, np.where({0} <= -{1}, -1.0, 0.0))",
}  # fmt: skip
