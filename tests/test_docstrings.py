"""The examples in docstrings run and give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

import simcal

PACKAGE = Path(simcal.__file__).parent
FILES = sorted(p.relative_to(PACKAGE.parent) for p in PACKAGE.rglob("*.py") if ">>> " in p.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", FILES, ids=str)
def test_the_examples_of_a_module_run(file, tmp_path, monkeypatch):
    module = importlib.import_module(".".join(file.with_suffix("").parts).removesuffix(".__init__"))
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert tried > 0
    assert failed == 0
