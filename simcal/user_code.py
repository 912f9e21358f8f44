"""A user's own things from a Python file, named ``FILE.py:NAME``; and the trust that running such a file needs.

What a user names is run. What a folder or a TOML file names is somebody else's: it is run only where it is trusted.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from simcal.errors import DataError, ParameterError
from simcal.files import write_atomically

FILE = "definition.py"
"""What the copy of a definition is called in a run folder."""

_REFERENCE = re.compile(r"(?P<path>.+\.py):(?P<name>[^\W\d]\w*)")
_TRUSTED: ContextVar[bool] = ContextVar("trusted", default=False)


def is_reference(text: object) -> bool:
    """Whether a text has the form ``FILE.py:NAME``."""
    return isinstance(text, str) and _REFERENCE.fullmatch(text) is not None


def load_definition(reference: str) -> Any:
    """Run the file of a reference, as a module of its own, and give what the name stands for in it.

    What the file defines travels to other processes by value, so that they need no file.

    Raises
    ------
    ParameterError
        There is no such file, it fails when it is run, or it has no such name.
    """
    found = _REFERENCE.fullmatch(str(reference))
    if found is None:
        raise ParameterError(f"{reference!r} is not understood; give a file and a name in it as FILE.py:NAME.")
    file, name = Path(found["path"]), found["name"]
    if not file.is_file():
        raise ParameterError(f"There is no file {file} to take {name} from; check its place and name.")
    module = _module(file.resolve())
    if not hasattr(module, name):
        known = ", ".join(n for n, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__)
        raise ParameterError(f"The file {file} has no {name}; {f'it has {known}' if known else 'it defines nothing'}.")
    return getattr(module, name)


def _module(file: Path) -> ModuleType:
    content = file.read_bytes()
    # The same file is run once, so that its classes stay the same; a file that has changed is another module.
    name = f"simcal_definition_{file.stem}_{hashlib.sha256(str(file).encode() + content).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and pickles look for it
    before = set(sys.modules)
    sys.path.insert(0, str(file.parent))  # the file may import its neighbours, as a script may
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ParameterError(
            f"The file {file} fails when it is run ({type(error).__name__}: {error}); correct it first."
        ) from error
    finally:
        sys.path.remove(str(file.parent))
        # A neighbour is the file's own: a file elsewhere may have another one of the same name.
        for new in set(sys.modules) - before:
            origin = getattr(sys.modules[new], "__file__", None)
            if origin is not None and Path(origin).resolve().is_relative_to(file.parent):
                del sys.modules[new]
    import cloudpickle

    cloudpickle.register_pickle_by_value(module)
    return module


@contextmanager
def trusting(trust: bool = True) -> Iterator[None]:
    """Let definitions that folders and TOML files bring be run for a while; False changes nothing."""
    token = _TRUSTED.set(trust or _TRUSTED.get())
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def require_trust(reference: str, whose: str) -> None:
    """`ParameterError` unless definitions of others are trusted now; `whose` is what names the reference."""
    if not _TRUSTED.get():
        raise ParameterError(
            f"{whose} would run the Python code of {reference}, which may do anything on this machine. Read it; if you "
            "trust it, give --trust, or trust=True in Python."
        )


@dataclass(frozen=True)
class UserCode:
    """Where a thing is defined: the file, its name in it."""

    file: Path
    name: str

    @property
    def sha256(self) -> str:
        """Of the file's content, as hexadecimal digits."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    def keep(self, folder: Path) -> dict[str, str]:
        """Copy the file into a folder; gives what a TOML file there says of it: source and sha256.

        Raises
        ------
        DataError
            The folder has another definition already.
        """
        target = folder / FILE
        content = self.file.read_bytes()
        if target.is_file() and target.read_bytes() != content:
            raise DataError(
                f"{target} is another definition than {self.file}; give another folder, or remove that file first."
            )
        write_atomically(target, content)
        return {"source": f"{FILE}:{self.name}", "sha256": self.sha256}


def kept_definition(values: dict[str, Any], folder: Path, whose: str) -> Any:
    """The thing that `UserCode.keep` put beside a TOML file with these values, where it is trusted.

    Raises
    ------
    ParameterError
        It is not trusted, or the file is not the one that was kept.
    """
    reference = str(folder / str(values["source"]))
    require_trust(reference, whose)
    file = Path(reference.rpartition(":")[0])
    if file.is_file() and UserCode(file, "").sha256 != values.get("sha256"):
        raise ParameterError(
            f"The file {file} is not the one that {whose} was made with: it has changed since. Put the old one back, "
            f"or name it yourself, as {reference}."
        )
    return load_definition(reference)


def definition_of(thing: Any) -> UserCode:
    """Where a class or a function, or a thing that a module holds under a name, is defined.

    Raises
    ------
    ParameterError
        It is in no file, as what was typed into an interpreter.
    """
    owner = thing if inspect.isclass(thing) or inspect.isfunction(thing) else type(thing)
    name, module = owner.__qualname__, sys.modules.get(owner.__module__)
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).is_file() or not hasattr(module, name):
        raise ParameterError(
            f"{name} is not defined at the top of a Python file, so that it cannot be kept; put it into a file, and "
            f"import it from there or name it as FILE.py:{name}."
        )
    return UserCode(Path(file).resolve(), name)
