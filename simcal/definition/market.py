"""The base class of price markets: a definition with everything that is made from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from simcal.definition.language import Definition
from simcal.errors import ParameterError, check_names

if TYPE_CHECKING:
    from simcal.definition.stepper import Stepper
    from simcal.definition.twin import PriceTwin


class PriceMarket(Definition):
    """A market whose traders make one price, written as one ``step`` (an immutable description).

    A subclass declares parameters, states, draws, outputs and groups of traders in its body, and writes ``step``; it
    must have a state or an output named ``price``. From that the compiled kernel, the stepper, the differentiable twin
    with its adjoint, the plain array form and the tables of parameters are made.

    Parameters
    ----------
    **values
        Parameters by name; the others have their defaults. For a parameter of a group of traders one number for all
        of them or a list with one per trader. ``SPECS`` lists them with their bounds.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence; at the first use also where the definition itself cannot be
        compiled, with its file and line.

    Examples
    --------
    >>> from simcal.definition import PriceMarket, draw, exp, output, parameter, state
    >>> class Walk(PriceMarket):
    ...     "Noise traders and nobody else."
    ...     sd = parameter(0.01, "deviation of the log return", 0)
    ...     log_price = state(0.0)
    ...     price = output("price", start=100.0)
    ...     z = draw()
    ...     def step(self):
    ...         self.log_price = self.log_price + self.sd * self.z
    ...         self.price = 100.0 * exp(self.log_price)
    >>> import simcal
    >>> simcal.simulate(Walk(sd=0.02), 3, 250).prices.shape
    (3, 251)
    """

    title = "price market"

    if TYPE_CHECKING:
        price: Any

    @property
    def draws_per_step(self) -> int:
        """Standard normals that one step of one path consumes: streams 0 to this number minus one."""
        from simcal.definition.kernel import kernel_of

        return kernel_of(self).program.draws_per_step

    def rescaled(self, factor: float) -> Self:
        """The market whose returns are `factor` times as large; for markets to override where they can."""
        raise ParameterError(f"The {self.title} does not say how to make its returns {factor:g} times as large.")

    def simulate_chunk(
        self,
        seed: int,
        first_path: int,
        n_paths: int,
        n_steps: int,
        *,
        save: Sequence[str] = (),
        every: int = 1,
        burn_in: int = 0,
        dtype: str = "float64",
        threads: int | None = 1,
    ) -> dict[str, np.ndarray]:
        """Run the kernel; the arguments are those of `simcal.simulate`, which checks them.

        Returns
        -------
        dict
            ``prices`` and each name in `save`, shape (n_paths, n_steps // every + 1), and ``failed_step``, shape
            (n_paths,): the first step (burn-in included) whose price or value is not a usable number, 0 for none.
        """
        from simcal.definition.kernel import simulate_chunk

        return simulate_chunk(
            self, seed, first_path, n_paths, n_steps, save=save, every=every, burn_in=burn_in, dtype=dtype,
            threads=threads,
        )  # fmt: skip

    def stepper(self, seed: int, first_path: int, n_paths: int, *, dtype: str = "float64") -> Stepper:
        """The same paths one step at a time, with room for orders from outside: see `Stepper`."""
        from simcal.definition.stepper import Stepper

        return Stepper(self, seed, first_path, n_paths, dtype=dtype)

    def twin(self, trainable: Sequence[str] = (), *, per_trader: Sequence[str] = (), **options: Any) -> PriceTwin:
        """The differentiable twin with the named parameters trainable; `options` as of `PriceTwin`."""
        from simcal.definition.twin import PriceTwin

        check_names(options, ["dtype", "device", "engine", "variance_gradient_floor"], "an option of the twin")
        return PriceTwin(self, trainable, per_trader=per_trader, **options)
