"""The transpose of a step, written on the same tape: derivatives of a loss, one step back.

"Adjoint" is the derivative of the loss in a quantity. Going through the nodes from the last to the first, the adjoint
of each is the sum of what its users hand down; the rule of each operation stands in `_hand_down` and nowhere else, for
numbers of paths, of traders and of the market alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from simcal.definition.functions import exp, tanh_half, where
from simcal.definition.program import Key, Numbers, Program, evaluate
from simcal.definition.trace import Node, reach


class Derivative:
    """The reverse of a program's step.

    Parameters
    ----------
    program
        The program; its tape gets the nodes of the reverse.
    wanted
        Parameters in which derivatives are asked for.

    Attributes
    ----------
    before
        Adjoints of the states before the step, by (group, name); what is missing has none.
    sinks
        (number of the market or of traders, node): the derivative in the first is the sum of the second over paths.
    spread
        (window or lag, node): the adjoint of a node that looks at past values.
    active
        States with an adjoint at all.
    """

    def __init__(self, program: Program, wanted: frozenset[str]) -> None:
        self.program, self.wanted, self.tape = program, wanted, program.tape
        self.sinks: list[tuple[Node, Node]] = []
        self.spread: list[tuple[Node, Node]] = []
        self._forward = list(self.tape.nodes)
        self.active = self._active_states()
        price = program.outputs["price"]
        adjoints: dict[Node, Node] = {}
        for key in sorted(self.active, key=str):
            symbol = self.tape.add("adjoint", *key, group=key[0], varies=True)
            self._add(adjoints, program.after[key], symbol)
        # A price that is a state has the loss's own derivative in its adjoint already: it may be asked for later on.
        if (None, "price") not in program.before:
            self._add(adjoints, price, self.tape.add("price_gradient", varies=True))
        moving = self._moving(self.active)
        needed = reach([price, *(program.after[key] for key in self.active)])
        for node in reversed(self._forward):
            if node in adjoints and node in needed and node in moving:
                if node.op in ("lag", "window"):
                    part = adjoints[node]
                    self.spread.append((node, self.tape.each(node.group, part) if node.group else part))
                for argument, part in _hand_down(node, adjoints[node]):
                    if argument in moving:
                        self._give(adjoints, argument, part)
        self.before: dict[Key, Node] = {
            key: self.tape.each(key[0], adjoints[node]) if key[0] else adjoints[node]
            for key, node in program.before.items() if key in self.active and node in adjoints
        }  # fmt: skip

    def _active_states(self) -> set[Key]:
        """States that move with a wanted parameter, through their start or through the step."""
        program = self.program
        active = {key for key in program.before if self._wants(program.starts[key])}
        while True:
            moving = self._moving(active)
            more = {key for key, node in program.after.items() if node in moving} | active
            if more == active:
                return active
            active = more

    def _wants(self, node: Node) -> bool:
        return any(n.op == "parameter" and n.args[0] in self.wanted for n in reach([node]))

    def _moving(self, active: set[Key]) -> set[Node]:
        """The nodes that depend on a wanted parameter or on an active state."""
        moving: set[Node] = set()
        for node in self._forward:
            own = (
                (node.op == "parameter" and node.args[0] in self.wanted)
                or (node.op == "state" and node.args in active)
                or (node.op in ("lag", "window") and (None, node.args[0]) in active)
            )
            if own or any(a in moving for a in node.args if isinstance(a, Node)):
                moving.add(node)
        return moving

    def _give(self, adjoints: dict[Node, Node], argument: Node, part: Node) -> None:
        if not argument.varies:
            self.sinks.append((argument, self.tape.each(argument.group, part) if argument.group else part))
            return
        if argument.group is None and part.group is not None:
            part = self.tape.total(part.group, part)
        self._add(adjoints, argument, part)

    def _add(self, adjoints: dict[Node, Node], node: Node, part: Node) -> None:
        adjoints[node] = adjoints[node] + part if node in adjoints else part

    def in_parameters(self, sums: dict[Node, np.ndarray], starts: dict[Key, np.ndarray], numbers: Numbers) -> Numbers:
        """Derivatives in the wanted parameters.

        Parameters
        ----------
        sums
            The derivatives in the first nodes of `sinks`.
        starts
            Derivatives in the states at time 0, and under (None, "price") that in the price at time 0.
        numbers
            Every parameter, as of `numbers_of`.
        """
        program, tape = self.program, self.tape
        seeds: list[np.ndarray] = []
        adjoints: dict[Node, Node] = {}

        def seed(node: Node, value: np.ndarray) -> None:
            seeds.append(value)
            self._add(adjoints, node, tape.add("seed", len(seeds) - 1, group=node.group))

        for node, value in sums.items():
            seed(node, value)
        for key, value in starts.items():
            seed(program.starts[key], value if program.starts[key].group else value.sum())
        for node in sorted((n for n in self._forward if not n.varies), key=lambda n: -n.number):
            if node in adjoints and node.op not in ("parameter", "constant"):
                for argument, part in _hand_down(node, adjoints[node]):
                    if argument.group is None and part.group is not None:
                        part = tape.add("traders", part)
                    self._add(adjoints, argument, part)
        names = [n for n in self._forward if n.op == "parameter" and n in adjoints and n.args[0] in self.wanted]
        values = evaluate([adjoints[n] for n in names], numbers, program.market, seed=seeds)
        zero = {name: np.zeros_like(numbers[name]) for name in self.wanted if name in numbers}
        return zero | {n.args[0]: value for n, value in zip(names, values, strict=True)}


def _hand_down(node: Node, g: Node) -> Iterator[tuple[Node, Node]]:
    """(argument, what it gets) of a node with adjoint `g`."""
    op, args = node.op, [a for a in node.args if isinstance(a, Node)]
    x: Any = args[0] if args else None
    if op == "+":
        yield from ((a, g) for a in args)
    elif op == "-":
        yield x, g
        yield args[1], -g
    elif op == "*":
        yield x, g * args[1]
        yield args[1], g * x
    elif op == "/":
        by_numerator = g / args[1]
        yield x, by_numerator
        yield args[1], -(by_numerator * node)
    elif op == "negative":
        yield x, -g
    elif op == "abs":
        yield x, where(x < 0.0, -g, g)
    elif op == "exp":
        yield x, g * node
    elif op == "log":
        yield x, g / x
    elif op == "tanh_half":
        yield x, g * 0.5 * (1.0 - node * node)
    elif op == "sinh":
        yield x, g * 0.5 * (exp(x) + exp(-x))
    elif op == "root":
        yield x, g * node.tape.operate("root_slope", node)
    elif op == "**":
        yield x, g * (args[1] * x ** (args[1].args[0] - 1.0))
    elif op == "where":
        yield args[1], where(x, g, 0.0)
        yield args[2], where(x, 0.0, g)
    elif op == "sign" and len(args) == 3:
        soft = tanh_half(args[2] * x)
        yield x, g * args[2] * 0.5 * (1.0 - soft * soft)
    elif op in ("total", "same"):
        yield x, g
