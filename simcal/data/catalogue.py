"""The named series and request tables of `data/catalog.toml`: where each comes from and how it is loaded."""

import importlib
import tomllib
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simcal.data.frequency import Frequency
from simcal.errors import DataError
from simcal.resources import resource_folder


class CatalogueEntry(BaseModel):
    """One named series: the package that ships it, the function that loads it, the column, the rights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field(min_length=1)
    package: str = Field(min_length=1)
    loader: str = Field(pattern=r"^[\w.]+:\w+$", description="module:function, without arguments, gives a frame")
    column: str = Field(min_length=1)
    frequency: Frequency
    licence: str = Field(min_length=1)
    extra: str | None = None
    drop_missing: bool = Field(default=False, description="drop rows whose price is missing")

    def load(self) -> pd.DataFrame:
        """The package's own frame, indexed by date.

        Raises
        ------
        DataError
            The package is not installed; the message says how to install it.
        """
        module, function = self.loader.split(":")
        try:
            return getattr(importlib.import_module(module), function)()
        except ModuleNotFoundError as error:
            what = f"simcal[{self.extra}]" if self.extra else self.package
            raise DataError(
                f"This series ({self.description}) is shipped by the package '{self.package}', which is not installed. "
                f"Install it with: pip install '{what}'."
            ) from error


class RequestEntry(BaseModel):
    """One named request table, a file beside the catalogue that simcal made itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field(min_length=1)
    file: str = Field(pattern=r"^[\w-]+\.(csv|parquet)$")
    licence: str = Field(min_length=1)

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return resource_folder("data") / self.file


def catalogue() -> MappingProxyType[str, CatalogueEntry]:
    """All named series in the order of the catalogue, by name; read once, and not to be changed.

    Raises
    ------
    DataError
        `catalog.toml` is missing or has a wrong entry.
    """
    return _entries()[0]


def request_catalogue() -> MappingProxyType[str, RequestEntry]:
    """All named request tables, as `catalogue` gives the series."""
    return _entries()[1]


@cache
def _entries() -> tuple[MappingProxyType[str, CatalogueEntry], MappingProxyType[str, RequestEntry]]:
    path = resource_folder("data") / "catalog.toml"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        requests = {name: RequestEntry(**entry) for name, entry in entries.items() if "file" in entry}
        series = {name: CatalogueEntry(**entry) for name, entry in entries.items() if name not in requests}
        return MappingProxyType(series), MappingProxyType(requests)
    except (OSError, tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise DataError(f"The catalogue {path} cannot be used: {error}. Correct the entry.") from error
