"""The files that estimates wait in while others are still searched for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simcal.errors import ParameterError
from simcal.files import write_atomically
from simcal.json_text import json_text


def read_finished(path: Path | None, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `write_finished` left there, or None; `ParameterError` where it is of another recipe or sample."""
    if path is None or not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        same = found["identity"] == json.loads(json_text(identity))
        result = found["result"]
    except (ValueError, KeyError, TypeError):
        return None  # it is made anew
    if not same:
        raise ParameterError(
            f"{path} was made by another recipe, seed or market; give another folder, or delete this one to begin anew."
        )
    return result


def write_finished(path: Path | None, identity: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Keep a result for a run that continues."""
    if path is not None:
        write_atomically(path, json_text({"identity": identity, "result": result}))
