"""A user's own Python file: what is run, what is kept of it, and what is not run without trust."""

import pytest

from simcal.errors import DataError, ParameterError
from simcal.user_code import UserCode, definition_of, is_reference, kept_definition, load_definition, trusting


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("mine.py:Market", True), ("a/b c.py:x1", True), ("C:/x/mine.py:y", True), ("mine.py", False),
        ("mine.py:", False), ("mine.toml:x", False), ("mine.py:1x", False), ("mine.py:a.b", False), (3, False),
    ],
)  # fmt: skip
def test_a_reference_is_a_python_file_and_a_name(text, wanted):
    assert is_reference(text) is wanted


def test_a_file_is_run_once_and_again_when_it_has_changed(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import neighbour\nvalue = [neighbour.ONE]\n")
    (tmp_path / "neighbour.py").write_text("ONE = 1\n")
    found = load_definition(f"{path}:value")
    assert found == [1]
    assert load_definition(f"{path}:value") is found
    path.write_text("value = 2\n")
    assert load_definition(f"{path}:value") == 2


def test_two_files_may_have_different_neighbours_of_one_name(tmp_path):
    for i, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text("from neighbour import value\n")
        (tmp_path / name / "neighbour.py").write_text(f"value = {i}\n")
    assert [load_definition(f"{tmp_path / name}/mine.py:value") for name in ("a", "b")] == [0, 1]


@pytest.mark.parametrize(
    ("text", "reference", "said"),
    [
        ("class A: pass\n", "mine.py:B", r"The file .*mine\.py has no B; it has A\."),
        ("1 / 0\n", "mine.py:B", r"fails when it is run \(ZeroDivisionError: division by zero\); correct it first\."),
        ("", "other.py:B", r"There is no file .*other\.py to take B from; "),
    ],
)
def test_what_cannot_be_taken_is_one_sentence(tmp_path, text, reference, said):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ParameterError, match=said):
        load_definition(str(tmp_path / reference))


def test_a_kept_definition_is_run_only_where_it_is_trusted(tmp_path):
    mine, folder = tmp_path / "mine.py", tmp_path / "run"
    mine.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nclass Market: pass\n")
    values = UserCode(mine, "Market").keep(folder)
    assert values["source"] == "definition.py:Market"
    with pytest.raises(ParameterError, match=r"would run the Python code of .*definition\.py:Market.*--trust"):
        kept_definition(values, folder, "The market run")
    assert not (tmp_path / "ran").exists()
    with trusting():
        assert kept_definition(values, folder, "The market run").__name__ == "Market"
    assert (tmp_path / "ran").exists()
    with pytest.raises(ParameterError, match="--trust"):
        kept_definition(values, folder, "The market run")


def test_a_kept_definition_that_has_changed_is_not_run(tmp_path):
    (tmp_path / "mine.py").write_text("class Market: pass\n")
    values = UserCode(tmp_path / "mine.py", "Market").keep(tmp_path / "run")
    (tmp_path / "run" / "definition.py").write_text("class Market: x = 1\n")
    with trusting(), pytest.raises(ParameterError, match="it has changed since"):
        kept_definition(values, tmp_path / "run", "The market run")


def test_another_definition_in_the_folder_is_not_overwritten(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(f"{name} = 1\n")
    UserCode(tmp_path / "one.py", "one").keep(tmp_path / "run")
    UserCode(tmp_path / "one.py", "one").keep(tmp_path / "run")
    with pytest.raises(DataError, match="is another definition than"):
        UserCode(tmp_path / "two.py", "two").keep(tmp_path / "run")


def test_what_is_in_no_file_cannot_be_kept(tmp_path):
    class Inner:
        pass

    with pytest.raises(ParameterError, match="is not defined at the top of a Python file"):
        definition_of(Inner)
    (tmp_path / "mine.py").write_text("class Market: pass\n")
    found = load_definition(f"{tmp_path / 'mine.py'}:Market")
    for thing in (found, found()):
        assert definition_of(thing) == UserCode((tmp_path / "mine.py").resolve(), "Market")
