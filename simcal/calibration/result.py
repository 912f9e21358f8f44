"""What a calibration leaves: the calibrated market, how it was found, and its folder, written and read."""

from __future__ import annotations

import io
import json
import platform
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from simcal import models
from simcal.calibration.certificate import Validation
from simcal.calibration.estimate import Estimate
from simcal.calibration.losses import Loss
from simcal.calibration.recipe import Recipe
from simcal.calibration.runs import kind_of, read_manifest
from simcal.calibration.start import StartResult
from simcal.calibration.start import checkpoint_path as checkpoint_path
from simcal.calibration.statistics import Statistics
from simcal.data import PriceSeries, load_series
from simcal.errors import DataError
from simcal.files import write_atomically
from simcal.json_text import json_text
from simcal.models import Market
from simcal.parameters import flat_values
from simcal.user_code import is_reference, require_trust, trusting

_PACKAGES = ("simcal", "numpy", "numba", "torch", "scipy", "pandas", "statsmodels", "arch", "scikit-learn")


@dataclass(frozen=True)
class Calibration:
    """A calibrated market and the record of its calibration.

    Attributes
    ----------
    market, origin
        The calibrated market, ready for `simcal.simulate`, and the one that the recipe starts from.
    series
        The whole price series, of which the recipe's ``train_share`` was trained on.
    recipe
        The resolved recipe.
    starts, chosen
        How every start ended, and the number of the one that was taken.
    seconds
        Wall time of the training.
    data_name
        Where the data can be read again.
    estimate
        The `Estimate`, with standard errors, of an estimator that gives one.
    features, loss
        The statistics that it looked at, and the loss of the game.
    """

    market: Market
    origin: Market
    recipe: Recipe
    series: PriceSeries
    starts: tuple[StartResult, ...]
    chosen: int
    seconds: float
    data_name: str = field(default="")
    estimate: Estimate | None = field(default=None, repr=False)
    features: Statistics | None = field(default=None, repr=False)
    loss: Loss | None = field(default=None, repr=False)

    @property
    def status(self) -> str:
        """One sentence on how the chosen start ended."""
        return self.starts[self.chosen].status

    @property
    def history(self) -> pd.DataFrame:
        """Losses and parameters at every iteration of every start, in a column ``start``."""
        return history_of(self.starts)

    def parameters(self) -> pd.DataFrame:
        """The trained parameters: meaning, letter, unit, value before (start 0) and after; a row each.

        With standard errors, where the estimator gives them.
        """
        table = parameter_table(self.origin, self.market, self.recipe)
        if self.estimate is not None:
            table.insert(4, "standard error", self.estimate.standard_errors)
        return table

    def starts_table(self) -> pd.DataFrame:
        """One row per start: distance to the data, seconds, skipped steps, how it ended."""
        return starts_table(self.starts, self.chosen)

    def summary(self) -> pd.DataFrame:
        """The trained parameters before and after, without their letters."""
        return self.parameters().drop(columns="letter")

    def tables(self) -> dict[str, pd.DataFrame]:
        """What a command prints, by title."""
        return {f"Calibrated to {self.series.name}": self.summary(), "Starts": self.starts_table()}

    def sentences(self) -> list[str]:
        """What is to be said beside the tables: the status of an estimate that has one."""
        return [] if self.estimate is None else [self.estimate.status]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them."""
        return {
            "market": self.market.to_dict(),
            "parameters": flat_values(self.market, self.recipe.trainable),
            "status": self.status,
            "chosen": self.chosen,
            "starts": self.starts_table().to_dict(orient="records"),
            "seconds": self.seconds,
            "recipe": self.recipe.name,
            **({} if self.estimate is None else {"estimate": self.estimate.to_dict()}),
            "data": {"name": self.series.name, "n": self.series.n, "sha256": self.series.sha256},
        }

    def _kept(self, folder: Path) -> dict[str, Any]:
        """What a report says of the user's own things, so that it needs not run them."""
        kept: dict[str, Any] = {}
        if models.is_own(self.market):
            written = models.read_toml(folder / "market.toml")
            kept["definition"] = {"source": written["source"], "sha256": written["sha256"]}
        if self.features is not None:
            labels = self.features.labels(self.recipe.game.window)
            kept["statistics"] = {"name": self.features.name, "description": self.features.description,
                                  "labels": labels}  # fmt: skip
        if self.loss is not None:
            kept["loss"] = {name: getattr(self.loss, name) for name in ("name", "description", "unit", "level")}
        return kept

    def save(self, folder: str | Path) -> Path:
        """Write market, recipe, history, weights and manifest into a folder that `simcal.load` reads.

        ``starts/`` has the market of each start that ended well: what the calibration might have ended in as well.
        """
        folder = Path(folder)
        for start in self.starts:
            if start.succeeded:
                models.save(start.market, folder / "starts" / f"start-{start.number}.toml")
        models.save(self.market, folder / "market.toml")
        record = self.to_dict()
        record |= {**self._kept(folder), "data": {**record["data"], "source": self.data_name}}
        return write_run(folder, record, self.recipe, self.history, {"origin": self.origin}, start=self.chosen)


@dataclass(frozen=True, eq=False)
class Run:
    """What a calibration left in its folder.

    `manifest` has the seed, the versions, the hash of the data and how each start ended; `history` a row per iteration
    of each start; `validation` is the certificate, None where the market has not been judged.
    """

    folder: Path
    market: Market
    origin: Market
    recipe: Recipe
    series: PriceSeries
    manifest: dict[str, Any] = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    validation: Validation | None = None

    @property
    def estimate(self) -> Estimate | None:
        """What the estimator left, with standard errors; None where it has none."""
        found = self.manifest.get("estimate")
        return None if found is None else Estimate.from_dict(found)

    def parameters(self) -> pd.DataFrame:
        """As `Calibration.parameters`."""
        table = parameter_table(self.origin, self.market, self.recipe)
        if self.estimate is not None:
            table.insert(4, "standard error", self.estimate.standard_errors)
        return table

    def starts(self) -> pd.DataFrame:
        """As `Calibration.starts_table`."""
        return pd.DataFrame(self.manifest["starts"])

    @property
    def skipped_steps(self) -> int:
        """Training steps that were left out because they gave numbers that are not finite, over all starts."""
        return sum(start["skipped steps"] for start in self.manifest["starts"])


def read_run(folder: str | Path, series: PriceSeries | None = None, *, trust: bool = False) -> Run:
    """Read a run folder.

    Parameters
    ----------
    folder
        Of a finished calibration.
    series
        Stands in for data that have no name or have moved.
    trust
        Whether a Python file that the folder brings, or names, may be run.

    Raises
    ------
    DataError
        The folder is not that of a finished run, or the data are not those of the run.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    kind_of(folder).check_readable(folder)
    try:
        recipe, history = read_recipe(folder), read_history(folder)
    except (OSError, ValueError) as error:
        raise DataError(f"The run {folder} is damaged ({error}); calibrate again.") from None
    with trusting(trust):
        found = data_of(folder, manifest["data"], series, load_series)
        market, origin = models.load(folder), models.load(folder / "origin.toml")
    return Run(folder, market, origin, recipe, found, manifest, history, read_validation(folder, Validation))


# -- what folders of all kinds of runs hold ---------------------------------------------------------------------------


def write_run(
    folder: Path, record: dict[str, Any], recipe: Recipe, history: pd.DataFrame, markets: Mapping[str, Market | None],
    *, start: int | None = None,
) -> Path:  # fmt: skip
    """Write markets by the names of their files, recipe, history, the weights of a start, last the manifest."""
    for name, market in markets.items():
        if market is not None:
            models.save(market, folder / f"{name}.toml")
    write_atomically(folder / "recipe.toml", recipe.to_toml())
    write_atomically(folder / "history.csv", history.to_csv(index=False))
    if start is not None and (checkpoint := checkpoint_path(folder, start)).is_file():
        write_atomically(folder / "weights.safetensors", checkpoint.read_bytes())
    manifest = {**record, "seed": recipe.seed, "versions": versions()}
    write_atomically(folder / "manifest.json", json_text(manifest, indent=2))
    return folder


def read_recipe(folder: Path) -> Any:
    """The resolved recipe of a run."""
    return Recipe.model_validate(tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8")))


def read_history(folder: Path) -> pd.DataFrame:
    """The history of a run; empty where nothing was played."""
    text = (folder / "history.csv").read_text(encoding="utf-8")
    return pd.read_csv(io.StringIO(text)) if text.strip() else pd.DataFrame()


def data_of(folder: Path, kept: Mapping[str, Any], given: Any, load: Callable[[str], Any]) -> Any:
    """The data of a run, as they are given or loaded again; `DataError` where they are not those that were `kept`."""
    source: str = kept.get("source") or ""
    data: Any = given
    if given is None and not source:
        raise DataError(f"The data of {folder} were passed in from memory and have no name; give them again.")
    if given is None:
        if is_reference(source):
            require_trust(source, f"The run {folder}")
        try:
            data = load(source)
        except DataError as error:
            raise DataError(f"The data of {folder} cannot be read any more; give them again. {error}") from None
    if data.sha256 != kept["sha256"]:
        raise DataError(
            f"The data set {data.name} is not the one that {folder} was calibrated to, or it has changed since. "
            "Give the run's own data."
        )
    return data


def write_validation(folder: str | Path, validation: Any) -> Path:
    """Put the certificate into a run folder."""
    return write_atomically(Path(folder) / "validation.json", json_text(validation.to_dict(), indent=1))


def read_validation(folder: Path, of: type[Any]) -> Any:
    """The certificate in a run folder, of the class that a kind of run has; None where it has not been judged."""
    path = folder / "validation.json"
    try:
        return of.from_dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path} cannot be read; make it anew with `simcal validate {folder}`.") from None


def starts_table(starts: Sequence[StartResult], chosen: int) -> pd.DataFrame:
    """One row per start: see `Calibration.starts_table`."""
    measure = starts[0].measure if starts else "distance"
    return pd.DataFrame(
        [(s.number, s.number == chosen, s.distance, s.seconds, s.non_finite, s.status) for s in starts],
        columns=["start", "chosen", measure, "seconds", "skipped steps", "status"],
    )


def history_of(starts: Sequence[StartResult]) -> pd.DataFrame:
    """Losses and parameters at every iteration of every start, in a column ``start``."""
    empty = pd.DataFrame(columns=["iteration", "discriminator_loss", "generator_loss", "start"])
    return pd.concat([s.history.assign(start=s.number) for s in starts], ignore_index=True) if starts else empty


def parameter_table(origin: Market, market: Market, recipe: Recipe) -> pd.DataFrame:
    """The trained parameters before and after, a row each; see `Calibration.parameters`."""
    before = flat_values(origin, recipe.trainable)
    rows = []
    for name, value in flat_values(market, recipe.trainable).items():
        spec = market.SPECS[name.split("[")[0]]
        rows.append((name, spec.letter, before.get(name, before.get(spec.name)), value, spec.unit, spec.description))
    return pd.DataFrame(rows, columns=["parameter", "letter", "start", "calibrated", "unit", "meaning"])


def versions() -> dict[str, str]:
    """The versions that a result depends on, by package."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
