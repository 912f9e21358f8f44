"""Asks a strategy in any of its forms, checks every answer, and tells every mistake in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from simcal.errors import ParameterError
from simcal.trading.observations import N_OTHERS, N_RETURNS, observe, positions_of
from simcal.trading.orders.forms import ARGUMENTS, Strategy


class Caller:
    """A strategy on a batch of paths.

    Parameters
    ----------
    strategy
        What is asked.
    numbers
        (n_paths,) numbers of the paths.
    n_steps
        How many steps there will be.
    """

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
            from simcal.trading.orders.compiled import decide, decide_by_path

            answers = np.empty(len(position))
            if strategy.knows_path:
                decide_by_path(strategy.decide, history, known, position, cash, step, path, answers)
            else:
                decide(strategy.decide, history, known, position, cash, step, answers)
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
