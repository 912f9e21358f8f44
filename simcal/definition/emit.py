"""From a program to the text of its compiled module: begin, step and, for gradients, keep and back.

The emitted functions share a few conventions. ``p`` is the market as tuples of arrays: real numbers ``c`` and whole
numbers ``n`` of the market, then the same pair for each group, (numbers, traders). ``w`` has the rows of a block, one
number per lane; ``rings`` the past of the states that are looked back at, row ``t % size`` for time t; ``rows`` what
each trader remembers and its moving means, (kinds * traders, lanes). ``z`` is noise, (steps, streams, paths), of which
the block's part starts at path ``lo``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simcal.definition.printer import Coefficients, Loop, Rows, Stages, literal
from simcal.definition.program import Key, Program
from simcal.definition.trace import Node


class Emitter:
    """Text of the functions of one program.

    Parameters
    ----------
    program
        The program.
    keep
        Nodes that every step lays down in rows beside the states and the price: outputs, or what a reverse will read.
    """

    inlining = "STEP"  # how its functions come into the loops around them, see `simcal.definition.lanes`

    def __init__(self, program: Program, keep: Sequence[Node] = ()) -> None:
        self.program, self.market = program, program.market
        self.groups = list(self.market.GROUPS)
        self.coefficients, self.rows = Coefficients(self.groups), Rows()
        self.states = [key for key in program.before if key[0] is None]
        self.rings = sorted(program.lagged)
        self.row_of = {key: self.rows.of(key, key[1]) for key in self.states}
        self.price = self.row_of.get((None, "price")) or self.rows.of("price", "price")
        self.keep = {
            node: self._kept_row(node) for node in dict.fromkeys([program.outputs["price"], *keep]) if node.varies
        }
        windows = program.windows()
        self.memory: dict[str | None, list[object]] = {g: [] for g in (None, *self.groups)}
        for group, name in program.before:
            if group is not None:
                self.memory[group].append((group, name))
        for node in windows:
            self.memory[node.group].append(node)

    def _kept_row(self, node: Node) -> str:
        """The row of a node after the step; a state's own where it is one."""
        if node is self.program.outputs["price"]:
            return self.price
        own = [key for key in self.states if self.program.after[key] is node]
        return self.row_of[own[0]] if own else self.rows.of(node, "kept")

    # What a loop reads instead of computing it.

    def load(self, node: Node) -> str | None:
        op, args = node.op, node.args
        if op == "state":
            return f"w[{self.row_of[args]} + lane]" if args[0] is None else f"{view('s', args)}[lane]"
        if op == "draw":
            return f"{view('z', args)}[lane]"
        if op == "outside":
            return "outside[lane]"
        if op == "age":
            return "real(ages[lane])"
        if op == "lag":
            return f"past_{node.number}[lane]"
        if op == "window":
            return f"mean_{node.number}[lane]" if node.group else f"w[{self.rows.of(node, 'mean')} + lane]"
        return None

    def _whole(self, node: Node) -> str:
        """A whole number of the market or of a trader."""
        if node.op == "constant":
            return str(int(node.args[0]))
        place = self.coefficients.place_whole(node)
        return f"{node.group}_n[{place}, i]" if node.group else f"n[{place}]"

    def ring(self, state: str) -> str:
        """The past of a state."""
        return f"rings[{self.rings.index(state)}]"

    def _views(self, stages: Stages, group: str | None) -> list[str]:
        """Lines that name the draws, past values and memories which the loops of a group, or of the market, read."""
        lines = []
        for node in stages.nodes:
            if node.group != group:
                continue
            op, args = node.op, node.args
            if op == "draw":
                number = self.program.streams[args]
                stream = str(number) if group is None else f"{self._whole(self._stream(args))} + i"
                lines.append(f"{view('z', args)} = z[row, {stream}, lo:lo + width]")
            elif op == "lag":
                at = f"(t - {self._whole(args[1])} + {self.ring(args[0])}.shape[0]) % {self.ring(args[0])}.shape[0]"
                lines.append(f"past_{node.number} = {self.ring(args[0])}[{at}, lo:lo + width]")
        if group is not None:
            lines += [line.strip() for line in self._memories(group)]
        return lines

    def _memories(self, group: str) -> list[str]:
        """Lines that name what a trader remembers and its moving means."""
        lines = []
        for j, what in enumerate(self.memory[group]):
            name = f"mean_{what.number}" if isinstance(what, Node) else view("s", what)  # type: ignore[arg-type]
            lines.append(f"        {name} = {group}_rows[{j} * {group}_c.shape[1] + i]")
        return lines

    def _stream(self, key: Key) -> Node:
        """The first stream of a group's draw, as a whole number of the market: it moves with the groups before."""
        return self.program.tape.add("stream", *key)

    def _means(self, nodes: list[Node], indent: int, turn: int = 1) -> list[str]:
        """Lines that roll moving means on by one step (`turn` 1) or back (-1), or sum them anew (0)."""
        lines: list[str] = []
        for node in nodes:
            state, exact, *terms = node.args
            pairs = list(zip(terms[::2], terms[1::2], strict=True))
            ring = self.ring(state)
            mean = (
                f"mean_{node.number}"
                if node.group
                else f"w[{self.rows.of(node, 'mean')}:{self.rows.of(node, 'mean')} + LANES]"
            )
            lines += [f"size, m = {ring}.shape[0], {mean}", f"last = {ring}[(t - 1) % size, lo:lo + width]"]
            roll, anew = [], []
            for k, (_, window) in enumerate(pairs):
                length = self._whole(window)
                lines.append(f"l{k} = {length}")
                roll += [
                    f"leaves{k} = {ring}[(t - 1 - l{k} + size) % size, lo:lo + width]",
                    f"per{k} = real({turn} / l{k})",
                ]
                total = self.rows.of(("sum", k), "sum")
                anew.append(f"sum_recent(w[{total}:{total} + LANES], {ring}, t, l{k}, lo, width)")
            signs = ["+" if sign > 0 else "-" for sign, _ in pairs]
            change = " ".join(f"{s} (last[lane] - leaves{k}[lane]) * per{k}" for k, s in enumerate(signs))
            sums = [f"w[{self.rows.of(('sum', k), 'sum')} + lane] / real(l{k})" for k in range(len(pairs))]
            level = sum(sign for sign, _ in pairs)
            summed = " ".join(f"{s} {x}" for s, x in zip(signs, sums, strict=True)).removeprefix("+ ")
            summed += f" + {level} * last[lane]" if level else ""
            roll += ["for lane in range(width):", f"    m[lane] += {change.removeprefix('+ ')}"]
            anew += ["for lane in range(width):", f"    m[lane] = {summed}"]
            if turn < 0:
                lines += roll
            elif exact or turn == 0:
                lines += anew
            else:
                lines += ["if t % REFRESH == 0:", *("    " + x for x in anew), "else:", *("    " + x for x in roll)]
        return [" " * indent + line for line in lines]

    def head(self, name: str, arguments: str, *, rows: bool = True, options: str = "") -> list[str]:
        """The first lines of an emitted function."""
        lines = [
            f"@njit(**{options or self.inlining})", f"def {name}({arguments}):",
            "    real = w.dtype.type", "    zero, one, half = real(0), real(1), real(0.5)",
            "    width = min(width, LANES)", "    c, n = p[0], p[1]",
        ]  # fmt: skip
        for j, group in enumerate(self.groups):
            lines.append(f"    {group}_c, {group}_n = p[{2 * j + 2}], p[{2 * j + 3}]")
            lines += [f"    {group}_rows = rows[{j}]"] if rows else []
        return lines

    # The functions.

    def begin(self) -> list[str]:
        """Lines of ``begin(p, w, rings, rows, lo, width)``: a block before its first step."""
        program, lines = self.program, self.head("begin", "p, w, rings, rows, lo, width")
        rows = {**self.row_of, **({} if (None, "price") in self.row_of else {(None, "price"): self.price})}
        for key, row in rows.items():
            lines.append(f"    w[{row}:{row} + LANES] = {self._start(key)}")
        for name, node in program.outputs.items():
            if node in self.keep and name != "price" and self.keep[node] not in rows.values():
                lines.append(f"    w[{self.keep[node]}:{self.keep[node]} + LANES] = {self._start((None, name))}")
        for state in self.rings:
            lines.append(f"    {self.ring(state)}[:, lo:lo + width] = {self._start((None, state))}")
        for node in program.windows():
            level = sum(node.args[2::2])
            value = f"{level} * {self._start((None, node.args[0]))}" if level else "zero"
            if node.group is None:
                row = self.rows.of(node, "mean")
                lines.append(f"    w[{row}:{row} + LANES] = {value}")
        for group in self.groups:
            body = []
            for j, what in enumerate(self.memory[group]):
                if isinstance(what, Node):
                    level = sum(what.args[2::2])
                    value = f"{level} * {self._start((None, what.args[0]))}" if level else "zero"
                else:
                    value = self._start(what)  # type: ignore[arg-type]
                body.append(f"        {group}_rows[{j} * {group}_c.shape[1] + i, :] = {value}")
            lines += [f"    for i in range({group}_c.shape[1]):", *body] if body else []
        return lines

    def _start(self, key: Key) -> str:
        node = self.program.starts[key]
        if node.op == "constant":
            return literal(node)
        place = self.coefficients.place(node)
        return f"{node.group}_c[{place}, i]" if node.group else f"c[{place}]"

    def step(self) -> list[str]:
        """Lines of ``step(p, z, row, lo, width, t, oldest, youngest, ages, w, rings, rows, outside)``."""
        program = self.program
        commits: dict[Key | str, Node] = {key: program.after[key] for key in self.states}
        if (None, "price") not in self.row_of:
            commits["price"] = program.outputs["price"]
        group_states = {key: node for key, node in program.after.items() if key[0] is not None}
        stages = Stages([*commits.values(), *self.keep, *group_states.values()], self.load)
        lines = self.head("step", "p, z, row, lo, width, t, oldest, youngest, ages, w, rings, rows, outside")
        lines += ["    " + line for line in self._views(stages, None)]
        lines += self._means([n for n in stages.nodes if n.op == "window" and n.group is None], 4)
        crossing = stages.crossing() | {n for n in commits.values() if stages.stage.get(n, stages.last) < stages.last}
        self._write_in_place(stages, commits)
        for at in range(stages.last + 1):
            if at % 2:
                lines += self._traders(stages, at, group_states)
                continue
            loop, stored = Loop(self.coefficients, self.rows, stages, at), set()
            here = [n for n in crossing if stages.stage[n] == at and n.op != "total"]
            for node in sorted(here, key=lambda n: n.number):
                stored.add(loop.store(f"w[{self.rows.of(node, 'kept')} + lane]", node))
            rows = {self.keep[n]: n for n in self.keep if stages.stage.get(n, stages.last) == at and n.op != "total"}
            if at == stages.last:
                rows |= {self.price if key == "price" else self.row_of[key]: n for key, n in commits.items()}  # type: ignore[index]
            for row, node in rows.items():
                before = node.op == "state" and self.row_of.get(node.args) == row  # type: ignore[call-overload]
                earlier = stages.stage.get(node, at) < at and self.rows.offsets.get(node) == row
                if not before and not earlier and f"w[{row} + lane]" not in stored:
                    loop.store(f"w[{row} + lane]", node)
            lines += loop.text(4)
        for state in self.rings:
            row = self.row_of[None, state]
            lines += [
                f"    now = {self.ring(state)}[t % {self.ring(state)}.shape[0], lo:lo + width]",
                "    for lane in range(width):", f"        now[lane] = w[{row} + lane]",
            ]  # fmt: skip
        return lines

    def _write_in_place(self, stages: Stages, commits: dict[Key | str, Node]) -> None:
        """States that are known early, and whose old value nobody reads later, are laid down where they belong."""
        reads: dict[object, int] = {}
        for node in stages.computed:
            for a in node.args:
                if isinstance(a, Node) and a.op == "state":
                    reads[a.args] = max(reads.get(a.args, -1), stages.stage[node])
        for key, node in commits.items():
            at = stages.stage.get(node, stages.last)
            if (
                key != "price"
                and node.op != "total"
                and reads.get(key, -1) <= at < stages.last
                and node not in self.rows.offsets
            ):
                self.rows.offsets[node] = self.row_of[key]  # type: ignore[index]

    def _traders(self, stages: Stages, at: int, group_states: dict[Key, Node]) -> list[str]:
        """The loop over the traders of a group, forward."""
        group = stages.groups[at // 2]
        totals = [n for n in stages.computed if n.op == "total" and n.args[0] == group]
        states = {key: node for key, node in group_states.items() if key[0] == group}
        plain, masked = (Loop(self.coefficients, self.rows, stages, at) for _ in range(2))
        for node in totals:
            row = f"w[{self.rows.of(node, 'kept')} + lane]"
            plain.store(row, node.args[1], "+=")
            masked.stores.append(f"{row} += {masked.name(node.args[1])} if ages[lane] >= first else zero")
        for key, node in states.items():
            if node is not self.program.before[key]:
                plain.store(f"{view('s', key)}[lane]", node)
        rows = [f"w[{self.rows.of(node, 'kept')} + lane] = zero" for node in totals]
        lines = [f"    # the {group} traders", "    for lane in range(width):", *("        " + row for row in rows)]
        lines += [f"    for i in range({group}_c.shape[1]):", *("        " + x for x in self._views(stages, group))]
        lines += self._means([n for n in stages.nodes if n.op == "window" and n.group == group], 8)
        if group not in self.program.gates:
            return lines + plain.text(8)
        lines.append(f"        first = {self._whole(self.program.gates[group])}")
        return [
            *lines,
            "        if youngest >= first:",
            *plain.text(12),
            "        elif oldest >= first:",
            *masked.text(12),
        ]

    def check(self) -> list[str]:
        """Lines of ``check(w, failed, ages)``, which notes paths whose numbers are no longer usable."""
        price = f"w[{self.price}:{self.price} + LANES]"
        rows = [self.row_of[key] for key in self.program.checked if key[0] is None] or [self.price]
        return ["@njit(**STEP)", "def check(w, failed, ages):",
                *(f"    note_failures({price}, w[{row}:{row} + LANES], failed, ages)" for row in rows)]  # fmt: skip

    def memory_lines(self) -> list[str]:
        """Lines of the functions that make the memories of a block, or take one block of many."""
        rings = _tuple(f"np.empty((sizes[{j + 1}], lanes), like.dtype)" for j in range(len(self.rings)))
        rows = _tuple(
            f"np.zeros(({len(self.memory[g])} * p[{2 * j + 2}].shape[1], lanes), w.dtype)"
            for j, g in enumerate(self.groups)
        )
        return [
            "@njit(**OPTIONS)", "def new_rows(p, lanes, w):", f"    return {rows}",
            "@njit(**OPTIONS)", "def new_memory(p, sizes, lanes, like):",
            f"    return {rings}, new_rows(p, lanes, like)",
            *taken("rings_of", len(self.rings)), *taken("rows_of", len(self.groups)),
        ]  # fmt: skip


def view(what: str, key: Key) -> str:
    """The name of a row of a state or draw in emitted code; traders may call theirs as the market does."""
    return f"{what}_{key[0]}_{key[1]}" if key[0] else f"{what}_{key[1]}"


def _tuple(parts: Iterable[str]) -> str:
    return "(" + "".join(f"{part}, " for part in parts) + ")"


def taken(name: str, count: int) -> list[str]:
    """Lines of a function that takes one block of every array of a tuple."""
    return [
        "@njit(**OPTIONS)",
        f"def {name}(arrays, block):",
        f"    return {_tuple(f'arrays[{j}][block]' for j in range(count))}",
    ]
