"""What the discriminator is shown: a named function of windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from simcal.errors import ParameterError

Array = Any


@dataclass(frozen=True)
class Statistics:
    """A named H: its function, the names of its features, the shortest window (in steps) that it can read.

    The function maps windows, tensors with gradients or arrays, to features (n, m): of prices (n, length + 1), or of
    requests (n, channels, length + 1).

    `fit` is for statistics with a part that is estimated on the real windows first, and stays fixed from then on:
    it takes real windows and gives the function. `windows` says what it reads.
    """

    name: str
    description: str
    labels: Callable[[int], list[str]]
    function: Callable[[Array], Array] | None = None
    fit: Callable[[Array], Callable[[Array], Array]] | None = None
    shortest: int = 1
    windows: Literal["prices", "requests"] = "prices"

    def fitted(self, real: Array) -> Callable[[Array], Array]:
        """The function from windows to features (n, m), given real windows of the same length."""
        length = real.shape[-1] - 1
        if length < self.shortest:
            what = "returns" if self.windows == "prices" else "requests"
            raise ParameterError(
                f"The window has {length} {what}, but the statistics {self.name!r} need at least {self.shortest}; "
                "give a longer window or other statistics."
            )
        function = self.function if self.fit is None else self.fit(real)
        assert function is not None, "statistics have a function or a fit"
        return function
