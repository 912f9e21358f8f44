"""Where the folders `models`, `calibration` and `data` lie: inside an installed wheel, or in the source tree."""

from pathlib import Path
from typing import Literal

from simcal.errors import DataError

_PACKAGE = Path(__file__).parent


def resource_folder(name: Literal["models", "calibration", "data"]) -> Path:
    """The folder of that name as shipped with the installed package, or else the one at the top of the tree.

    Raises
    ------
    DataError
        Neither exists.
    """
    packaged = _PACKAGE / "resources" / name
    if packaged.is_dir():
        return packaged
    tree = _PACKAGE.parent
    # A folder called "data" beside the package counts only where the package is a source tree.
    if (tree / "pyproject.toml").is_file() and (tree / name).is_dir():
        return tree / name
    raise DataError(
        f"The folder '{name}' of simcal was found neither in the installed package ({packaged}) nor in a source "
        f"tree ({tree / name}). Install simcal again, from a wheel or with `pip install -e .` in its tree."
    )
