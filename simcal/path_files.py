"""Paths in Parquet files, written chunk by chunk: each chunk of paths is a row group."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError

from simcal.errors import DataError
from simcal.files import write_atomically

if TYPE_CHECKING:
    import pandas as pd

    from simcal.paths import Paths

KEY = b"simcal"  # of the header in the file's metadata


@dataclass(frozen=True)
class PathsFile:
    """Paths that were streamed to a file and are not in memory.

    Parameters
    ----------
    file
        The Parquet file.
    header
        As `Paths.to_dict`: seed, n_paths, n_steps, market, status, ...
    """

    file: Path
    header: dict[str, Any]

    @property
    def n_paths(self) -> int:
        """Number of paths in the file."""
        return self.header["n_paths"]

    @property
    def status(self) -> str:
        """ "ok", or a sentence that says how many paths hold numbers that are not usable."""
        return self.header["status"]

    def load(self) -> Paths:
        """Read all of it into memory."""
        from simcal.paths import Paths

        return Paths.load(self.file)

    def summary(self) -> pd.DataFrame:
        """A row per fact in the columns quantity and value: how many paths and steps, how large the file is."""
        import pandas as pd

        facts = {
            "paths": self.n_paths,
            "steps": self.header["n_steps"],
            "seed": self.header["seed"],
            "columns": ", ".join(["price", *self.header["outputs"]]),
            "megabytes": self.file.stat().st_size / 1e6,
            "status": self.status,
        }
        return pd.DataFrame({"quantity": list(facts), "value": list(facts.values())})

    def to_dict(self) -> dict[str, Any]:
        """The header and where the file is."""
        return {"file": str(self.file), **self.header}


def check_target(path: str | Path) -> Path:
    """The file to write, or `DataError` where its name does not end in ``.parquet``."""
    target = Path(path)
    if target.suffix != ".parquet":
        raise DataError(
            f"{target} has the ending {target.suffix!r}, but paths are stored as Parquet: end in '.parquet'."
        )
    return target


def stream(path: str | Path, chunks: Iterable[Paths]) -> dict[str, Any]:
    """Write chunks of paths, one row group each, as they come; returns the header.

    The file appears under its name when the last chunk is written. The header is the first chunk's, with the paths
    and failures of all and the last status.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    header: dict[str, Any] = {}

    def write(temporary: Path) -> None:
        writer = None
        try:
            for chunk in chunks:
                table = pa.table(chunk.columns())
                if writer is None:
                    # A dictionary of prices would only fill up.
                    options: Any = {"compression": "zstd", "use_dictionary": ["path", "step"]}
                    writer = pq.ParquetWriter(temporary, table.schema, **options)
                    header.update(chunk.to_dict(), n_paths=0, n_failed=0, version=version("simcal"))
                header["n_paths"] += chunk.n_paths
                header["n_failed"] += chunk.n_failed
                if chunk.status != "ok":
                    header["status"] = chunk.status
                writer.write_table(table, row_group_size=max(len(table), 1))
            if writer is not None:
                writer.add_key_value_metadata({KEY: json.dumps(header)})
        finally:
            if writer is not None:
                writer.close()

    write_atomically(check_target(path), write)
    return header


class _Header(BaseModel):
    """What a header must have; see `Paths.to_dict`."""

    model_config = ConfigDict(extra="allow", strict=True)

    seed: NonNegativeInt
    first_path: NonNegativeInt
    n_paths: PositiveInt
    n_steps: NonNegativeInt
    every: PositiveInt
    burn_in: NonNegativeInt
    outputs: list[str] = Field(max_length=1000)
    status: str
    n_failed: NonNegativeInt
    market: dict[str, Any]


def read_header(path: str | Path) -> dict[str, Any]:
    """The header of a Parquet file that simcal wrote.

    Raises
    ------
    DataError
        There is no such file, simcal did not write it, or its header is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not Path(path).is_file():
        raise DataError(f"There is no file {path}; give the Parquet file that a simulation wrote.")
    try:
        metadata = pq.read_metadata(path).metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet file ({error}).") from None
    if KEY not in metadata:
        raise DataError(f"{path} was not written by simcal: its header is missing. Simulate the paths again.")
    try:
        return _Header.model_validate_json(metadata[KEY]).model_dump()
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"])) or "the whole"
        raise DataError(
            f"The header of {path} is damaged ({where}: {wrong['msg']}). Simulate the paths again."
        ) from None


def read_paths(path: str | Path) -> dict[str, Any]:
    """What `Paths` is made of, from a Parquet file that simcal wrote; `DataError` where it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    header = read_header(path)
    shape = (header["n_paths"], header["n_steps"] // header["every"] + 1)
    try:
        there = pq.read_schema(path).names
        table = pq.read_table(path, columns=[name for name in ("price", *header["outputs"]) if name in there])
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet file ({error}).") from None
    if table.column_names and table.num_rows != shape[0] * shape[1]:
        raise DataError(f"{path} has {table.num_rows} rows, but its header says {shape[0]} paths of {shape[1]} steps.")

    def array(name: str) -> np.ndarray:
        if name not in table.column_names or not pa.types.is_floating(table.schema.field(name).type):
            raise DataError(f"{path} has no column of numbers called '{name}'. Simulate the paths again.")
        return table.column(name).to_numpy().reshape(shape)

    return {
        "prices": array("price"),
        "outputs": {name: array(name) for name in header["outputs"]},
        **{name: header[name] for name in ("market", "seed", "first_path", "every", "burn_in", "status", "n_failed")},
    }
