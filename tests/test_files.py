"""Atomic writing and the shipped folders."""

import pytest

from simcal.errors import DataError
from simcal.files import write_atomically
from simcal.resources import resource_folder


@pytest.mark.parametrize("content", ["naïve\n", b"na\xc3\xafve\n", lambda path: path.write_bytes(b"na\xc3\xafve\n")])
def test_text_bytes_and_writers_make_the_same_file_and_missing_folders(tmp_path, content):
    target = tmp_path / "new" / "a.txt"
    assert write_atomically(target, content) == target
    assert target.read_bytes() == b"na\xc3\xafve\n"
    assert list(target.parent.iterdir()) == [target]


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail(path):
        path.write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_atomically(target, fail)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_writer_sees_the_suffix_of_the_target(tmp_path):
    seen = []
    write_atomically(tmp_path / "a.parquet", lambda path: (seen.append(path), path.touch()))
    assert seen[0].suffix == ".parquet"
    assert seen[0].parent == tmp_path


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="could not be written"):
        write_atomically(tmp_path / "file" / "a.txt", "text")
    with pytest.raises(DataError, match="could not be written"):
        write_atomically(tmp_path, "text")


def test_shipped_folders_are_found():
    assert (resource_folder("data") / "catalog.toml").is_file()


def test_a_folder_that_is_not_shipped_is_refused():
    with pytest.raises(DataError, match="Install simcal again"):
        resource_folder("nothing")  # type: ignore[arg-type]
