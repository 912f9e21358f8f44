"""Emitted modules: their text, their place in the cache, their import.

A module is named by the hash of its text and of the sources it inlines. So it is written once and never changed, Numba
keeps the machine code beside it, a traceback shows its lines, and anybody can read it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from simcal.definition.emit import Emitter
from simcal.definition.emit_reverse import ReverseEmitter
from simcal.files import write_atomically

_HEADER = '''"""{title}: emitted from its definition by simcal, not to be edited."""

import math

import numpy as np
from numba import njit

from simcal.definition.elementary import exponential, tanh_half
from simcal.definition.lanes import (
    INLINED, LANES, OPTIONS, PASTED, REFRESH, REVERSE, SHELF, STEP, U64, draw, draw_each, gather_lags, gather_means,
    note_failures, spread, store, sum_recent,
)

'''


def kernel_module(emitter: Emitter, saved: list[str]) -> ModuleType:
    """The module with ``simulate``, ``advance`` and ``restart``; `saved` are the rows that can be saved."""
    from simcal.definition import loops

    functions = [emitter.begin(), emitter.step(), emitter.check(), emitter.memory_lines()]
    rows = ["SAVED = (" + "".join(f"{row}, " for row in saved) + ")"]
    pasted = [_pasted(f, "OPTIONS") for f in (loops.simulate, loops.advance, loops.restart)]
    return _module(_title(emitter), [*emitter.rows.lines(), *rows], functions, pasted)


def sweep_module(emitter: ReverseEmitter) -> ModuleType:
    """The module with ``forward`` and ``reverse``."""
    from simcal.definition import loops

    functions = [
        emitter.begin(), emitter.step(), emitter.keep_lines(), emitter.memory_lines(), emitter.recall_lines(),
        emitter.back_lines(), emitter.finish_lines(), emitter.adjoint_lines(),
    ]  # fmt: skip
    pasted = [_pasted(loops.forward, "OPTIONS"), _pasted(loops.reverse, "REVERSE")]
    return _module(_title(emitter), [*emitter.rows.lines(), *emitter.back_rows.lines()], functions, pasted)


def _title(emitter: Emitter) -> str:
    return f"The {emitter.market.title}"


def _pasted(function: object, options: str) -> list[str]:
    source = inspect.getsource(function)  # type: ignore[arg-type]
    return [f"@njit(cache=True, **{options})", *source.rstrip().splitlines()]


def _module(title: str, constants: list[str], functions: list[list[str]], pasted: list[list[str]]) -> ModuleType:
    parts = ["\n".join(lines) for lines in [*functions, *pasted]]
    text = _HEADER.format(title=title) + "\n".join(constants) + "\n\n\n" + "\n\n\n".join(parts) + "\n"
    return _imported(text)


@functools.cache
def _imported(text: str) -> ModuleType:
    name = "simcal_market_" + hashlib.sha256((text + _inlined_sources()).encode()).hexdigest()[:24]
    path = cache_folder() / f"{name}.py"
    if not path.is_file():
        write_atomically(path, text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def _inlined_sources() -> str:
    """A digest of the sources whose functions end up in the machine code of an emitted module."""
    package = Path(__file__).parent.parent
    sources = [
        *sorted((package / "noise").glob("*.py")),
        *(package / "definition" / f for f in ("lanes.py", "elementary.py")),
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


@functools.cache
def cache_folder() -> Path:
    """Where emitted modules lie: ``SIMCAL_CACHE_DIR``, else the user's cache, else a temporary folder."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    given = os.environ.get("SIMCAL_CACHE_DIR")
    for folder in [Path(given)] if given else [Path(home) / "simcal"]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix="simcal-"))
