"""From what a user calls a strategy to something that the engine can ask: arrays, compiled, or a policy."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from simcal.errors import ParameterError
from simcal.trading.orders.built_in import BUILT_IN, build
from simcal.trading.strategy_files import load_strategy

if TYPE_CHECKING:
    from simcal.trading.noise import Noise

ARGUMENTS = "(prices, position, cash, step)"
GIVES = ("target", "order")


@dataclass(frozen=True)
class Strategy:
    """A strategy that is ready to trade.

    Parameters
    ----------
    name
        What to call it.
    decide
        The function, or the object with ``predict``.
    form
        "arrays": called for a batch of paths; "compiled": called by compiled code for each path; "policy": asked for
        ``predict(observation, deterministic=True)``.
    gives
        What it returns: the "target" position or the "order", in units.
    knows_path
        Whether it takes the path's number as a fifth argument.
    """

    name: str
    decide: Any
    form: Literal["arrays", "compiled", "policy"]
    gives: Literal["target", "order"] = "target"
    knows_path: bool = False


def strategy_of(
    strategy: Any,
    market: Any,
    noise: Noise,
    options: Mapping[str, float] | None = None,
    returns: Literal["target", "order"] | None = None,
) -> Strategy:
    """The strategy that something stands for.

    Parameters
    ----------
    strategy
        A name in `BUILT_IN`, ``"FILE.py:NAME"``, a function, a compiled function, an object with ``predict``, or a
        `Strategy`.
    market, noise
        Where it will trade: a strategy known by name may look at the market's parameters and the number of steps.
    options
        Of a strategy known by name.
    returns
        "target" or "order"; None is what the strategy's attribute ``gives`` says, else "target".

    Raises
    ------
    ParameterError
        An unknown name or option, or something that is not a strategy.
    """
    if isinstance(strategy, Strategy):
        return strategy
    if options is not None and not isinstance(options, Mapping):
        raise ParameterError(f"options is {options!r:.60}, but must be a mapping such as {{'long': 50}}.")
    if isinstance(strategy, str) and strategy in BUILT_IN:
        label, function = build(strategy, market, noise, dict(options or {}))
        return _classified(label, function, "target")
    name = strategy if isinstance(strategy, str) else None
    if name is not None:
        if ":" not in name:
            raise ParameterError(
                f"There is no strategy {name!r} for a market with a price; known are {', '.join(BUILT_IN)}, and "
                "FILE.py:NAME for one of your own."
            )
        strategy = load_strategy(name)
    else:
        name = str(getattr(strategy, "__name__", type(strategy).__name__))
    if options:
        raise ParameterError(
            f"The options {', '.join(options)} belong to a strategy known by name, not to {name}; write them into it."
        )
    says = getattr(strategy, "gives", getattr(getattr(strategy, "py_func", None), "gives", "target"))
    gives = says if returns is None else returns
    if gives not in GIVES:
        raise ParameterError(f"returns is {gives!r}, but must be 'target' (the position to hold) or 'order'.")
    return _classified(name, strategy, gives)


def strategies_of(
    strategy: Any,
    market: Any,
    noise: Noise,
    options: Mapping[str, float] | None = None,
    returns: Literal["target", "order"] | None = None,
) -> list[Strategy]:
    """As `strategy_of`, where a list or tuple stands for several that trade together; the options are the first's."""
    if not isinstance(strategy, (list, tuple)):
        return [strategy_of(strategy, market, noise, options, returns)]
    if not strategy:
        raise ParameterError("The list of strategies is empty; give at least one.")
    found = [strategy_of(s, market, noise, options if i == 0 else None, returns) for i, s in enumerate(strategy)]
    return _told_apart(found)


def _told_apart(strategies: Sequence[Strategy]) -> list[Strategy]:
    names = [s.name for s in strategies]
    return [
        s if names.count(s.name) == 1 else replace(s, name=f"{s.name} #{names[: i + 1].count(s.name)}")
        for i, s in enumerate(strategies)
    ]


def _classified(name: str, strategy: Any, gives: Any) -> Strategy:
    if hasattr(strategy, "predict") and callable(strategy.predict):
        return Strategy(name, strategy, "policy", gives)
    if not callable(strategy):
        raise ParameterError(
            f"The strategy is of type {type(strategy).__name__}, but must be a function {ARGUMENTS} -> target, an "
            f"object with predict, FILE.py:NAME, or one of {', '.join(BUILT_IN)}."
        )
    from numba.core.dispatcher import Dispatcher

    compiled = isinstance(strategy, Dispatcher)
    return Strategy(name, strategy, "compiled" if compiled else "arrays", gives, _knows_path(strategy))


def _knows_path(strategy: Any) -> bool:
    try:
        names = list(inspect.signature(getattr(strategy, "py_func", strategy)).parameters)
    except (TypeError, ValueError):  # of a builtin
        return False
    return len(names) == 5 and names[4] == "path"
