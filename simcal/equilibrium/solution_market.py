"""The market of any solution, in memory: its policy is called on the paths, period after period."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from simcal.equilibrium.problem import SPECS, EquilibriumProblem
from simcal.equilibrium.solution import EquilibriumSolution
from simcal.errors import ParameterError
from simcal.models.trading_costs.market import check_changes, refuse_twin
from simcal.noise import normals
from simcal.parameters import Parameter, check_factor

_BLOCK = 64  # paths evaluated together, from a multiple of it on
_DRAWS = 64  # steps whose draws are made at a time
_PRICE = Parameter("initial_price", 100.0, "price at the start", unit="price")


@dataclass(frozen=True)
class SolutionMarket:
    """The market of a solution whose policy is no table: other powers than 2, trained networks.

    It simulates as `EquilibriumMarket` does, with the same outputs: when the dividend is paid the next period begins,
    price where it is, endowments, W and positions anew. It cannot be saved, because its policy is a function: save the
    problem, and solve it again.

    Parameters
    ----------
    solution
        Of any method that has not failed.
    initial_price
        The solution says by how much the price changes from there.
    """

    kind: ClassVar[str] = "equilibrium-solution"
    SPECS: ClassVar[dict[str, Parameter]] = {**SPECS, "initial_price": _PRICE}
    OUTPUTS: ClassVar[tuple[str, ...]] = ("drift", "volatility", "volume")

    solution: EquilibriumSolution
    initial_price: float = 100.0

    def __post_init__(self) -> None:
        if self.solution.failed:
            raise ParameterError(f"The solution by {self.solution.method!r} has failed, so it makes no market.")
        object.__setattr__(self, "initial_price", _PRICE.check(self.initial_price))
        names = tuple(f"position_{n + 1}" for n in range(self.problem.n_agents))
        object.__setattr__(self, "OUTPUTS", SolutionMarket.OUTPUTS + names)

    @property
    def problem(self) -> EquilibriumProblem:
        """What was solved."""
        return self.solution.problem

    @property
    def steps_per_period(self) -> int:
        """Steps from one dividend to the next."""
        return self.problem.n_steps

    def replace(self, **changes: Any) -> Self:
        """The same market from another initial price; other parameters need a solution of their own."""
        check_changes(changes, self.SPECS)
        return replace(self, **changes)

    def rescaled(self, factor: float) -> Self:
        """The market whose returns are `factor` times as large: the same amounts at another level of the price."""
        check_factor(factor)
        return self.replace(initial_price=self.initial_price / factor)

    def to_dict(self) -> dict[str, Any]:
        """Where the paths come from: problem, method and initial price. No policy, so no market comes back from it."""
        return {
            "kind": self.kind, "method": self.solution.method, "initial_price": self.initial_price,
            "problem": self.problem.to_dict(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """`ParameterError`: the policy is in no file."""
        raise ParameterError("The market of a solution is in no file; solve its problem again.")

    def describe(self) -> list[dict[str, Any]]:
        """One row per parameter: name, letter, value, unit, description; for tables."""
        values = {**self.problem.to_dict(), "initial_price": self.initial_price}
        return [
            {"parameter": p.name, "letter": p.letter, "value": values[p.name], "unit": p.unit, "meaning": p.description}
            for p in self.SPECS.values()
            if p.name in values
        ]

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
        """As `EquilibriumMarket.simulate_chunk`, in float64 and one thread.

        Paths are evaluated in whole blocks, so that the bits of each depend on its number alone.
        """
        parts = []
        for begin in range(first_path - first_path % _BLOCK, first_path + n_paths, _BLOCK):
            block = self._block(seed, begin, n_steps, tuple(save), every, burn_in, dtype)
            wanted = slice(max(first_path - begin, 0), min(first_path + n_paths - begin, _BLOCK))
            parts.append({name: table[wanted] for name, table in block.items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def twin(self, trainable: Sequence[str], *, per_trader: Sequence[str] = (), **options: Any) -> NoReturn:
        """An equilibrium has no differentiable twin: `ParameterError`."""
        refuse_twin()

    def _block(
        self, seed: int, first: int, n_steps: int, save: tuple[str, ...], every: int, burn_in: int, dtype: str
    ) -> dict[str, np.ndarray]:
        problem, policy = self.problem, self.solution.policy
        delta, start = problem.step, problem.initial_positions
        tables = {name: np.empty((_BLOCK, n_steps // every + 1), dtype) for name in ("prices", *save)}
        failed, w = np.zeros(_BLOCK, np.int64), np.zeros(_BLOCK)
        positions = np.tile(start, (_BLOCK, 1))
        volatility, drift, _ = policy(0, positions, w)
        now: dict[str, Any] = {"prices": np.full(_BLOCK, self.initial_price), "volume": 0.0}
        now |= {"drift": drift, "volatility": volatility}

        def store(at: int) -> None:
            for name, table in tables.items():
                column = int(name.removeprefix("position_")) - 1 if name.startswith("position_") else None
                table[:, at] = now[name] if column is None else positions[:, column]

        if burn_in == 0:
            store(0)
        draws, total = np.empty((0, 1, 0)), n_steps + burn_in
        for step in range(1, total + 1):
            k, place = (step - 1) % problem.n_steps, (step - 1) % _DRAWS
            if k == 0:
                w, positions = np.zeros(_BLOCK), np.tile(start, (_BLOCK, 1))
            if place == 0:
                draws = normals(seed, first, _BLOCK, step, min(_DRAWS, total + 1 - step), 1)
            increment = draws[place, 0] * math.sqrt(delta)
            volatility, drift, rates = policy(k, positions, w)
            price = now["prices"] + drift * delta + volatility * increment
            positions, w = positions + rates * delta, w + increment
            volume = np.abs(rates).sum(axis=1) * (delta / 2)
            now = {"prices": price, "drift": drift, "volatility": volatility, "volume": volume}
            failed = np.where((failed == 0) & ~((price > 0) & np.isfinite(price)), step, failed)
            if step >= burn_in and (step - burn_in) % every == 0:
                store((step - burn_in) // every)
        return {**tables, "failed_step": failed}
