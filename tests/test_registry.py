"""Names are found in what ships, in what packages bring, in what is registered; unknown ones are refused."""

import tomllib
from pathlib import Path

import pytest

import simcal
from simcal import registry
from simcal.calibration import ESTIMATORS, LOSSES, RUNS, STATISTICS
from simcal.errors import ParameterError
from simcal.models import DESCRIPTIONS, MARKETS
from simcal.registry import Registry
from simcal.subjects import SUBJECTS

TREE = Path(simcal.__file__).parent.parent


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package `foreign` with entry points; gives a function that takes the text of these."""
    (tmp_path / "foreign.py").write_text("thing = ['a thing']\nraise_later = None\n")
    folder = tmp_path / "foreign-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")

    def install(text: str) -> None:
        (folder / "entry_points.txt").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        registry._entry_points.cache_clear()

    yield install
    registry._entry_points.cache_clear()


@pytest.mark.parametrize(
    "known", [MARKETS, DESCRIPTIONS, STATISTICS, LOSSES, ESTIMATORS, RUNS, SUBJECTS], ids=lambda r: r.group
)
def test_everything_that_ships_is_declared_and_can_be_imported(known):
    declared = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]["entry-points"][known.group]
    assert set(declared) <= set(known)
    for name in declared:
        assert known.find(name) is not None


def test_an_installed_package_brings_things_that_are_imported_when_they_are_asked_for(package):
    package("[simcal.shapes]\nforeign = foreign:thing\n")
    shapes = Registry("simcal.shapes", "a shape")
    import sys

    sys.modules.pop("foreign", None)
    assert "foreign" in shapes
    assert list(shapes) == ["foreign"]
    assert "foreign" not in sys.modules
    assert shapes.find("foreign") == ["a thing"]
    assert "foreign" in sys.modules


@pytest.mark.parametrize("place", ["foreign:nothing", "no_such_module:thing"])
def test_what_cannot_be_imported_names_the_package(package, place):
    package(f"[simcal.shapes]\nforeign = {place}\n")
    with pytest.raises(ParameterError, match=r"'foreign' is a shape of foreign, which cannot be imported from"):
        Registry("simcal.shapes", "a shape").find("foreign")


def test_an_unknown_name_is_refused_with_the_nearest():
    shapes = Registry("simcal.shapes", "a shape")
    shapes.register("circle", 1)
    with pytest.raises(ParameterError, match=r"'circel' is not a shape; did you mean 'circle'\?"):
        shapes.find("circel")


def test_what_is_registered_here_comes_before_what_ships_and_can_be_taken_away(package):
    package("[simcal.shapes]\nforeign = foreign:thing\n")
    shapes = Registry("simcal.shapes", "a shape")
    shapes.register("foreign", "mine")
    assert shapes["foreign"] == "mine"
    del shapes["foreign"]
    assert "foreign" not in shapes
    assert len(shapes) == 0
    shapes["foreign"] = "again"
    assert dict(shapes) == {"foreign": "again"}


def test_a_name_a_reference_and_a_thing_are_all_taken(tmp_path):
    (tmp_path / "mine.py").write_text("square = 4\n")
    shapes = Registry("simcal.shapes", "a shape")
    shapes.register("circle", 1)
    assert [shapes.take(given) for given in ("circle", f"{tmp_path / 'mine.py'}:square", 9)] == [1, 4, 9]
