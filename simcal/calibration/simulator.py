"""Any simulator: a function of anybody's as a market, and our markets as what other packages calibrate."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from simcal.errors import ParameterError, check_names
from simcal.models import Market
from simcal.noise import check_range, check_seed
from simcal.parameters import Parameter, to_plain
from simcal.user_code import UserCode

Simulate = Callable[[Mapping[str, float], int, int, int], Any]


class Simulator:
    """A function that simulates prices, as a market: to calibrate by simulated moments, to validate and to compare.

    It has no gradients, so that the adversarial game cannot train it, and no room for orders from outside.

    Parameters
    ----------
    function
        ``simulate(parameters, n_paths, n_steps, seed)``, with the parameters by name; gives prices of shape (n_paths,
        n_steps + 1), the same ones for the same arguments.
    parameters
        What it takes: `Parameter` objects with name, default and bounds, or a mapping from names to numbers.
    values
        Where they are, if not at their defaults.

    Examples
    --------
    >>> def walk(parameters, n_paths, n_steps, seed):
    ...     r = parameters["sd"] * np.random.default_rng(seed).standard_normal((n_paths, n_steps))
    ...     return np.exp(np.cumsum(np.pad(r, ((0, 0), (1, 0))), axis=1))
    >>> market = Simulator(walk, [Parameter("sd", 0.01, "deviation of a return", low=0.0, open=True)])
    >>> market.replace(sd=0.02).simulate_chunk(0, 0, 3, 5)["prices"].shape
    (3, 6)
    """

    kind: ClassVar[str] = "simulator"
    OUTPUTS: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        function: Simulate,
        parameters: Iterable[Parameter] | Mapping[str, float | Parameter],
        values: Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(parameters, Mapping):
            parameters = [
                given if isinstance(given, Parameter) else Parameter(str(name), given, str(name).replace("_", " "))
                for name, given in parameters.items()
            ]
        self.function = function
        self.SPECS: dict[str, Parameter] = {spec.name: spec for spec in parameters}
        check_names(values or {}, self.SPECS, "a parameter of this simulator")
        start = {name: spec.default for name, spec in self.SPECS.items()} | dict(values or {})
        self.values: dict[str, Any] = {name: self.SPECS[name].check(value) for name, value in start.items()}

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("values", {})
        if name in values:
            return values[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Simulator) and (self.function, self.values) == (other.function, other.values)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"Simulator({getattr(self.function, '__name__', 'function')}, {given})"

    def replace(self, **changes: Any) -> Simulator:
        """The same simulator at other parameters, checked again."""
        return Simulator(self.function, self.SPECS.values(), {**self.values, **changes})

    def rescaled(self, factor: float) -> Simulator:
        """Nobody knows which of a function's parameters make its returns larger: `ParameterError`."""
        raise ParameterError(
            "A simulator of your own cannot be brought to a scale; leave match_scale out of the recipe."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ``kind`` among them."""
        return {"kind": self.kind, **to_plain(self.values)}

    def from_dict(self, values: Mapping[str, Any]) -> Simulator:
        """The same function at the values that `to_dict` gave."""
        return self.replace(**{name: value for name, value in values.items() if name != "kind"})

    def describe(self) -> list[dict[str, Any]]:
        """One row per parameter for tables."""
        return [
            {"parameter": p.name, "letter": p.letter, "value": self.values[p.name], "unit": p.unit,
             "meaning": p.description}
            for p in self.SPECS.values()
        ]  # fmt: skip

    @property
    def definition(self) -> UserCode:
        """Where a module holds a simulator of this function; `ParameterError` where none does."""
        module = sys.modules.get(self.function.__module__)
        file = getattr(module, "__file__", None)
        for name, thing in vars(module).items() if module is not None and file is not None else ():
            if isinstance(thing, Simulator) and thing.function is self.function:
                return UserCode(Path(str(file)).resolve(), name)
        raise ParameterError(
            "The simulator stands under no name at the top of the Python file that has its function, so that it cannot "
            "be kept; put both into one file, such as `market = Simulator(function, parameters)`."
        )

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
        """Prices of some paths; as of `simcal.models.Market`, but that path k depends on how paths are cut in chunks.

        Raises
        ------
        ParameterError
            The function gives something else than prices of shape (n_paths, burn_in + n_steps + 1).
        """
        # The first path is drawn into the seed: a function knows of no numbers of paths.
        drawn = int(np.random.SeedSequence([seed, first_path]).generate_state(1, np.uint32)[0])
        prices = np.asarray(self.function(dict(self.values), n_paths, burn_in + n_steps, drawn), dtype=dtype)
        if prices.shape != (n_paths, burn_in + n_steps + 1):
            raise ParameterError(
                f"The function of the simulator gave an array of shape {prices.shape}, but must give prices of shape "
                f"(n_paths, n_steps + 1), here {(n_paths, burn_in + n_steps + 1)}, the first ones being the start."
            )
        with np.errstate(invalid="ignore"):
            bad = ~(np.isfinite(prices) & (prices > 0))
        failed = np.where(bad.any(axis=1), np.maximum(bad.argmax(axis=1), 1), 0)
        return {"prices": np.ascontiguousarray(prices[:, burn_in::every]), "failed_step": failed.astype(np.int64)}

    def twin(self, trainable: Sequence[str] = (), **options: Any) -> Any:
        """A function has no gradients: `ParameterError`."""
        raise ParameterError(
            "A simulator of your own has no gradients, which the adversarial game needs; calibrate it with the "
            "estimator 'moments'."
        )


def as_sbi(
    market: Market, names: Sequence[str], *, n_steps: int, statistics: Any = None, seed: int = 0
) -> Callable[..., Any]:
    """A market as a simulator of the package sbi: parameters (batch, parameters) to observations (batch, m), tensors.

    Parameters
    ----------
    market, names
        What is simulated, and which of its parameters the rows of the input are.
    n_steps
        Of each path.
    statistics
        What is observed of a path: a set of statistics, its name, or a function; the log returns when absent.
    seed
        Every call draws new noise, and all of them are a function of this.

    Returns
    -------
    The function; rows whose parameters the market refuses become NaN, which sbi leaves out.
    """
    import torch

    run, calls = as_black_it(market, names), np.random.default_rng(seed)

    def simulator(theta: Any) -> Any:
        rows = np.atleast_2d(torch.as_tensor(theta).detach().cpu().numpy().astype(float))
        drawn = calls.integers(2**63, size=len(rows))
        seen = [_observed(run, row, n_steps, int(s), statistics) for row, s in zip(rows, drawn, strict=True)]
        width = max(map(len, seen))
        table = np.stack([row if len(row) == width else np.full(width, np.nan) for row in seen])
        return torch.as_tensor(table, dtype=torch.float32).reshape(*np.shape(theta)[:-1], width)

    return simulator


def as_black_it(market: Market, names: Sequence[str]) -> Callable[[Any, int, int], np.ndarray]:
    """A market under the signature of the package black-it: ``model(theta, N, seed)`` gives prices (N, 1).

    Parameters
    ----------
    market, names
        What is simulated, and which of its parameters `theta` has, in this order.

    Examples
    --------
    >>> import simcal
    >>> model = as_black_it(simcal.load("stock"), ["impact", "public_weight"])
    >>> model([0.1, 1.0], 50, 7).shape
    (50, 1)
    """
    check_names(names, market.SPECS, "a parameter of this market")

    def model(theta: Any, N: int, seed: int) -> np.ndarray:
        check_seed(seed)
        check_range(0, 1, 1, N)
        changed = market.replace(**dict(zip(names, map(float, theta), strict=True)))
        found = changed.simulate_chunk(
            seed, 0, 1, N, save=(), every=1, burn_in=0, dtype="float64", threads=1
        )  # fmt: skip
        return found["prices"][0, 1:, None]

    return model


def _observed(run: Callable[..., np.ndarray], row: np.ndarray, n_steps: int, seed: int, given: Any) -> np.ndarray:
    from simcal.calibration.statistics import statistics

    try:
        prices = run(row, n_steps + 1, seed)[:, 0]
    except ParameterError:
        return np.array([np.nan])
    if given is None:
        return np.diff(np.log(prices))
    return np.asarray(statistics(given).fitted(prices[None])(prices[None]))[0]
