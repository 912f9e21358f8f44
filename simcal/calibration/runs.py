"""The one table of kinds of runs: what the verbs do with each, from a recipe to a report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simcal.calibration.recipe import Recipe
from simcal.errors import DataError
from simcal.registry import Registry
from simcal.subjects import Shown


class RunKind:
    """What a kind of run does; the base of all, which can nothing."""

    word = "run"  # what messages call one
    units = "start"  # what its bars of progress count

    def of(self, recipe: Recipe) -> RunKind:
        """The kind of run that a recipe of this kind leaves."""
        return self

    def calibrate(self, market: Any, data: Any, recipe: Recipe, **options: Any) -> Any:
        """A result from data and a recipe; `market` is None where the recipe's is meant. As `simcal.calibrate`."""
        raise NotImplementedError

    def play(self, recipe: Recipe, **options: Any) -> Any:
        """The result of an experiment, which makes its data itself."""
        raise NotImplementedError

    def bars(self, recipe: Recipe) -> tuple[int, int]:
        """How many bars of progress there are, and the iterations of each."""
        return recipe.starts.count, recipe.game.iterations

    def show(self, result: Any) -> Shown:
        """What a command prints of a result."""
        following = "simcal simulate {folder} --paths 1000 --steps 250 --out paths.parquet"
        return Shown(result.tables(), result.sentences(), following)

    def show_certificate(self, certificate: Any) -> Shown:
        """What a command prints of the certificate of what was calibrated."""
        return Shown({"How like the real series": certificate.summary()}, certificate.verdict)

    def conclude(self, result: Any, folder: Path, *, jobs: int | None = None, listen: Any = None,
                 say: Callable[[str], object] = print) -> Any:  # fmt: skip
        """Judge what was calibrated, where it can be, and write the report; gives the certificate or None."""
        self.report(folder)

    def judge(self, folder: Path, **options: Any) -> Any:
        """Judge the market of a run by the run's own data, and keep the certificate in the folder."""
        raise DataError(f"{folder} is {self.word}, whose market is not judged by its own data; give data as well.")

    def check_readable(self, folder: Path) -> None:
        """`DataError` where `read_run` cannot read such a folder, which has no data of its own or leaves no market."""

    def report(self, folder: Path, data: Any = None, mapping: Mapping[str, str] | None = None) -> Path:
        """Write report.html anew from what lies in the folder; `data` where those of the run have moved."""
        raise NotImplementedError


RUNS: Registry[RunKind] = Registry("simcal.runs", "a kind of run")


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of a run folder; `DataError` where the folder is not that of a finished run."""
    path = Path(folder) / "manifest.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DataError(
            f"{folder} is not the folder of a finished run: its manifest.json is missing or unreadable. "
            "Give the folder that `simcal calibrate` wrote, or let it finish."
        ) from None


def kind_of(folder: str | Path) -> RunKind:
    """What kind of run lies in a folder; `DataError` where there is none that this simcal knows."""
    name = read_manifest(folder).get("kind", "calibration")
    if name not in RUNS:
        raise DataError(
            f"{folder} holds a run of the kind {name!r}, which is not known here; known are {', '.join(RUNS)}. Install "
            "the package that made it."
        )
    return RUNS[name]
