"""What the descriptions of all markets can do alike."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from simcal.parameters import Parameter, to_plain


class Described:
    """Base of the frozen dataclasses that describe a market."""

    kind: ClassVar[str]
    SPECS: ClassVar[dict[str, Parameter]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they stand in TOML: ``kind`` first, then every parameter."""
        return {"kind": self.kind, **to_plain(asdict(self))}  # type: ignore[call-overload]

    def describe(self) -> list[dict[str, Any]]:
        """One row per parameter: name, letter, value, unit, description; for tables."""
        return [
            {"parameter": p.name, "letter": p.letter, "value": getattr(self, p.name), "unit": p.unit,
             "meaning": p.description}
            for p in self.SPECS.values()
        ]  # fmt: skip
