"""The front door, and the floors behind it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import simcal

PACKAGE = Path(simcal.__file__).parent

# Ground first. A room imports only from its own floor or those below it.
FLOORS = [
    {"errors", "noise", "facts", "threads", "json_text", "stale_code", "intervals"},
    {"parameters", "paths", "path_files", "exports", "data", "report", "training", "files", "resources"},
    {"models"},
    {"simulation"},
    {"calibration", "trading", "equilibrium", "learning"},
    {"environments"},
    {"rfq"},
    {"cli"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(p.relative_to(PACKAGE) for p in PACKAGE.rglob("*.py"))


def room(file: Path) -> str:
    return file.parts[0].removesuffix(".py")


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
    assert {"calibration", "models"} <= imported_rooms(Path("__init__.py"))
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


@pytest.mark.parametrize("name", ["calibration", "trading", "equilibrium", "learning"])
def test_the_verbs_do_not_import_each_other(name):
    others = FLOORS[4] - {name}
    assert not any(imported_rooms(file) & others for file in FILES if room(file) == name)


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
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == simcal._HOMES


def test_dir_lists_the_public_names():
    assert dir(simcal) == sorted(simcal.__all__)
    assert "calibrate" in dir(simcal)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'simcal' has no attribute 'nonsense'"):
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
