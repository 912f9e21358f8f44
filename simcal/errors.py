"""The exceptions and warnings of simcal.

Every message is a sentence that says what was given, what is allowed and what to do.
"""


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
