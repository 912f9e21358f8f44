"""From a derivative to the text of the reverse sweep's functions; conventions as in `simcal.definition.emit`.

The forward sweep keeps the states of every step, sums over groups, and the dear functions of paths; the rest is
computed again, trader by trader, which costs less than reading it from memory. Adjoints of states are rows of ``w``,
those of what each trader remembers rows of ``adjoints``.
"""

from __future__ import annotations

from simcal.definition.derivative import Derivative
from simcal.definition.emit import Emitter, taken, view
from simcal.definition.printer import Loop, Rows, Stages
from simcal.definition.program import Key
from simcal.definition.trace import DefinitionError, Node, reach

_DEAR = ("exp", "log", "tanh_half")
ARGUMENTS = "p, floor, z, row, lo, width, t, w, rings, rows, kept, memories, gradient, adjoints, changes, later, sums"


class ReverseEmitter(Emitter):
    """Text of ``keep``, ``recall``, ``back`` and ``finish`` beside that of the forward functions."""

    inlining = "PASTED"

    def __init__(self, derivative: Derivative) -> None:
        self.derivative, program = derivative, derivative.program
        self.results = [
            *derivative.before.values(),
            *(n for _, n in derivative.sinks),
            *(n for _, n in derivative.spread),
        ]
        self.first_new = next(
            (n.number for n in program.tape.nodes if n.op in ("adjoint", "price_gradient")), len(program.tape.nodes)
        )
        price_is_state = (None, "price") in program.before
        self.kept_nodes: list[Node] = [] if price_is_state else [program.outputs["price"]]
        self._after = {program.after[key]: key for key in program.after if program.after[key].op != "state"}
        while True:  # a node that is kept may spare others below it
            needed = reach([n for n in self.results if n.varies], stop=lambda n: not n.varies or self._ready(n))
            dear = [n for n in needed if self._worth_keeping(n) and n not in self.kept_nodes]
            if not dear:
                break
            self.kept_nodes += sorted(dear, key=lambda n: n.number)
        super().__init__(program, self.kept_nodes)
        needed = reach([n for n in self.results if n.varies], stop=lambda n: not n.varies or self._ready(n))
        read = {n.args if n.op == "state" else self._after.get(n) for n in needed} | {(None, "price")}
        self.kept_states = [key for key in self.states if key[1] not in self.rings and key in read]
        self.group_states = [key for key in program.before if key[0] is not None]
        for key in self.group_states:
            if key[0] in program.gates:
                raise DefinitionError(
                    f"A trader of {key[0]} remembers {key[1]} and has a first_step; use where(market.age >= ..., ..., "
                    "0) in its orders instead of first_step."
                )
        self.targets = list(dict.fromkeys(node for node, _ in derivative.sinks))
        self.back_rows = Rows("BACK_")
        for key in self.states:
            self.back_rows.of(("adjoint", key), f"d_{key[1]}")
        if (None, "price") not in self.states:
            self.back_rows.of("price", "d_price")

    def _ready(self, node: Node) -> bool:
        return node in self._after or node in self.kept_nodes

    def _worth_keeping(self, node: Node) -> bool:
        """Whether the forward sweep keeps it: sums over traders, and functions of paths that are dear to compute."""
        old = node.number < self.first_new and not self._ready(node)
        return old and (node.op == "total" or (node.op in _DEAR and node.group is None and node.varies))

    def load_back(self, node: Node) -> str | None:
        """As `load`, in the reverse."""
        op, args = node.op, node.args
        if op == "adjoint":
            return (
                f"w[{self.back_rows.of(('adjoint', args), 'd')} + lane]"
                if args[0] is None
                else f"{view('d', args)}[lane]"
            )
        if op == "price_gradient":
            return "g_price[lane]"
        if op == "state":
            return f"{view('b', args)}[lane]"
        if node in self._after:
            return f"{view('a', self._after[node])}[lane]"
        if node in self.kept_nodes:
            return f"e_{node.number}[lane]"
        if op == "outside":
            return "zero"
        if op == "age":
            return "real(t)"
        if op == "window" and node.group is None:
            return f"w[{self.back_rows.of(node, 'mean')} + lane]"
        return self.load(node)

    def _place_sum(self, node: Node) -> str:
        """Where the derivative in a number of the market or of traders is summed."""
        same = [n for n in self.targets if n.group == node.group]
        j = 0 if node.group is None else 2 * self.groups.index(node.group) + 2
        return f"sums[{j}][{same.index(node)}{', i' if node.group else ''}]"

    def keep_lines(self) -> list[str]:
        """Lines of ``keep(p, w, rows, kept, memories, t, lo, width)``."""
        lines = self.head("keep", "p, w, rows, kept, memories, t, lo, width")
        for j, what in enumerate([*self.kept_states, *self.kept_nodes]):
            row = self.row_of[what] if isinstance(what, tuple) else self.keep[what]
            lines += [
                f"    to = kept[{j}][t, lo:lo + width]",
                "    for lane in range(width):",
                f"        to[lane] = w[{row} + lane]",
            ]
        for j, (group, name) in enumerate(self.group_states):
            place = self.memory[group].index((group, name))
            lines += [
                f"    for i in range({group}_c.shape[1]):",
                f"        to, row = memories[{j}][i, t, lo:lo + width], {group}_rows[{place} * {group}_c.shape[1] + i]",
                "        for lane in range(width):", "            to[lane] = row[lane]",
            ]  # fmt: skip
        return lines

    def recall_lines(self) -> list[str]:
        """Lines of ``recall(p, w, rings, rows, lo, width, t)``: moving means at t, from the past itself."""
        self.rows, forward_rows = self.back_rows, self.rows
        lines = self.head("recall", "p, w, rings, rows, lo, width, t")
        for group in (None, *self.groups):
            windows = [n for n in self.program.windows() if n.group == group]
            text = self._means(windows, 8 if group else 4, turn=0)
            if group and windows:
                text = [f"    for i in range({group}_c.shape[1]):", *self._memories(group), *text]
            lines += text
        self.rows = forward_rows
        return lines

    def back_lines(self) -> list[str]:
        """Lines of ``back``: one step back; adjoints and means go from t to t - 1, ``sums`` get derivatives."""
        derivative = self.derivative
        self.rows, forward_rows = self.back_rows, self.rows
        stages = Stages(self.results, self.load_back)
        lines = self.head("back", ARGUMENTS, options="INLINED")
        if (None, "price") in self.states:
            row = self.back_rows.of(("adjoint", (None, "price")), "d")
            lines += ["    g_price = gradient[t, lo:lo + width]", "    for lane in range(width):",
                      f"        w[{row} + lane] += g_price[lane]"]  # fmt: skip
        else:
            lines.append("    g_price = gradient[t, lo:lo + width]")
        lines += ["    " + line for line in self._back_views(stages, None)]
        commits = {key: derivative.before.get(key) for key in self.states}
        crossing = stages.crossing()
        for at in range(stages.last + 1):
            if at % 2:
                lines += self._back_traders(stages, at)
                continue
            loop = Loop(self.coefficients, self.rows, stages, at)
            here = [n for n in crossing if stages.stage[n] == at and n.op != "total"]
            early = [
                n for n in commits.values() if n is not None and stages.stage.get(n, stages.last) == at < stages.last
            ]
            for node in sorted({*here, *early}, key=lambda n: n.number):
                loop.store(f"w[{self.rows.of(node, 'kept')} + lane]", node)
            self._sum(loop, stages, at, None)
            after = self._spread(loop, stages, at, None, 4)
            if at == stages.last:
                for key, node in commits.items():
                    row = f"w[{self.back_rows.of(('adjoint', key), 'd')} + lane]"
                    if node is None:
                        loop.stores.append(f"{row} = zero")
                    elif not (node.op == "adjoint" and node.args == key):
                        loop.store(row, node)
            lines += [*loop.text(4), *after]
        lines += self._means([n for n in stages.nodes if n.op == "window" and n.group is None], 4, turn=-1)
        lines += self._gather("t - 1")
        self.rows = forward_rows
        return lines

    def _back_views(self, stages: Stages, group: str | None) -> list[str]:
        lines = self._views(stages, group)
        lines = [line for line in lines if not line.startswith("s_")]
        for node in stages.nodes:
            if node.group != group:
                continue
            if node.op == "state" or node in self._after:
                key, past = (node.args, "t - 1") if node.op == "state" else (self._after[node], "t")
                name = view("b" if node.op == "state" else "a", key)  # type: ignore[arg-type]
                if group is not None:
                    lines.append(f"{name} = memories[{self.group_states.index(key)}][i, {past}, lo:lo + width]")  # type: ignore[arg-type]
                elif key[1] in self.rings:
                    lines.append(f"{name} = {self.ring(key[1])}[{past}, lo:lo + width]")  # type: ignore[arg-type]
                else:
                    lines.append(f"{name} = kept[{self.kept_states.index(key)}][{past}, lo:lo + width]")  # type: ignore[arg-type]
            elif node in self.kept_nodes:
                j = len(self.kept_states) + self.kept_nodes.index(node)
                lines.append(f"e_{node.number} = kept[{j}][t, lo:lo + width]")
        if group is not None:
            own = [key for key in self.group_states if key[0] == group]
            lines += [
                f"{view('d', key)} = adjoints[{self.groups.index(group)}][{j} * {group}_c.shape[1] + i]"
                for j, key in enumerate(own)
            ]
        return lines

    def _sum(self, loop: Loop, stages: Stages, at: int, group: str | None) -> None:
        """Sums over the lanes of a loop, which go to the derivatives in coefficients."""
        sums: dict[Node, str] = {}
        for target, part in self.derivative.sinks:
            ours = part.group == group and (stages.stage.get(part, stages.last if part.group is None else -1) == at)
            if part.op == "total":
                ours = group is None and at == stages.last
            if ours:
                name = sums.setdefault(target, f"sum{len(sums)}")
                loop.stores.append(f"{name} += {loop.name(part)}")
        for target, name in sums.items():
            loop.before[f"{name} = zero"] = None
            loop.after.append(f"{self._place_sum(target)} += {name}")

    def _spread(self, loop: Loop, stages: Stages, at: int, group: str | None, indent: int) -> list[str]:
        """Lines behind a loop that hand adjoints of means and lags to the past."""
        lines = []
        for node, part in self.derivative.spread:
            where = stages.stage.get(part, stages.last if part.group is None else at)
            if part.op == "total":
                where = stages.last
            if node.group != group or (group is None and where != at):
                continue
            state = node.args[0]
            j = self.rings.index(state)
            row = self.rows.of(("spread", node), "spread")
            loop.store(f"w[{row} + lane]", part)
            lines.append(f"depth = {self.ring(state)}.shape[0] - gradient.shape[0]")
            if node.op == "window":
                for sign, window in zip(node.args[2::2], node.args[3::2], strict=True):
                    lines.append(
                        f"spread(w[{row}:{row} + width], {self._whole(window)}, {sign}, changes[{j}], t, depth)"
                    )
            else:
                lines += [f"to = later[{j}][t - {self._whole(node.args[1])} + depth]",
                          "for lane in range(width):", f"    to[lane] += w[{row} + lane]"]  # fmt: skip
        return [" " * indent + line for line in lines]

    def _back_traders(self, stages: Stages, at: int) -> list[str]:
        """The loop over the traders of a group, in reverse."""
        group = stages.groups[at // 2]
        loop = Loop(self.coefficients, self.rows, stages, at)
        totals = [n for n in stages.computed if n.op == "total" and n.args[0] == group]
        for node in totals:
            loop.store(f"w[{self.rows.of(node, 'kept')} + lane]", node.args[1], "+=")
        self._sum(loop, stages, at, group)
        gated = group in self.program.gates
        after = self._spread(loop, stages, at, group, 12 if gated else 8)
        for key in self.group_states:
            if key[0] == group:
                node = self.derivative.before.get(key)
                if node is None:
                    loop.stores.append(f"{view('d', key)}[lane] = zero")
                elif not (node.op == "adjoint" and node.args == key):
                    loop.store(f"{view('d', key)}[lane]", node)
        rows = [f"w[{self.rows.of(node, 'kept')} + lane] = zero" for node in totals]
        lines = [
            f"    # the {group} traders",
            *(["    for lane in range(width):", *("        " + r for r in rows)] if rows else []),
        ]
        lines += [
            f"    for i in range({group}_c.shape[1]):",
            *("        " + x for x in self._back_views(stages, group)),
        ]
        if gated:
            lines += [f"        if t >= {self._whole(self.program.gates[group])}:", *loop.text(12), *after]
        else:
            lines += [*loop.text(8), *after]
        return lines + self._means([n for n in stages.nodes if n.op == "window" and n.group == group], 8, turn=-1)

    def _with(self, op: str) -> set[str]:
        """The states of which the reverse hands adjoints of means, or of lags, to the past."""
        return {node.args[0] for node, _ in self.derivative.spread if node.op == op}

    def _gather(self, at: str, only: str | None = None) -> list[str]:
        """Lines that add what means and lags have to say to the adjoints of values at time `at`."""
        lines = []
        for j, state in enumerate(self.rings):
            if only not in (None, state):
                continue
            row, sums = self.back_rows.of(("adjoint", (None, state)), "d"), self.back_rows.of(("means", state), "means")
            depth = f"rings[{j}].shape[0] - gradient.shape[0]"
            if state in self._with("window"):
                means = f"w[{sums}:{sums} + LANES]"
                lines.append(f"    gather_means(w[{row}:{row} + LANES], {means}, changes[{j}], {at}, {depth}, width)")
            if state in self._with("lag"):
                lines.append(f"    gather_lags(w[{row}:{row} + LANES], later[{j}], {at}, {depth}, width)")
        return lines

    def finish_lines(self) -> list[str]:
        """Lines of ``finish``: what lies before time 0 counts as the start; derivatives in starts are summed."""
        lines = self.head(
            "finish",
            "p, w, rings, lo, width, n_steps, gradient, adjoints, changes, later, sums",
            rows=False,
            options="INLINED",
        )
        lines.append("    g_price = gradient[0, lo:lo + width]")
        for j, state in enumerate(self.rings):
            lines += [f"    for s in range(-1, gradient.shape[0] - rings[{j}].shape[0] - 1, -1):",
                      *("    " + line for line in self._gather("s", state))]  # fmt: skip
        for j, key in enumerate(self.start_keys()):
            if key[0] is None:
                price = key == (None, "price")
                row = None if price and key not in self.states else self.back_rows.of(("adjoint", key), "d")
                value = "g_price[lane]" if row is None else f"w[{row} + lane]" + (" + g_price[lane]" if price else "")
                lines += [
                    "    total = zero",
                    "    for lane in range(width):",
                    f"        total += {value}",
                    f"    sums[1][{j}] += total",
                ]
        for g, group in enumerate(self.groups):
            for j, _ in enumerate(k for k in self.group_states if k[0] == group):
                lines += [
                    f"    for i in range({group}_c.shape[1]):",
                    f"        adjoint, total = adjoints[{g}][{j} * {group}_c.shape[1] + i], zero",
                    "        for lane in range(width):",
                    "            total += adjoint[lane]",
                    f"        sums[{2 * g + 3}][{j}, i] += total",
                ]
        return lines

    def start_keys(self) -> list[Key]:
        """The market's states, and the price, in the order in which derivatives in their starts are summed."""
        return [*self.states, *([] if (None, "price") in self.states else [(None, "price")])]

    def adjoint_lines(self) -> list[str]:
        """Lines of the functions that make the arrays of the reverse."""
        kinds = [sum(key[0] == g for key in self.group_states) for g in self.groups]
        parts = [f"np.zeros(({kind} * p[{2 * j + 2}].shape[1], lanes), w.dtype)" for j, kind in enumerate(kinds)]
        lines = [
            "@njit(**OPTIONS)",
            "def new_adjoints(p, lanes, w):",
            f"    return ({''.join(x + ', ' for x in parts)})",
        ]
        for name, op in (("new_changes", "window"), ("new_later", "lag")):
            parts = [
                f"np.zeros((rings[{j}].shape[0], lanes), w.dtype)"
                if s in self._with(op)
                else "np.zeros((1, 1), w.dtype)"
                for j, s in enumerate(self.rings)
            ]
            lines += [
                "@njit(**OPTIONS)",
                f"def {name}(rings, lanes, w):",
                f"    return ({''.join(x + ', ' for x in parts)})",
            ]
        return [*lines, *taken("sums_of", 2 * len(self.groups) + 2)]
