"""The exceptions and warnings of simcal, and the sentence about a name that is not known.

Every message is a sentence that says what was given, what is allowed and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SimcalError(Exception):
    """Base of everything that simcal raises on purpose; the command line turns it into exit code 2."""


class ParameterError(SimcalError, ValueError):
    """A parameter of a market, a recipe or a call has a value that is not allowed."""


class DataError(SimcalError, ValueError):
    """A price series, a request table or a file cannot be used as it is."""


class NumericalError(SimcalError, ArithmeticError):
    """A simulation or a training run produced numbers that are not finite."""


class NumericalWarning(UserWarning):
    """Some numbers were not finite or not trustworthy; they were counted and left out."""


def check_names(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raise `ParameterError` for the first name that is not known, with the nearest known one."""
    known = list(known)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}."
            raise ParameterError(f"{name!r} is not {what}; {hint}")
