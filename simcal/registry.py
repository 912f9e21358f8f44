"""Names that stand for things: what ships, what other packages bring, what is registered in this process.

All three come through one door: entry points, of which ``pyproject.toml`` declares those that ship.
"""

from __future__ import annotations

import importlib.metadata
import tomllib
from collections.abc import Iterator, MutableMapping
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Generic, TypeVar

from simcal.errors import ParameterError, check_names
from simcal.user_code import is_reference, load_definition

T = TypeVar("T")


class Registry(MutableMapping[str, T], Generic[T]):
    """Things of one sort by name, as a mapping; each is imported when it is first asked for.

    Parameters
    ----------
    group
        Of the entry points, such as ``"simcal.statistics"``.
    what
        What errors call one of them, such as "a set of statistics".

    Examples
    --------
    >>> shapes = Registry("simcal.shapes", "a shape")
    >>> shapes.register("circle", "round")
    'round'
    >>> list(shapes), shapes.find("circle")
    (['circle'], 'round')
    """

    def __init__(self, group: str, what: str) -> None:
        self.group, self.what = group, what
        self._here: dict[str, T] = {}
        self._removed: set[str] = set()

    def register(self, name: str, thing: T) -> T:
        """Let a name stand for a thing in this process, whatever it stood for before; returns the thing."""
        self._here[name] = thing
        self._removed.discard(name)
        return thing

    def find(self, name: str) -> T:
        """What a name stands for.

        Raises
        ------
        ParameterError
            There is no such name, with the nearest one; or what it stands for cannot be imported.
        """
        check_names([name], list(self), self.what)
        return self[name]

    def take(self, given: str | T) -> T:
        """What a name or ``FILE.py:NAME`` stands for, or the thing itself."""
        if not isinstance(given, str):
            return given
        return load_definition(given) if is_reference(given) else self.find(given)

    def __getitem__(self, name: str) -> T:
        if name not in self._here:
            if name in self._removed or name not in _entry_points(self.group):
                raise KeyError(name)
            self._here[name] = _imported(_entry_points(self.group)[name], self.what)
        return self._here[name]

    def __setitem__(self, name: str, thing: T) -> None:
        self.register(name, thing)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._here.pop(name, None)
        self._removed.add(name)

    def __contains__(self, name: object) -> bool:  # without importing it
        return name in self._here or (name in _entry_points(self.group) and name not in self._removed)

    def __iter__(self) -> Iterator[str]:
        names = [name for name in _entry_points(self.group) if name not in self._removed]
        return iter(dict.fromkeys([*names, *self._here]))

    def __len__(self) -> int:
        return len(list(iter(self)))


@cache
def _entry_points(group: str) -> dict[str, EntryPoint]:
    found = {point.name: point for point in importlib.metadata.entry_points(group=group)}
    found |= {name: EntryPoint(name, place, group) for name, place in _source_tree().get(group, {}).items()}
    return dict(sorted(found.items()))  # whatever the order in which an installer wrote them


@cache
def _source_tree() -> dict[str, dict[str, str]]:
    """The entry points as a source tree declares them: an installation may be of an earlier state of it."""
    path = Path(__file__).parent.parent / "pyproject.toml"
    if not path.is_file():
        return {}
    project = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {})
    return project.get("entry-points", {}) if project.get("name") == "simcal" else {}


def _imported(point: EntryPoint, what: str) -> Any:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        package = point.dist.name if point.dist is not None else point.module
        raise ParameterError(
            f"{point.name!r} is {what} of {package}, which cannot be imported from {point.value} ({error}); install or "
            "repair that package."
        ) from error
