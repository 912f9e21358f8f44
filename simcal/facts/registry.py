"""Choosing stylised facts by name, and computing them for many paths."""

from collections.abc import Iterable
from difflib import get_close_matches

import numpy as np

from simcal.errors import ParameterError
from simcal.facts.catalogue import FACTS, FRANKE_WESTERHOFF
from simcal.facts.fact import Fact

FactChoice = str | Iterable["str | Fact"] | None


def choose_facts(facts: FactChoice = None, *, with_volume: bool = False) -> list[Fact]:
    """The facts of a choice: None or "default", "all", "franke-westerhoff", or a list of names and own `Fact`s.

    The named lists leave out what needs volume unless there is volume; a fact asked for by name is an error then.
    """
    if facts is None or isinstance(facts, str):
        groups = {
            "default": [fact for fact in FACTS.values() if fact.default],
            "all": list(FACTS.values()),
            "franke-westerhoff": [FACTS[name] for name in FRANKE_WESTERHOFF],
        }
        if (facts or "default") not in groups:
            raise ParameterError(
                f"There is no list of facts called {facts!r}; choose 'default', 'all' or 'franke-westerhoff', or "
                "give a list of names of facts."
            )
        return [fact for fact in groups[facts or "default"] if with_volume or not fact.needs_volume]
    chosen = [_by_name(fact) if isinstance(fact, str) else fact for fact in facts]
    for fact in chosen:
        if fact.needs_volume and not with_volume:
            raise ParameterError(f"The fact {fact.name!r} needs volume; give volume or leave the fact out.")
    if not chosen or len({fact.name for fact in chosen}) < len(chosen):
        raise ParameterError("The list of facts is empty or names one fact twice; name each fact once.")
    return chosen


def _by_name(name: str) -> Fact:
    if name not in FACTS:
        near = get_close_matches(name, FACTS, n=3, cutoff=0.4) or list(FACTS)[:3]
        raise ParameterError(f"There is no fact called {name!r}; names near it are {', '.join(near)}.")
    return FACTS[name]


_CHUNK = 1 << 18  # numbers at a time: the working arrays stay in cache


def evaluate(facts: list[Fact], r: np.ndarray, log_volume: np.ndarray | None = None) -> np.ndarray:
    """All the facts of an array of paths (..., n), as (..., number of facts), in chunks that fit the cache."""
    rows = np.ascontiguousarray(r, dtype=float).reshape(-1, r.shape[-1])
    volume = None if log_volume is None else np.asarray(log_volume, dtype=float).reshape(rows.shape)
    result = np.empty((len(rows), len(facts)))
    step = max(1, _CHUNK // max(rows.shape[1], 1))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        for column, fact in enumerate(facts):
            arguments = (rows[part],) if not fact.needs_volume or volume is None else (rows[part], volume[part])
            result[part, column] = fact.function(*arguments)
    return result.reshape(*r.shape[:-1], len(facts))
