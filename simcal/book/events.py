"""What may happen to an order-book market from outside: a shock, a fat finger, a price limit, a trading halt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, ClassVar, Literal

from simcal.errors import ParameterError, check_names
from simcal.fields import check_fields, parameter

_MOST = 2**31 - 1


def _step() -> Any:
    return parameter(MISSING, "when it happens, counted from time 0", 1, _MOST, integer=True, unit="steps")


@dataclass(frozen=True)
class MarketEvent:
    """Base of events: frozen, checked, one table of ``[[events]]`` in TOML each."""

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        try:
            check_fields(self)
        except ParameterError as error:
            raise ParameterError(f"The event {self.kind!r}: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ``kind`` first."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Shock(MarketEvent):
    """The fundamental value changes by a factor ``1 + change`` at the beginning of a step, for good."""

    kind: ClassVar[str] = "shock"

    step: int = _step()
    change: float = parameter(MISSING, "relative change of the fundamental value", -0.99, 100.0)


@dataclass(frozen=True)
class FatFinger(MarketEvent):
    """Somebody sends one large market order by mistake, before the others act; what finds nobody is cancelled."""

    kind: ClassVar[str] = "fat-finger"

    step: int = _step()
    volume: int = parameter(MISSING, "shares", 1, _MOST, integer=True, unit="shares")
    side: Literal["buy", "sell"] = "sell"


@dataclass(frozen=True)
class PriceLimit(MarketEvent):
    """Limit orders are moved into a band around the reference price; market orders become limit orders at its end.

    The reference is the initial price until the first session opens, and then the price at the opening of each.
    """

    kind: ClassVar[str] = "price-limit"

    band: float = parameter(MISSING, "largest relative distance from the reference price", 0, 10, open=True)


@dataclass(frozen=True)
class TradingHalt(MarketEvent):
    """Orders only rest for some steps once the price is too far from the reference, as in `PriceLimit`.

    Trade begins again with an opening, which makes its price the reference.
    """

    kind: ClassVar[str] = "trading-halt"

    threshold: float = parameter(
        MISSING, "relative distance from the reference price that stops trade", 0, 10, open=True
    )
    duration: int = parameter(MISSING, "steps without trade", 1, _MOST, integer=True, unit="steps")


EVENTS: dict[str, type[MarketEvent]] = {cls.kind: cls for cls in (Shock, FatFinger, PriceLimit, TradingHalt)}


def events_of(given: Any) -> tuple[MarketEvent, ...]:
    """Events from a list of events or of mappings with a ``kind``; `ParameterError` for anything else."""
    if isinstance(given, (str, Mapping)) or not isinstance(given, Sequence):
        raise ParameterError(f"events is {given!r:.60}, but must be a list of tables such as {{kind = 'shock', ...}}.")
    found = tuple(item if isinstance(item, MarketEvent) else _event_of(item) for item in given)
    for kind in ("price-limit", "trading-halt"):
        if sum(event.kind == kind for event in found) > 1:
            raise ParameterError(f"There are several events {kind!r}, but a market has at most one; keep one of them.")
    return found


def _event_of(table: Any) -> MarketEvent:
    kind = table.get("kind") if isinstance(table, Mapping) else None
    if kind not in EVENTS:
        raise ParameterError(f"An event's kind is {kind!r}, but must be one of {', '.join(EVENTS)}.")
    values = {name: value for name, value in table.items() if name != "kind"}
    names = [one.name for one in fields(EVENTS[kind])]
    needed = [one.name for one in fields(EVENTS[kind]) if one.default is MISSING]
    check_names(values, names, f"a number of the event {kind!r}")
    missing = [name for name in needed if name not in values]
    if missing:
        raise ParameterError(f"The event {kind!r} lacks {' and '.join(missing)}; give {' and '.join(names)}.")
    return EVENTS[kind](**values)
