"""A strategy from a file of the user's own: ``FILE.py:NAME``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simcal.errors import ParameterError


def load_strategy(source: str) -> Callable[..., Any]:
    """The function that ``FILE.py:NAME`` names; the file is run as a module of its own.

    Raises
    ------
    ParameterError
        The text has no file or no name in it, there is no such file, it fails when it is run, or it has no function of
        that name.
    """
    path, _, name = str(source).rpartition(":")
    if not path.endswith(".py") or not name:
        raise ParameterError(f"The strategy {source!r} is not understood; give a file and a function as FILE.py:NAME.")
    file = Path(path)
    if not file.is_file():
        raise ParameterError(f"There is no file {path} to take the strategy {name} from; check its place and name.")
    spec = importlib.util.spec_from_file_location(f"simcal_strategy_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses and pickles look for it
    sys.path.insert(0, str(file.parent.resolve()))  # the file may import its neighbours, as a script may
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        raise ParameterError(
            f"The file {path} fails when it is run ({type(error).__name__}: {error}); correct it first."
        ) from error
    finally:
        sys.path.pop(0)
    if not hasattr(module, name):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        known = f"it has {', '.join(functions)}" if functions else "it defines no function"
        raise ParameterError(f"The file {path} has no {name}; {known}.")
    found = getattr(module, name)
    if not callable(found) and not callable(getattr(found, "predict", None)):
        raise ParameterError(
            f"{name} in {path} is of type {type(found).__name__}, but a strategy must be a function, or an object "
            "with predict; give the name of one."
        )
    return found
