"""From nodes to the text of loops: which loop computes what, what stays in a local variable, what is laid in a row.

Paths are taken in blocks of lanes, and the innermost loop always runs over the lanes of a block, so that it becomes
vector instructions. Work is laid out in stages that take turns: one fused loop over lanes for numbers of paths, then a
loop over the traders of one group, inside which one fused loop over lanes computes what that trader does.

Rows that loops hand to each other lie in one flat array ``w`` at constant offsets. That is not for beauty: the compiler
can prove that rows at constant distances of one array do not overlap, while many separate arrays would each need a
check when the loop is entered, and beyond a few of these it gives up and the loop silently is not vectorised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from simcal.definition.trace import DefinitionError, Node, reach

_TEXT = {
    "+": "{} + {}", "-": "{} - {}", "*": "{} * {}", "/": "{} / {}", "<": "{} < {}", "<=": "{} <= {}",
    "negative": "-{}", "same": "{}", "abs": "abs({})", "exp": "exponential({})", "log": "math.log({})",
    "tanh_half": "tanh_half({})", "sinh": "(half * (exponential({0}) - exponential(-{0})))",
    "root": "math.sqrt(zero if {0} < zero else {0})", "where": "({1} if {0} else {2})",
    "root_slope": "(zero if {0} <= zero else half / (floor if {0} < floor else {0}))",
    "sign": "(one if {0} >= {1} else (-one if {0} <= -{1} else zero))",
}  # fmt: skip
_COMPARISONS = ("<", "<=")


class Coefficients:
    """Numbers that are computed outside the loops, and their places in the arrays that the loops get."""

    def __init__(self, groups: Sequence[str]) -> None:
        self.nodes: dict[str | None, list[Node]] = {None: [], **{g: [] for g in groups}}  # real numbers
        self.whole: dict[str | None, list[Node]] = {None: [], **{g: [] for g in groups}}  # whole numbers

    def place(self, node: Node) -> int:
        """Where a real number stands among those of its group."""
        return _place(self.nodes[node.group], node)

    def place_whole(self, node: Node) -> int:
        """Where a whole number stands among those of its group."""
        return _place(self.whole[node.group], node)


def _place(nodes: list[Node], node: Node) -> int:
    if node not in nodes:
        nodes.append(node)
    return nodes.index(node)


def literal(node: Node) -> str:
    """A constant as it stands in emitted code."""
    value = node.args[0]
    return f"real({value!r})" if math.isfinite(value) else f"real(float({str(value)!r}))"


class Rows:
    """Offsets of rows in ``w``, by whatever names them; `prefix` keeps the names of two sets apart."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.offsets: dict[object, str] = {}

    def of(self, what: object, name: str) -> str:
        """The constant that holds the offset of a row, made where there is none yet."""
        if what not in self.offsets:
            self.offsets[what] = f"{self.prefix}{name.upper()}_{len(self.offsets)}"
        return self.offsets[what]

    def lines(self) -> list[str]:
        """The constants as they stand at the top of the emitted module."""
        names = list(dict.fromkeys(self.offsets.values()))  # two may share a row
        return [*(f"{name} = {i} * LANES" for i, name in enumerate(names)), f"{self.prefix}ROWS = {len(names)}"]


class Stages:
    """The loops that compute some nodes.

    Parameters
    ----------
    roots
        The nodes to compute, in any order.
    load
        (node) -> text with ``lane`` in it, for what is read instead of computed; None for the rest. Numbers of the
        market are never asked for.
    """

    def __init__(self, roots: Sequence[Node], load: Callable[[Node], str | None]) -> None:
        self.load = load
        found = reach([r for r in roots if r.varies], stop=lambda n: not n.varies or load(n) is not None)
        self.nodes = sorted((n for n in found if n.varies), key=lambda n: n.number)
        self.computed = [n for n in self.nodes if load(n) is None]
        self.groups: list[str] = []
        for node in self.computed:
            group = node.args[0] if node.op == "total" else node.group
            if group is not None and group not in self.groups:
                self.groups.append(group)
        self.last = 2 * len(self.groups)
        self.stage = self._latest(self._earliest())

    def own(self, group: str) -> int:
        """The stage of a group."""
        return 2 * self.groups.index(group) + 1

    def _earliest(self) -> dict[Node, int]:
        earliest: dict[Node, int] = {}
        for node in self.computed:
            args = [a for a in node.args if isinstance(a, Node) and a in earliest]
            if node.op == "total":
                earliest[node] = self.own(node.args[0])
            elif node.group is not None:
                earliest[node] = self.own(node.group)
                if any(earliest[a] + (a.op == "total") > earliest[node] for a in args if a.group is None):
                    raise DefinitionError(
                        f"The traders of {node.group} need what is known only after they, or a group behind them, have "
                        "ordered; ask for the orders of the groups one after the other."
                    )
            else:
                earliest[node] = max((earliest[a] + (a.op == "total") for a in args), default=0)
        return earliest

    def _latest(self, earliest: dict[Node, int]) -> dict[Node, int]:
        """As late as the first user allows, so that few rows are laid down in between."""
        stage = dict(earliest)
        users: dict[Node, list[Node]] = {}
        for node in self.computed:
            for a in node.args:
                if isinstance(a, Node):
                    users.setdefault(a, []).append(node)
        for node in reversed(self.computed):
            if node.op != "total" and node.group is None:
                by = [stage[u] - (stage[u] % 2) for u in users.get(node, [])]
                stage[node] = max(earliest[node], min(by, default=self.last))
        return stage

    def crossing(self) -> set[Node]:
        """Numbers of paths that another stage than their own reads."""
        found = {n for n in self.computed if n.op == "total"}
        for node in self.computed:
            for a in node.args:
                ours = isinstance(a, Node) and a in self.stage and a.group is None and a.op not in _COMPARISONS
                if ours and self.stage[a] != self.stage[node]:
                    found.add(a)
        return found


class Loop:
    """One fused loop over lanes: nodes as local variables, then what is stored."""

    def __init__(self, coefficients: Coefficients, rows: Rows, stages: Stages, at: int) -> None:
        self.coefficients, self.rows, self.stages, self.at = coefficients, rows, stages, at
        self.lines: list[str] = []
        self.names: dict[Node, str] = {}
        self.before: dict[str, None] = {}  # lines in front of the loop, such as those that load coefficients
        self.stores: list[str] = []
        self.after: list[str] = []

    def name(self, node: Node) -> str:
        """The local variable, or the expression, that holds a node."""
        if node in self.names:
            return self.names[node]
        if not node.varies:
            return self._coefficient(node)
        text = self.stages.load(node)
        here = self.stages.stage.get(node) == self.at and node.op != "total"
        if text is None and not here and node.op not in _COMPARISONS:
            text = f"w[{self.rows.of(node, 'kept')} + lane]"
        if text is None:
            args = [self.name(a) for a in node.args if isinstance(a, Node)]
            text = _TEXT[node.op].format(*args)
            if node.op in _COMPARISONS:  # not laid down: said again where it is used
                return f"({text})"
        self.names[node] = name = f"v{node.number}"
        self.lines.append(f"{name} = {text}")
        return name

    def _coefficient(self, node: Node) -> str:
        if node.op == "constant":
            self.names[node] = name = f"k{node.number}"
            self.before[f"{name} = {literal(node)}"] = None
        else:
            name = f"k{node.number}_{node.args[0]}" if node.op == "parameter" else f"k{node.number}"
            self.names[node] = name
            place = self.coefficients.place(node)
            array = f"{node.group}_c[{place}, i]" if node.group else f"c[{place}]"
            self.before[f"{name} = {array}"] = None
        return name

    def store(self, row: str, node: Node, how: str = "=") -> str:
        """Lay a node down, at the end of the loop; returns the row."""
        self.stores.append(f"{row} {how} {self.name(node)}")
        return row

    def text(self, indent: int) -> list[str]:
        """The loop, with what it needs in front of it and, after it, what it summed."""
        if not self.stores:
            return []
        pad, body = " " * indent, " " * (indent + 4)
        return [
            *(pad + line for line in self.before),
            f"{pad}for lane in range(width):",
            *(body + line for line in [*self.lines, *self.stores]),
            *(pad + line for line in self.after),
        ]
