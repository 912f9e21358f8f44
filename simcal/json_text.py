"""Results as JSON text that every reader takes: numbers that are not finite become null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def json_text(result: Mapping[str, Any], *, indent: int | None = None) -> str:
    """One JSON object; NaN, infinities and what pandas calls missing become null, NumPy numbers plain ones."""
    return json.dumps(_plain(result), allow_nan=False, indent=indent)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):  # NumPy numbers and arrays, without importing NumPy here
        value = value.tolist()
        if isinstance(value, list):
            return _plain(value)
    if type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value
