"""A strategy in any of its forms (arrays, compiled, a policy), and how the engine asks it and checks its answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numba import njit
from numba.core.dispatcher import Dispatcher

from simcal.errors import ParameterError
from simcal.trading.observations import N_OTHERS, N_RETURNS, observe, positions_of
from simcal.trading.orders.strategies import BUILT_IN, build
from simcal.user_code import load_definition

if TYPE_CHECKING:
    from simcal.trading.bands import Noise

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
        return Strategy(*build(strategy, market, noise, dict(options or {})), "arrays", "target", strategy == "random")
    name = strategy if isinstance(strategy, str) else str(getattr(strategy, "__name__", type(strategy).__name__))
    if isinstance(strategy, str):
        if ":" not in strategy:
            raise ParameterError(
                f"There is no strategy {name!r} for a market with a price; known are {', '.join(BUILT_IN)}, and "
                "FILE.py:NAME for one of your own."
            )
        strategy = load_strategy(strategy)
    if options:
        raise ParameterError(
            f"The options {', '.join(options)} belong to a strategy known by name, not to {name}; write them into it."
        )
    says = getattr(strategy, "gives", getattr(getattr(strategy, "py_func", None), "gives", "target"))
    gives = says if returns is None else returns
    if gives not in GIVES:
        raise ParameterError(f"returns is {gives!r}, but must be 'target' (the position to hold) or 'order'.")
    if callable(getattr(strategy, "predict", None)):
        return Strategy(name, strategy, "policy", gives)
    if not callable(strategy):
        raise ParameterError(
            f"The strategy is of type {type(strategy).__name__}, but must be a function {ARGUMENTS} -> target, an "
            f"object with predict, FILE.py:NAME, or one of {', '.join(BUILT_IN)}."
        )
    try:
        names = list(inspect.signature(getattr(strategy, "py_func", strategy)).parameters)
    except (TypeError, ValueError):  # of a builtin
        names = []
    compiled = isinstance(strategy, Dispatcher)
    return Strategy(name, strategy, "compiled" if compiled else "arrays", gives, len(names) == 5 and names[4] == "path")


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
    return told_apart(found)


def told_apart(strategies: Sequence[Strategy]) -> list[Strategy]:
    """The strategies, those of one name with a number after it."""
    names = [s.name for s in strategies]
    numbered = [f"{name} #{names[: i + 1].count(name)}" for i, name in enumerate(names)]
    return [replace(s, name=new) if names.count(s.name) > 1 else s for s, new in zip(strategies, numbered, strict=True)]


def load_strategy(source: str) -> Callable[..., Any]:
    """The function, or the object with ``predict``, that ``FILE.py:NAME`` names.

    Raises
    ------
    ParameterError
        There is no such file, it fails when it is run, or it has no strategy of that name.
    """
    found = load_definition(source)
    if not callable(found) and not callable(getattr(found, "predict", None)):
        path, _, name = source.rpartition(":")
        raise ParameterError(
            f"{name} in {path} is of type {type(found).__name__}, but a strategy must be a function, or an object "
            "with predict; give the name of one."
        )
    return found


class Caller:
    """A strategy on a batch of paths, `numbers` (n_paths,), that will be asked at `n_steps` steps."""

    def __init__(self, strategy: Strategy, numbers: np.ndarray, n_steps: int) -> None:
        self.strategy, self.numbers, self.n_steps = strategy, numbers, n_steps
        space = getattr(strategy.decide, "observation_space", None)  # of a policy: how many returns it was trained on
        self._n_returns = N_RETURNS if space is None else max(int(space.shape[-1]) - N_OTHERS, 0)
        self._path = (numbers & np.uint64(2**63 - 1)).astype(np.int64)

    def __call__(
        self, history: np.ndarray, known: int, position: np.ndarray, cash: np.ndarray, step: int, dead: np.ndarray
    ) -> np.ndarray:
        """Targets or orders of one step, (n_paths,), finite; those of dead paths are to do nothing.

        Only the first `known` columns of `history` are shown.

        Raises
        ------
        ParameterError
            The strategy raises, or does not return one finite number per path.
        """
        state = (history, known, position, cash, step)
        with np.errstate(all="ignore"):  # what comes of it is checked
            try:
                given = self._asked(state, self._path)
            except ParameterError:
                raise
            except Exception as error:
                raise ParameterError(self._raised(error, state)) from error
        answers = self._checked(given, step)
        if dead.any():
            answers = np.where(dead, position if self.strategy.gives == "target" else 0.0, answers)
        bad = ~np.isfinite(answers)
        if bad.any():
            place = int(np.flatnonzero(bad)[0])
            raise ParameterError(
                f"The strategy {self.strategy.name} returned {answers[place]} for path {self.numbers[place]} at step "
                f"{step}; {self._remedy}, such as 0 while it knows too few prices."
            )
        return answers

    def _asked(self, state: tuple[Any, ...], path: np.ndarray) -> Any:
        strategy, (history, known, position, cash, step) = self.strategy, state
        if strategy.form == "compiled":
            answers = np.empty(len(position))
            decide: Any = _decide_by_path if strategy.knows_path else _decide
            more = (path,) if strategy.knows_path else ()
            decide(strategy.decide, history, known, position, cash, step, *more, answers)
            return answers
        seen = (_locked(history[:, :known]), _locked(position), _locked(cash), step)
        if strategy.form == "arrays":
            return strategy.decide(*seen, *((path,) if strategy.knows_path else ()))
        answer = strategy.decide.predict(observe(*seen, self.n_steps, self._n_returns), deterministic=True)
        answer = np.asarray(answer[0] if isinstance(answer, tuple) else answer)
        return positions_of(answer, getattr(strategy.decide, "action_space", None))

    def _checked(self, given: Any, step: int) -> np.ndarray:
        """The answer as floats; one number stands for all paths."""
        n = len(self.numbers)
        try:
            answers = np.asarray(given)
        except (TypeError, ValueError):  # a ragged list
            answers = np.array(None)
        if answers.dtype.kind in "fiub" and answers.shape in ((), (n,)):
            return np.broadcast_to(answers.astype(float), (n,))
        if given is None or answers.dtype.kind in "OUS":
            what = f"{given!r:.60}"
        else:
            what = f"an array of shape {answers.shape} and type {answers.dtype}"
        raise ParameterError(
            f"The strategy {self.strategy.name} returned {what} at step {step} for {self._paths}, but must return {n} "
            f"real numbers; {self._remedy}."
        )

    @property
    def _paths(self) -> str:
        first, last = self.numbers[0], self.numbers[-1]
        return f"path {first}" if first == last else f"paths {first} to {last}"

    @property
    def _remedy(self) -> str:
        what = "the position to hold" if self.strategy.gives == "target" else "the order"
        return f"return one finite number per path, {what} in units"

    def _raised(self, error: Exception, state: tuple[Any, ...]) -> str:
        """What went wrong, with the first path that alone makes it go wrong."""
        name = self.strategy.name
        if self.strategy.form == "compiled" and type(error).__module__.startswith("numba."):
            return (
                f"The compiled strategy {name} does not compile for an array of floats, two floats and a whole number "
                f"({ARGUMENTS}), or does not return one real number; correct it: {self._remedy}."
            )
        alone = [self._error_alone(state, k) for k in range(2 if len(self.numbers) > 1 else 0)]
        where = self._paths
        if alone and (alone[0] is None or alone[1] is None):  # some paths are to blame, not all
            guilty = (k for k in range(len(self.numbers)) if self._error_alone(state, k) is type(error))
            first = next(guilty, None)
            where = where if first is None else f"path {self.numbers[first]}"
        called = "predict(observation, deterministic=True)" if self.strategy.form == "policy" else ARGUMENTS
        return (
            f"The strategy {name} raised {type(error).__name__} ({' '.join(str(error).split()):.300}) at step "
            f"{state[-1]} for {where}; it is called as {called}: {self._remedy}."
        )

    def _error_alone(self, state: tuple[Any, ...], k: int) -> type[Exception] | None:
        """The type of the error that path k makes by itself, or None."""
        history, known, position, cash, step = state
        one = slice(k, k + 1)
        try:
            self._asked((history[one], known, position[one], cash[one], step), self._path[one])
        except Exception as error:
            return type(error)
        return None


def _locked(values: np.ndarray) -> np.ndarray:
    """A view that cannot be written to, so that no strategy changes the accounts."""
    view = values.view()
    view.flags.writeable = False
    return view


# The arithmetic as written, as in the kernels of markets, so that a compiled strategy makes the trades of its Python.
@njit(nogil=True, error_model="numpy", fastmath=False)
def _decide(strategy, history, known, position, cash, step, answers):
    """``answers[k] = strategy(history[k, :known], position[k], cash[k], step)`` for every path."""
    for k in range(answers.size):
        answers[k] = strategy(history[k, :known], position[k], cash[k], step)


@njit(nogil=True, error_model="numpy", fastmath=False)
def _decide_by_path(strategy, history, known, position, cash, step, path, answers):
    """As `_decide`, for strategies that take the path's number too."""
    for k in range(answers.size):
        answers[k] = strategy(history[k, :known], position[k], cash[k], step, path[k])
