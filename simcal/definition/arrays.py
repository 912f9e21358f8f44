"""A market's step as it stands, run on NumPy arrays or PyTorch tensors: nothing is emitted, a debugger can follow it.

On tensors, any device, it is the eager twin with gradients by autograd; on arrays what the kernel must reproduce.
Numbers of paths have shape (n_paths,), numbers of a group's traders (traders, 1) or (traders, n_paths).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.definition.declarations import Draw, Group, Orders, Output, State
from simcal.definition.functions import gradient_floor
from simcal.definition.kernel import depths_of
from simcal.definition.language import Definition, states
from simcal.definition.program import Program, following, numbers_of

if TYPE_CHECKING:
    from torch import Tensor


def simulate_arrays(
    market: Definition, noise: np.ndarray, save: tuple[str, ...] | None = None
) -> dict[str, np.ndarray]:
    """Run a market on given noise.

    Parameters
    ----------
    market
        The description.
    noise
        Standard normals, shape (n_steps, market.draws_per_step, n_paths), in float64 or float32.
    save
        Names among ``market.OUTPUTS``; all of them unless told otherwise.

    Returns
    -------
    dict
        ``prices`` and every name in `save`, each of shape (n_steps + 1, n_paths).
    """
    names = market.OUTPUTS if save is None else save
    return {name: np.stack(rows) for name, rows in _Run(market, noise, {}, _Numpy(noise)).play(names).items()}


def eager_prices(
    market: Definition, values: Mapping[str, Tensor], noise: Tensor, *, variance_gradient_floor: float = 0.0
) -> Tensor:
    """Prices of a market in PyTorch operations; arguments and result as of `adjoint_prices`, on any device."""
    import torch

    with gradient_floor(variance_gradient_floor):
        rows = _Run(market, noise, values, _Torch(noise)).play(())["prices"]
    return torch.stack(rows).t()


class _Numpy:
    """How numbers become arrays that go with the noise."""

    def __init__(self, noise: Any) -> None:
        self.like = noise

    def number(self, value: Any) -> Any:
        """A parameter, float64, in the precision of the noise."""
        return np.asarray(value, dtype=self.like.dtype)

    def row(self, value: Any, *traders: int) -> Any:
        """The same number on every path, for each trader of a group where there are any."""
        value = np.asarray(value, self.like.dtype)
        value = value[:, None] if traders and value.ndim == 1 else value
        return np.broadcast_to(value, (*traders, self.like.shape[2])).copy()

    def weighted(self, weights: np.ndarray, past: list[Any]) -> Any:
        """The sum of past values with weights (values,) or (traders, values)."""
        return (weights @ np.stack(past)).astype(self.like.dtype)


class _Torch(_Numpy):
    def number(self, value: Any) -> Any:
        import torch

        value = value if isinstance(value, torch.Tensor) else torch.as_tensor(np.asarray(value))
        return value.to(dtype=self.like.dtype, device=self.like.device)

    def row(self, value: Any, *traders: int) -> Any:
        value = self.number(value)
        value = value[:, None] if traders and value.ndim == 1 else value
        return value.expand(*traders, self.like.shape[2])

    def weighted(self, weights: np.ndarray, past: list[Any]) -> Any:
        import torch

        return torch.as_tensor(weights).to(self.like) @ torch.stack(past)


class _Run:
    """The answers to what a step asks for, and the loop over steps."""

    def __init__(self, market: Definition, noise: Any, values: Mapping[str, Any], kind: _Numpy) -> None:
        self.description, self.noise, self.values, self.kind = market, noise, values, kind
        self.program = Program(market, frozenset(values))
        self.outside: Any = 0.0
        self.numbers = {name: kind.number(value) for name, value in self._given().items()}
        self.states: dict[Any, Any] = {}
        start = self._moment(starting=True)
        for group, what in states(market):
            self.states[group, what.name] = self._start(start, what, group)
        self.outputs = {w.name: self._start(start, w, None) for w in market.DECLARED.values() if isinstance(w, Output)}
        self.outputs.setdefault("price", self.states.get((None, "price")))
        self.past = {s: deque([self.states[None, s]] * (d + 1), d + 1) for s, d in depths_of(self.program).items()}

    def _given(self) -> dict[str, Any]:
        """Every parameter: what is given (with its gradient), else the market's own, else that which it follows."""
        market, own = self.description, numbers_of(self.description)
        found = {}
        for name, spec in market.SPECS.items():
            value = self.values.get(name, own.get(name))
            if spec.group and name in self.values and value.ndim == 0:
                value = value.expand(getattr(market, spec.group))
            found[name] = value
        return found | {name: found[followed] for name, followed in following(market, self.values).items()}

    def _start(self, now: Any, what: State | Output, group: str | None) -> Any:
        start: Any = what.start
        if group is None and what.name in self.description.begun:
            return self.kind.row(self.description.begun[what.name])
        traders: tuple[int, ...] = ()
        if group is not None:
            now, traders = self._trader(self.description.GROUPS[group], {}), (getattr(self.description, f"n_{group}"),)
        value: Any = start(now) if callable(start) else getattr(now, start) if isinstance(start, str) else start
        if getattr(value, "ndim", 0) == 2:
            value = value[:, 0]
        return self.kind.row(value, *traders)

    def _moment(self, *, starting: bool = False) -> Any:
        market, now = self.description, object.__new__(type(self.description))
        numbers = {n: market.__dict__[n] for n in market.CHOICES}
        numbers |= {name: self.numbers[name] for name, spec in market.SPECS.items() if spec.group is None}
        numbers |= {} if starting else {name: value for (group, name), value in self.states.items() if group is None}
        now.__dict__.update(numbers, engine=self)
        return now

    def _trader(self, group: Group, draws: Mapping[str, Any]) -> Any:
        trader = object.__new__(group.trader)
        for field, what in group.trader.DECLARED.items():
            if isinstance(what, State):
                trader.__dict__[field] = self.states.get((group.name, field))
            elif isinstance(what, Draw):
                trader.__dict__[field] = draws.get(field)
            else:
                trader.__dict__[field] = self.numbers[field][:, None]
        return trader

    def play(self, save: tuple[str, ...]) -> dict[str, list[Any]]:
        """Rows of the prices and of what is saved, one per time."""
        market = self.description
        rows = {"prices": [self.outputs["price"]], **{name: [self.outputs[name]] for name in save}}
        for t in range(1, len(self.noise) + 1):
            self.t, self.normals, self.ordered = t, self.noise[t - 1], {}
            now = self._moment()
            for name, what in market.DECLARED.items():
                if isinstance(what, Draw) and self.program.streams[None, name] < len(self.normals):
                    now.__dict__[name] = self.normals[self.program.streams[None, name]]
            now.step()
            for name, what in market.DECLARED.items():
                if isinstance(what, State):
                    self.states[None, name] = now.__dict__[name]
            for state, past in self.past.items():
                past.append(self.states[None, state])
            rows["prices"].append(now.__dict__["price"])
            for name in save:
                value = now.__dict__.get(name, 0.0)
                rows[name].append(value if getattr(value, "ndim", 0) else self.kind.row(value))
        return rows

    @property
    def age(self) -> int:
        return self.t

    def uses(self, names: tuple[str, ...]) -> bool:
        return self.program.engine.uses(names)

    def _steps(self, steps: Any) -> np.ndarray:
        """A number of steps, or one per trader, as whole numbers."""
        return np.asarray(steps.detach().cpu() if hasattr(steps, "detach") else steps).reshape(-1).astype(int)

    def lag(self, name: str, steps: Any) -> Any:
        past = list(self.past[name])
        chosen = np.zeros((len(self._steps(steps)), len(past)))
        chosen[np.arange(len(chosen)), len(past) - self._steps(steps)] = 1
        return self.kind.weighted(chosen if getattr(steps, "ndim", 0) else chosen[0], past)

    def mean(self, name: str, window: Any, exact: bool) -> Any:
        past, last = list(self.past[name]), self.past[name][-1]
        lengths = self._steps(window)
        back = np.arange(len(past), 0, -1)  # steps since each
        weights = np.where(back <= lengths[:, None], 1 / lengths[:, None], 0.0)
        # Of distances to the last value: equal values give exactly no difference of two means.
        weights = weights if getattr(window, "ndim", 0) else weights[0]
        return _Mean(last, self.kind.weighted(weights, [value - last for value in past]))

    def orders(self, now: Any, group: Group) -> Orders:
        if group.name not in self.ordered:
            count = getattr(self.description, group.size)
            first = {field: self.program.streams[g, field] for g, field in self.program.streams if g == group.name}
            trader = self._trader(group, {field: self.normals[s : s + count] for field, s in first.items()})
            each = trader.orders(now)
            if group.trader.first_step is not None:
                acts = self._steps(self.numbers[group.trader.first_step])[:, None] <= self.t
                each = each * self.kind.number(acts)
            for field, what in group.trader.DECLARED.items():
                if isinstance(what, State):
                    self.states[group.name, field] = trader.__dict__[field]
            self.ordered[group.name] = Orders(each.sum(0), abs(each).sum(0))
        return self.ordered[group.name]


class _Mean:
    """A moving mean as its distance to the last value, which a difference of two leaves out."""

    def __init__(self, last: Any, distance: Any) -> None:
        self.last, self.distance = last, distance

    def __sub__(self, other: Any) -> Any:
        return self.distance - other.distance if isinstance(other, _Mean) else self.value - other

    @property
    def value(self) -> Any:
        return self.last + self.distance

    def __getattr__(self, name: str) -> Any:
        return getattr(self.value, name)

    def __add__(self, other: Any) -> Any:
        return self.value + other

    def __radd__(self, other: Any) -> Any:
        return other + self.value

    def __rsub__(self, other: Any) -> Any:
        return other - self.value

    def __mul__(self, other: Any) -> Any:
        return self.value * other

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self.value / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.value

    def __neg__(self) -> Any:
        return -self.value
