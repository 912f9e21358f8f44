"""Families of strategies: built-in ones over grids of their options, from a file, or a list of one's own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simcal.errors import ParameterError
from simcal.trading.orders.forms import Strategy, load_strategy, strategy_of, told_apart

if TYPE_CHECKING:
    from simcal.trading.bands import Noise

FEWEST = 3  # that can be ranked

Grid = tuple[str, Mapping[str, Sequence[float]]]

#: families by name: built-in strategies with values for each option, of which all combinations are taken
FAMILIES: dict[str, tuple[Grid, ...]] = {
    "standard": (
        ("hold", {}),
        ("crossover", {"short": (5, 10), "long": (20, 50, 100), "lowest": (-1, 0)}),
        ("crossover", {"short": (50,), "long": (200,), "lowest": (-1, 0)}),
        ("reversion", {"window": (3, 5, 10, 20, 50, 100, 200), "gain": (20, 100)}),
        ("random", {"holding": (5, 20), "seed": (0,)}),
        ("random", {"holding": (60,), "seed": (0,)}),
    ),
    "trend": (
        ("crossover", {"short": (1, 2, 5, 10, 20, 50), "long": (10, 20, 50, 100, 200), "lowest": (-1, 0)}),
        ("hold", {}),
    ),
    "reversion": (("reversion", {"window": (2, 3, 5, 10, 20, 50, 100, 200), "gain": (5, 20, 100)}), ("hold", {})),
}


def family_of(strategies: Any, market: Any, noise: Noise) -> list[Strategy]:
    """The strategies that a family consists of, under different names.

    Parameters
    ----------
    strategies
        A name in `FAMILIES`; a TOML file with tables ``[[strategy]]`` of a ``name`` and options, each a number or a
        list of them, of which all combinations are taken (a crossover whose short window is not the shorter one is left
        out); ``"FILE.py:NAME"`` of a function that returns a list; or a list, whose items are what `simcal.backtest`
        takes as a strategy, or a pair of a name and options. A mapping gives the items names of one's own.
    market, noise
        Where they will trade; see `strategy_of`.

    Raises
    ------
    ParameterError
        An unknown family, a file that is not understood, fewer than 3 strategies, or one that is not allowed.
    """
    if isinstance(strategies, (str, Path)):
        strategies = _named(str(strategies))
    labels: list[str | None] = []
    if isinstance(strategies, Mapping):
        labels, strategies = [str(label) for label in strategies], list(strategies.values())
    if not isinstance(strategies, (list, tuple)) or len(strategies) < FEWEST:
        count = len(strategies) if isinstance(strategies, (list, tuple)) else "no list of"
        raise ParameterError(
            f"{count} strategies were given, but a family needs at least {FEWEST} to be ranked; give a list of them, a "
            f"TOML file, or one of {', '.join(FAMILIES)}."
        )
    pairs = (item if _is_pair(item) else (item, None) for item in strategies)
    found = [strategy_of(what, market, noise, options) for what, options in pairs]
    if labels:
        return [replace(s, name=label) for s, label in zip(found, labels, strict=True)]
    return told_apart(found)


def _is_pair(item: Any) -> bool:
    return isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[1], Mapping)


def _named(source: str) -> Any:
    if source in FAMILIES:
        return [pair for grid in FAMILIES[source] for pair in _combinations(*grid)]
    if source.endswith(".toml"):
        return _from_toml(Path(source))
    if ":" in source:
        return _from_python(source)
    raise ParameterError(
        f"There is no family {source!r}; known are {', '.join(FAMILIES)}, a TOML file with tables [[strategy]], and "
        "FILE.py:NAME of a function that returns a list."
    )


def _combinations(name: str, grid: Mapping[str, Sequence[float]]) -> Iterator[tuple[str, dict[str, float]]]:
    for values in product(*grid.values()):
        options = dict(zip(grid, values, strict=True))
        if name == "crossover" and options.get("short", 0) >= options.get("long", float("inf")):
            continue
        yield name, options


def _from_toml(file: Path) -> list[tuple[str, dict[str, float]]]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(
            f"The family {file} cannot be read ({error.strerror}); check its place and name."
        ) from None
    except ValueError as error:
        raise ParameterError(f"The family {file} is not TOML ({error}); correct it.") from None
    tables = content.get("strategy")
    if set(content) != {"strategy"} or not isinstance(tables, list) or not all("name" in t for t in tables):
        raise ParameterError(
            f"The family {file} must consist of tables [[strategy]], each with a name and options such as "
            "short = [5, 10]."
        )
    pairs = []
    for table in tables:
        grid = {key: v if isinstance(v, list) else [v] for key, v in table.items() if key != "name"}
        pairs.extend(_combinations(str(table["name"]), grid))
    return pairs


def _from_python(source: str) -> Any:
    try:
        return load_strategy(source)()
    except ParameterError:
        raise
    except Exception as error:
        raise ParameterError(
            f"{source} raised {type(error).__name__} ({error}); it must be a function that is called without arguments "
            "and returns the list of strategies."
        ) from error
