"""A strategy from a file: what such a file may do, and what is said where it cannot be used."""

import sys

import pytest

from simcal.errors import ParameterError
from simcal.trading import load_strategy

FILE = """
from __future__ import annotations
from dataclasses import dataclass
from neighbour import MARGIN

@dataclass
class Settings:
    margin: float = MARGIN

def mine(side, size, n_dealers, mid, half_spread, inventory, step):
    return Settings().margin + 0 * side

number = 3
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(FILE)
    (tmp_path / "neighbour.py").write_text("MARGIN = 0.25\n")
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "wrong.py").write_text("def mine(:\n")
    (tmp_path / "empty.py").write_text("")
    return tmp_path


def test_a_file_may_have_dataclasses_and_import_its_neighbours(folder):
    before = list(sys.path)
    assert load_strategy(f"{folder / 'mine.py'}:mine")(1.0, 1.0, 5, 100.0, 0.05, 0.0, 1) == 0.25
    assert sys.path == before


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("mine", "'mine' is not understood; give a file and a name in it as FILE.py:NAME"),
        ("mine.py:", "is not understood"),
        ("none.py:mine", "no file .*none.py to take mine from"),
        ("mine.py:yours", "mine.py has no yours; it has .*mine"),
        ("empty.py:mine", "empty.py has no mine; it defines nothing"),
        ("mine.py:number", "number in .*mine.py is of type int, but a strategy must be a function"),
        ("ends.py:mine", r"fails when it is run \(SystemExit: 3\)"),
        ("wrong.py:mine", r"fails when it is run \(SyntaxError"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(folder, source, sentence):
    before, modules = list(sys.path), set(sys.modules)
    with pytest.raises(ParameterError, match=sentence):
        load_strategy(source if source == "mine" else f"{folder}/{source}")
    assert sys.path == before
    assert not {name for name in set(sys.modules) - modules if "ends" in name or "wrong" in name}
