"""The parameters of a market that are trained: free numbers that a transform keeps inside the bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.distributions.transforms import (
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    SigmoidTransform,
    Transform,
    identity_transform,
)

from simcal.errors import ParameterError, check_names
from simcal.parameters import Parameter


class Described(Protocol):
    """What it takes to train a market's parameters: their descriptions, their values as attributes, and `replace`."""

    SPECS: ClassVar[dict[str, Parameter]]

    def replace(self, **changes: Any) -> Any:
        """The same market with some parameters changed, checked again."""
        ...


class TrainableParameters(nn.Module):
    """Some parameters of a market as free numbers, of which the optimiser may choose any.

    Each goes through a transform of ``torch.distributions`` to its natural value: times the parameter's ``scale`` where
    it has no bounds, an exponential above a lower or below an upper bound, a sigmoid between two. The free numbers are
    the module's ``nn.Parameter``s and its ``state_dict``, by the parameters' names; averages are to be taken of these.

    Parameters
    ----------
    market
        Where the training starts, and whose other parameters stay as they are.
    names
        The parameters to train, from ``market.SPECS``.
    per_trader
        Those of `names` that get one number per trader of their group; the others get one that all traders share.
    dtype, device
        Of the free numbers. Natural values are as exact as these, whatever the precision of the simulation.

    Raises
    ------
    ParameterError
        Where a name is unknown or cannot be trained, where a shared parameter has different values in the market, or
        where a start lies on a bound, at which nothing moves.
    """

    def __init__(
        self,
        market: Described,
        names: Iterable[str],
        *,
        per_trader: Iterable[str] = (),
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        names, per_trader = list(names), set(per_trader)
        check_names(names, market.SPECS, "a parameter of this market")
        check_names(per_trader, names, "among the trainable parameters, so it cannot be trained per trader")
        self.market = market
        self._transforms: dict[str, Any] = {}
        self.free = nn.ParameterDict()
        for name in names:
            spec = market.SPECS[name]
            _check_trainable(spec, market, per_trader=name in per_trader)
            shape = (getattr(market, str(spec.group)),) if name in per_trader else ()
            start = _start(market, spec, getattr(market, name), shape)
            self._transforms[name] = _transform(spec)
            self.free[name] = nn.Parameter(self._to_free(name, start).to(dtype=dtype, device=device))

    @property
    def names(self) -> tuple[str, ...]:
        """The trained parameters, in the order given."""
        return tuple(self.free)

    def values(self) -> dict[str, Tensor]:
        """Natural values with gradients: a 0-d tensor, or shape (count,) for a parameter trained per trader."""
        return {name: self._transforms[name](free) for name, free in self.free.items()}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Put natural values in place; a number goes to all traders. `ParameterError` outside the bounds."""
        check_names(values, self.names, "a trained parameter")
        for name, value in values.items():
            free = self.free[name]
            start = _start(self.market, self.market.SPECS[name], value, tuple(free.shape))
            with torch.no_grad():
                free.copy_(self._to_free(name, start))

    def scatter(self, generator: torch.Generator, scale: float = 1.0) -> None:
        """Add N(0, scale^2) to every free number: a random start. The generator is one of the CPU."""
        with torch.no_grad():
            for free in self.free.values():
                free += scale * torch.randn(free.shape, generator=generator, dtype=torch.float64).to(free)

    def to_market(self) -> Any:
        """The market at the present values, which lie strictly inside their bounds.

        Raises
        ------
        ParameterError
            Where a value is not finite.
        """
        changes = {}
        for name, value in self.values().items():
            spec = self.market.SPECS[name]
            inside = value.detach().double().cpu()
            # Rounding may land on a bound; NaN passes and is refused by the market.
            if math.isfinite(spec.low):
                inside = inside.clamp(min=math.nextafter(spec.low, math.inf))
            if math.isfinite(spec.high):
                inside = inside.clamp(max=math.nextafter(spec.high, -math.inf))
            changes[name] = inside.tolist()
        return self.market.replace(**changes)

    def _to_free(self, name: str, natural: Tensor) -> Tensor:
        return self._transforms[name].inv(natural)


def _transform(spec: Parameter) -> Transform:
    """From all numbers to those strictly inside the bounds of the parameter."""
    below, above = math.isfinite(spec.low), math.isfinite(spec.high)
    if below and above:
        return ComposeTransform([SigmoidTransform(), AffineTransform(spec.low, spec.high - spec.low)])
    if below:
        return ExpTransform() if spec.low == 0 else ComposeTransform([ExpTransform(), AffineTransform(spec.low, 1.0)])
    if above:
        return ComposeTransform([ExpTransform(), AffineTransform(spec.high, -1.0)])
    return AffineTransform(0.0, spec.scale) if spec.scale != 1 else identity_transform


def _check_trainable(spec: Parameter, market: Described, *, per_trader: bool) -> None:
    if spec.integer or not spec.trainable:
        trainable = ", ".join(s.name for s in market.SPECS.values() if s.trainable and not s.integer)
        raise ParameterError(f"{spec.name} cannot be trained; choose among {trainable}.")
    if per_trader and spec.group is None:
        raise ParameterError(
            f"{spec.name} belongs to the whole market, so it cannot be trained per trader; leave it out of per_trader."
        )
    if spec.group is not None and getattr(market, spec.group) == 0:
        raise ParameterError(f"{spec.name} cannot be trained because {spec.group} is 0; leave it out or add traders.")


def _start(market: Described, spec: Parameter, value: Any, shape: tuple[int, ...]) -> Tensor:
    """A natural value as a float64 tensor of `shape`, checked to lie strictly inside the bounds."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    count = getattr(market, spec.group) if spec.group else None
    numbers = torch.as_tensor(spec.check(value, count), dtype=torch.float64)
    if numbers.ndim == 1 and not shape:
        if not bool((numbers == numbers[0]).all()):
            raise ParameterError(
                f"{spec.name} has a value per trader in this market; name it in per_trader as well, or start from one "
                f"number with market.replace({spec.name}=...)."
            )
        numbers = numbers[0]
    for number in numbers.reshape(-1).tolist():
        if number in (spec.low, spec.high):
            raise ParameterError(
                f"{spec.name} starts at {number:g}, on the edge of what is allowed ({spec.allowed()}), and could not "
                "move from there; start it inside."
            )
    return numbers.expand(shape).clone()
