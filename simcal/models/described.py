"""What the descriptions of all markets can do alike."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any, ClassVar, Self

from simcal.errors import check_names
from simcal.parameters import Parameter, to_plain


class Described:
    """Base of the frozen dataclasses that describe a market; `title` is what errors call it."""

    kind: ClassVar[str]
    title: ClassVar[str]
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

    def replace(self, **changes: Any) -> Self:
        """A market with some parameters changed; everything is checked again."""
        self._check_names(changes)
        return replace(self, **changes)  # type: ignore[type-var]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The market that a TOML file describes; `ParameterError` for unknown names."""
        values = {k: v for k, v in values.items() if k not in ("kind", "description")}
        cls._check_names(values)
        return cls(**values)

    @classmethod
    def _check_names(cls, values: dict[str, Any]) -> None:
        known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        check_names(values, known, f"a parameter of the {cls.title}")
