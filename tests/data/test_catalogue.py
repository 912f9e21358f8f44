"""The named series: what they are, and that nothing heavy is loaded before it is needed."""

import subprocess
import sys

import numpy as np
import pytest

from simcal.data import catalogue, load_series
from simcal.data.catalogue import CatalogueEntry
from simcal.errors import DataError

# Number of log returns and their deviation in percent per day, from the reference table of stylised facts.
KNOWN = {"sp500": (5030, 1.2037), "nasdaq": (5030, 1.5930), "wti": (8320, 2.5064), "sp500-long": (8312, 1.1542)}


def test_the_catalogue_has_the_four_series_and_describes_them():
    assert list(catalogue()) == list(KNOWN)
    assert all(entry.description and entry.licence for entry in catalogue().values())


@pytest.mark.parametrize("name", KNOWN)
def test_a_named_series_has_its_known_length_and_deviation(name):
    if name == "sp500-long":
        pytest.importorskip("skfolio")
    series = load_series(name)
    n, deviation = KNOWN[name]
    assert series.name == name
    assert series.log_returns.size == n
    assert 100 * np.std(series.log_returns) == pytest.approx(deviation, abs=1e-4)
    assert series.periods_per_year == 252.0


def test_the_only_series_that_drops_rows_says_so():
    assert [name for name, entry in catalogue().items() if entry.drop_missing] == ["wti"]


def test_volume_comes_with_the_series_that_have_it():
    volume = load_series("sp500").volume
    assert volume is not None
    assert (volume > 0).all()


def test_a_missing_package_is_refused_with_the_way_to_install_it():
    entry = catalogue()["sp500-long"].model_copy(update={"loader": "package_that_is_not_there:load"})
    with pytest.raises(DataError, match=r"pip install 'simcal\[data\]'"):
        entry.load()


def test_an_entry_with_an_unknown_field_is_refused():
    fields = catalogue()["sp500"].model_dump()
    with pytest.raises(ValueError, match="colum"):
        CatalogueEntry(**{**fields, "colum": "x"})


def test_importing_simcal_data_loads_nothing_heavy():
    code = (
        "import sys, simcal.data; "
        "print(sorted({'torch', 'numba', 'arch', 'matplotlib', 'skfolio', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
