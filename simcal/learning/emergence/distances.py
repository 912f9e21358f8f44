"""The distances of all runs of the experiment to a real series."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simcal.data import load_series
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.learning.emergence.bars import CLOCKS
from simcal.learning.emergence.one_run import returns_of
from simcal.learning.emergence.real_days import real_days
from simcal.learning.emergence.settings import ARMS, EmergenceSettings
from simcal.learning.emergence.transport import distance

_FILE = "distances.json"


@dataclass(frozen=True)
class Distances:
    """Distances of runs to a real series.

    Attributes
    ----------
    name, kind, n_days
        Of the series: its name, "intraday days" or "windows of daily prices", and how many.
    runs, floors
        (arm, seed, acting, clock) to the distance, and to the floor at the same numbers of points.
    """

    name: str
    kind: str
    n_days: int
    runs: Mapping[tuple[str, int, str, str], float]
    floors: Mapping[tuple[str, int, str, str], float]

    def table(self, clock: str) -> list[dict[str, Any]]:
        """A row per arm and acting: median distance over runs, the smallest and largest, and the median floor."""
        rows = []
        for arm in ARMS:
            for acting in dict.fromkeys(key[2] for key in self.runs if key[0] == arm):
                keys = [key for key in self.runs if (key[0], key[2], key[3]) == (arm, acting, clock)]
                found = np.array([self.runs[key] for key in keys])
                rows.append({
                    "arm": arm, "acting": acting, "distance": float(np.median(found)),
                    "smallest": float(found.min()), "largest": float(found.max()),
                    "floor": float(np.median([self.floors[key] for key in keys])), "runs": len(keys),
                })  # fmt: skip
        return rows


def distances_of(
    settings: EmergenceSettings, records: Sequence[Mapping[str, Any]], folders: Sequence[Path]
) -> Distances:
    """Measure all runs with a market, in every view; seconds each, so what was found is kept in the run's folder."""
    series = load_series(settings.data)
    real = real_days(series, sum(settings.bars))
    found, floors, known = {}, {}, {}
    for record, folder in zip(records, folders, strict=True):
        kept = _kept(folder)
        for acting, why in record["collapsed"].items():
            for clock in CLOCKS:
                if not why:
                    name = f"{series.sha256}, {acting}, {clock}"
                    if name not in kept:
                        measured = distance(returns_of(folder, acting, clock), real, floors=known)
                        kept[name] = [measured.total, measured.floor]
                        write_atomically(folder / _FILE, json_text(kept, indent=1))
                    key = (record["arm"], record["seed"], acting, clock)
                    found[key], floors[key] = kept[name]
    kind = "intraday days" if series.frequency == "intraday" else f"windows of {series.frequency} prices"
    return Distances(series.name, kind, len(real), found, floors)


def _kept(folder: Path) -> dict[str, list[float]]:
    """What was found before; nothing where the file is none."""
    try:
        return dict(json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}
