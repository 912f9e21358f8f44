"""A market's compiled simulation: blocks of lanes in threads, the noise made in place, only what is saved stored."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from simcal.definition.compiled import kernel_module
from simcal.definition.emit import Emitter
from simcal.definition.lanes import LANES, U32, U64
from simcal.definition.language import Definition
from simcal.definition.program import Numbers, Program, evaluate, numbers_of
from simcal.definition.trace import Node
from simcal.noise.counters import key_of
from simcal.threads import check_threads, run, split


class Kernel:
    """The compiled functions of a market; use `kernel_of`, which keeps them.

    Attributes
    ----------
    names
        What can be saved: ``"price"``, and where `outputs` is true every output and state.
    """

    def __init__(self, market: Definition, *, outputs: bool) -> None:
        self.market, self.program = market, Program(market)
        self.names = ["price", *market.OUTPUTS] if outputs else ["price"]
        self.emitter = Emitter(self.program, [self.program.outputs[name] for name in self.names[1:]] if outputs else [])
        keep = self.emitter.keep
        # What is the same at every step on every path is no row; `constants` has it.
        saved = [keep.get(self.program.outputs[name], self.emitter.price) for name in self.names]
        self.module = kernel_module(self.emitter, saved)
        self.depths = depths_of(self.program)
        self.sizes = np.array([self.program.draws_per_step, *(d + 1 for d in self.depths.values())], np.int64)

    @property
    def fixed(self) -> dict[str, Node]:
        """Outputs that are numbers of the market, the same on every path."""
        return {name: node for name in self.names if not (node := self.program.outputs[name]).varies}

    def row(self, name: str) -> slice | None:
        """Where in ``w`` a state or output stands; None where there is no such row."""
        emitter, program = self.emitter, self.program
        row = emitter.row_of.get((None, name))
        if row is None and name in program.outputs:
            row = emitter.keep.get(program.outputs[name])
        if row is None:
            return None
        begin = getattr(self.module, row)
        return slice(begin, begin + LANES)


@functools.lru_cache(maxsize=64)
def kernel_of(market: Definition, *, outputs: bool = False) -> Kernel:
    """The compiled functions of a market, with rows for its outputs or without."""
    return Kernel(market, outputs=outputs)


def depths_of(program: Program) -> dict[str, int]:
    """How many steps back each state is looked at."""
    depths = dict.fromkeys(sorted(program.lagged), 1)
    for node in program.tape.nodes:
        if node.op in ("lag", "window"):
            steps = [_whole(program, a) for a in node.args if isinstance(a, Node)]
            depths[node.args[0]] = max(depths[node.args[0]], *(int(np.max(s, initial=1)) for s in steps))
    return depths


def _whole(program: Program, node: Node) -> Any:
    """A whole number of the market, or (count,) of a group's traders."""
    if node.op == "stream":
        return program.streams[node.args]  # type: ignore[index]
    if node.op == "constant":
        return int(node.args[0])
    market, name = program.market, node.args[0]
    return market.vector(name).astype(np.int64) if node.group else int(getattr(market, name))


def pack(emitter: Emitter, numbers: Numbers, dtype: Any) -> tuple[np.ndarray, ...]:
    """The market as emitted functions want it: real and whole numbers of the market, then those of each group."""
    market, found = emitter.market, []
    for group in (None, *emitter.groups):
        count = getattr(market, f"n_{group}") if group else None
        shape = () if count is None else (count,)
        real = evaluate(emitter.coefficients.nodes[group], numbers, market)
        whole = [np.broadcast_to(_whole(emitter.program, n), shape) for n in emitter.coefficients.whole[group]]
        found += [
            np.array(real, dtype=np.float64).reshape((len(real), *shape)).astype(dtype),
            np.array(whole, dtype=np.int64).reshape((len(whole), *shape)),
        ]
    return tuple(found)


def simulate_chunk(
    market: Definition,
    seed: int,
    first_path: int,
    n_paths: int,
    n_steps: int,
    *,
    save: Sequence[str],
    every: int,
    burn_in: int,
    dtype: str,
    threads: int | None,
) -> dict[str, np.ndarray]:
    """Prices, what is saved and the failed step of each path; arguments as of `simcal.simulate`, which checks them."""
    kernel = kernel_of(market, outputs=bool(save))
    wanted = ["price", *save]
    out = np.empty((len(wanted), n_paths, n_steps // every + 1), dtype)
    failed = np.empty(n_paths, np.int64)
    numbers = numbers_of(market)
    fixed = kernel.fixed
    slots = np.array([wanted.index(n) if n in wanted and n not in fixed else -1 for n in kernel.names])
    for name in fixed.keys() & set(wanted):
        (value,) = evaluate([fixed[name]], numbers, market)
        out[wanted.index(name)] = value
    k0, k1 = key_of(seed)
    arguments = (pack(kernel.emitter, numbers, dtype), kernel.sizes, U32(k0), U32(k1), U64(first_path), n_steps, every,
                 burn_in, slots, out, failed)  # fmt: skip
    blocks = split(-(-n_paths // LANES), check_threads(threads))
    run([(kernel.module.simulate, (*arguments, begin, end)) for begin, end in blocks])
    return {**dict(zip(["prices", *save], out, strict=True)), "failed_step": failed}
