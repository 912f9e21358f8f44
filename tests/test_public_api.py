"""The front door, and the floors behind it."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import simcal

PACKAGE = Path(simcal.__file__).parent

# Ground first. A room imports only from its own floor or those below it.
FLOORS = [
    {"errors", "noise", "facts", "threads", "json_text", "stale_code", "files", "intervals"},
    {"parameters", "fields", "user_code", "registry", "subjects"},
    {"paths", "path_files", "exports", "data", "report", "training", "resources"},
    {"definition"},
    {"models"},
    {"simulation"},
    {"calibration", "inference", "trading"},
    {"environments"},
    {"book", "equilibrium", "learning", "rfq"},
    {"cli"},
]
# Whole subjects in one room each, which the core finds by name only; traders who learn do so in the book's engine.
SATELLITES = {"book": set(), "equilibrium": {"calibration"}, "learning": {"book"}, "rfq": {"calibration", "trading"}}
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(p.relative_to(PACKAGE) for p in PACKAGE.rglob("*.py"))


def room(file: Path) -> str:
    return file.parts[0].removesuffix(".py")


@cache
def imported_rooms(file: Path) -> set[str]:
    """The rooms of simcal that a file imports, anywhere in it; "" stands for the front door itself."""
    package = ("simcal", *file.parent.parts)
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / file).read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "simcal" else [module]
        for name in names:
            parts = name.split(".")
            if parts[0] == "simcal":
                found.add(parts[1] if len(parts) > 1 and parts[1] in FLOOR else "")
    return found


def test_the_walk_over_the_imports_sees_them():
    assert imported_rooms(Path("facts/arrays.py")) == {"errors"}
    assert {"calibration", "models"} <= imported_rooms(Path("__init__.pyi"))
    assert "facts" in imported_rooms(Path("calibration/statistics.py"))
    assert "" in imported_rooms(Path("cli/simulate.py"))


def test_every_file_stands_on_a_floor():
    assert {room(file) for file in FILES} - {"__init__"} <= set(FLOOR)


@pytest.mark.parametrize("file", [f for f in FILES if room(f) != "__init__"], ids=str)
def test_nothing_is_imported_from_a_floor_above(file):
    allowed = FLOOR[room(file)]
    for other in imported_rooms(file):
        # Only the commands go through the front door.
        assert other or room(file) == "cli", f"{file} imports simcal itself"
        assert not other or FLOOR[other] <= allowed, f"{file} imports {other} from a floor above"


@pytest.mark.parametrize("file", [f for f in FILES if room(f) in ("facts", "noise", "report")], ids=str)
def test_facts_noise_and_report_know_no_market_and_not_each_others_rooms(file):
    known = {"facts": set(), "noise": {"threads", "stale_code"}, "report": {"facts", "files"}}[room(file)]
    assert imported_rooms(file) <= known | {"errors", room(file)}


@pytest.mark.parametrize("name", ["calibration", "trading", *SATELLITES])
def test_the_verbs_do_not_import_each_other(name):
    others = (FLOORS[6] | SATELLITES.keys()) - {name} - SATELLITES.get(name, set())
    assert not any(imported_rooms(file) & others for file in FILES if room(file) == name)


@pytest.mark.parametrize("name", SATELLITES)
def test_a_satellite_does_without_the_rooms_of_price_markets(name):
    price_markets = {f"simcal.models.{room}" for room in ("stock", "fundamental", "switching", "lanes", "herding")}
    for file in FILES:
        if room(file) == name:
            tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
            modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            assert not any(module.startswith(tuple(price_markets)) for module in modules), file


def test_a_satellite_imports_no_other_and_no_strategies():
    for file in FILES:
        assert room(file) != "equilibrium" or not imported_rooms(file) & {"learning", "trading", "environments"}


# -- the front door -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", simcal.__all__)
def test_every_public_name_is_there(name):
    assert getattr(simcal, name) is not None


def test_the_verbs_are_functions():
    for name in ("simulate", "calibrate", "validate", "load", "load_series"):
        assert callable(getattr(simcal, name)), name
        assert getattr(simcal, name).__name__ == name


def test_verbs_stay_functions_after_their_modules_are_imported():
    import simcal.calibration.calibrate
    import simcal.calibration.validate
    import simcal.simulation

    assert callable(simcal.calibrate)
    assert callable(simcal.calibration.calibrate)
    assert callable(simcal.validate)
    assert callable(simcal.simulate)


def test_type_checkers_and_python_see_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    typed = {alias.name: node.module for node in imports for alias in node.names}
    assert sorted(typed) == dir(simcal)
    assert all(alias.name == alias.asname for node in imports for alias in node.names), "not re-exported by a stub"
    for name, home in typed.items():
        found = getattr(simcal, name)
        assert found is (
            sys.modules[f"simcal.{name}"] if home is None else getattr(sys.modules[f"simcal.{home}"], name)
        )


def test_dir_lists_the_public_names():
    assert set(dir(simcal)) == set(simcal.__all__) - {"__version__"} | {"environments"}
    assert "calibrate" in dir(simcal)


ROOMS = ["facts", "learning", "report", "models", "calibration", "trading", "data", "environments", "equilibrium"]


def test_rooms_are_there_after_import_simcal():
    assert set(ROOMS) <= set(dir(simcal))
    code = f"import simcal; print([getattr(simcal, room).__name__ for room in {ROOMS!r}])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ast.literal_eval(run.stdout) == [f"simcal.{room}" for room in ROOMS]


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="simcal attribute nonsense"):
        _ = simcal.nonsense


HEAVY = ("torch", "numba", "pandas", "scipy", "statsmodels", "sklearn", "matplotlib", "seaborn", "arch")


def loaded_by(code: str) -> list[str]:
    script = f"import sys; {code}; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return ast.literal_eval(run.stdout)


def test_importing_simcal_loads_nothing_heavy():
    assert loaded_by("import simcal; dir(simcal)") == []


def test_describing_a_market_needs_neither_torch_nor_numba():
    assert not {"torch", "numba"} & set(loaded_by("import simcal; simcal.load('stock').replace(impact=0.2).describe()"))
