"""Caches of compiled code go when a source changes, and only then."""

from pathlib import Path

import pytest
from numba.core import config
from numba.core.caching import _CacheLocator
from numba.misc.appdirs import AppDirs

from simcal import stale_code
from simcal.stale_code import forget_stale_code


@pytest.fixture
def package(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(config, "CACHE_DIR", "")
    for name in ("noise", "models/stock"):
        folder = tmp_path / name / "__pycache__"
        folder.mkdir(parents=True)
        (folder.parent / "rules.py").write_text("a = 1")
        (folder / "rules.f-1.nbi").write_text("index")
        (folder / "rules.f-1.1.nbc").write_text("code")
        (folder / "rules.pyc").write_text("bytes")
    return tmp_path


def cached(package: Path) -> int:
    return len([*package.rglob("*.nbi"), *package.rglob("*.nbc")])


def forget(package: Path) -> None:
    forget_stale_code.cache_clear()
    forget_stale_code(package)


def test_caches_without_a_stamp_go_and_what_is_made_after_them_stays(package: Path) -> None:
    forget(package)
    assert cached(package) == 0
    assert len([*package.rglob("*.pyc")]) == 2
    (package / "noise/__pycache__/rules.f-2.nbi").write_text("index")
    forget(package)
    assert cached(package) == 1


@pytest.mark.parametrize("source", ["noise/rules.py", "models/stock/rules.py"])
def test_a_changed_source_drops_every_cache(package: Path, source: str) -> None:
    forget(package)
    for folder in ("noise", "models/stock"):
        (package / folder / "__pycache__/rules.f-2.nbi").write_text("index")
    (package / source).write_text("a = 2")
    forget(package)
    assert cached(package) == 0


@pytest.mark.parametrize("place", ["chosen", "user"])
def test_code_that_is_kept_elsewhere_is_forgotten_too(package: Path, tmp_path_factory, monkeypatch, place: str) -> None:
    elsewhere = tmp_path_factory.mktemp("cache")
    if place == "chosen":
        monkeypatch.setattr(config, "CACHE_DIR", str(elsewhere))
    else:  # sources that cannot be written to
        monkeypatch.setattr(config, "CACHE_DIR", "")
        monkeypatch.setattr(stale_code.os, "access", lambda path, mode: False)
        monkeypatch.setattr(AppDirs, "user_cache_dir", property(lambda self: str(elsewhere)))
    folder = elsewhere / _CacheLocator.get_suitable_cache_subpath(str(package / "models/stock/rules.py"))
    folder.mkdir()
    for stays in (False, True):
        (folder / "rules.f-1.nbi").write_text("index")
        forget(package)
        assert (folder / "rules.f-1.nbi").exists() == stays
    (package / "models/stock/rules.py").write_text("a = 2")
    forget(package)
    assert not (folder / "rules.f-1.nbi").exists()
    assert cached(package) == 4  # which Numba does not look at
