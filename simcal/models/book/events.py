"""What may happen to an order-book market from outside: a shock, a fat finger, a price limit, a trading halt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from simcal.errors import ParameterError
from simcal.parameters import Parameter, check_names

_MOST = 2**31 - 1
_STEP = Parameter("step", 1, "when it happens, counted from time 0", 1, _MOST, integer=True, unit="steps")


@dataclass(frozen=True)
class Event:
    """Base of events: frozen, checked, one table of ``[[events]]`` in TOML each."""

    kind: ClassVar[str]
    SPECS: ClassVar[tuple[Parameter, ...]]

    def __post_init__(self) -> None:
        for spec in self.SPECS:
            try:
                object.__setattr__(self, spec.name, spec.check(getattr(self, spec.name)))
            except ParameterError as error:
                raise ParameterError(f"The event {self.kind!r}: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ``kind`` first."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Shock(Event):
    """The fundamental value changes by a factor ``1 + change`` at the beginning of a step, for good."""

    kind: ClassVar[str] = "shock"
    SPECS: ClassVar[tuple[Parameter, ...]] = (
        _STEP, Parameter("change", -0.1, "relative change of the fundamental value", -0.99, 100.0),
    )  # fmt: skip

    step: int
    change: float


@dataclass(frozen=True)
class FatFinger(Event):
    """Somebody sends one large market order by mistake, before the others act; what finds nobody is cancelled."""

    kind: ClassVar[str] = "fat-finger"
    SPECS: ClassVar[tuple[Parameter, ...]] = (
        _STEP, Parameter("volume", 1000, "shares", 1, _MOST, integer=True, unit="shares"),
    )  # fmt: skip

    step: int
    volume: int
    side: str = "sell"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.side not in ("buy", "sell"):
            raise ParameterError(f"The event 'fat-finger': side is {self.side!r}, but must be 'buy' or 'sell'.")


@dataclass(frozen=True)
class PriceLimit(Event):
    """Limit orders are moved into a band around the reference price; market orders become limit orders at its end.

    The reference is the initial price until the first session opens, and then the price at the opening of each.
    """

    kind: ClassVar[str] = "price-limit"
    SPECS: ClassVar[tuple[Parameter, ...]] = (
        Parameter("band", 0.05, "largest relative distance from the reference price", 0, 10, open=True),
    )

    band: float


@dataclass(frozen=True)
class TradingHalt(Event):
    """Orders only rest for some steps once the price is too far from the reference, as in `PriceLimit`.

    Trade begins again with an opening, which makes its price the reference.
    """

    kind: ClassVar[str] = "trading-halt"
    SPECS: ClassVar[tuple[Parameter, ...]] = (
        Parameter("threshold", 0.05, "relative distance from the reference price that stops trade", 0, 10, open=True),
        Parameter("duration", 100, "steps without trade", 1, _MOST, integer=True, unit="steps"),
    )

    threshold: float
    duration: int


EVENTS: dict[str, type[Event]] = {cls.kind: cls for cls in (Shock, FatFinger, PriceLimit, TradingHalt)}


def events_of(given: Any) -> tuple[Event, ...]:
    """Events from a list of events or of mappings with a ``kind``; `ParameterError` for anything else."""
    if isinstance(given, (str, Mapping)) or not isinstance(given, Sequence):
        raise ParameterError(f"events is {given!r:.60}, but must be a list of tables such as {{kind = 'shock', ...}}.")
    found = tuple(item if isinstance(item, Event) else _event_of(item) for item in given)
    for kind in ("price-limit", "trading-halt"):
        if sum(event.kind == kind for event in found) > 1:
            raise ParameterError(f"There are several events {kind!r}, but a market has at most one; keep one of them.")
    return found


def _event_of(table: Any) -> Event:
    kind = table.get("kind") if isinstance(table, Mapping) else None
    if kind not in EVENTS:
        raise ParameterError(f"An event's kind is {kind!r}, but must be one of {', '.join(EVENTS)}.")
    values = {name: value for name, value in table.items() if name != "kind"}
    names = [field.name for field in fields(EVENTS[kind])]
    check_names(values, names, f"a number of the event {kind!r}")
    missing = [name for name in names if name not in values and not (kind == "fat-finger" and name == "side")]
    if missing:
        raise ParameterError(f"The event {kind!r} lacks {' and '.join(missing)}; give {' and '.join(names)}.")
    return EVENTS[kind](**values)
