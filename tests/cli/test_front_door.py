"""The front door: help and version cost nothing, what a user gets wrong ends with one sentence and exit code 2."""

import subprocess
import sys

import pytest

import simcal

HEAVY = ("torch", "numba", "sklearn", "arch", "matplotlib", "seaborn", "statsmodels", "pandas", "scipy")


def test_help_imports_no_heavy_package():
    code = (
        "import sys, simcal.cli\n"
        "sys.argv = ['simcal', '--help']\n"
        "try:\n    simcal.cli.main()\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "calibrate" in done.stdout
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_version_is_that_of_the_package(command):
    done = command("--version")
    assert (done.code, done.out.strip()) == (0, f"simcal {simcal.__version__}")


@pytest.mark.parametrize("verb", ["simulate", "calibrate", "validate", "profile", "facts", "report"])
def test_every_command_explains_itself(command, verb):
    done = command(verb, "--help")
    assert done.code == 0
    assert "--json" in done.out


def test_help_of_calibrate_says_that_a_killed_run_continues(command):
    assert "continues from its checkpoints" in " ".join(command("calibrate", "--help").out.split())


@pytest.fixture
def broken(tmp_path):
    """Files that cannot be used, by name."""
    (tmp_path / "gap.csv").write_text("date,close\n2020-01-01,10\n2020-01-02,\n2020-01-03,11\n")
    (tmp_path / "negative.csv").write_text("date,close\n2020-01-01,10\n2020-01-02,-3\n2020-01-03,11\n")
    (tmp_path / "typo.toml").write_text('trainable = ["impact"]\niteration = 5\n')
    (tmp_path / "unknown.toml").write_text('trainable = ["impakt"]\n')
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("facts", "nosuch"), "catalogue"),
        (("facts", "{broken}/gap.csv"), "Row 3"),
        (("facts", "sp500", "--fact", "kurtosis"), "excess_kurtosis"),
        (("facts", "{work}/series.csv", "--level", "2"), "probability"),
        (("simulate", "nosuch"), "stock"),
        (("simulate", "stock", "--paths", "0"), "n_paths"),
        (("simulate", "stock", "--out", "paths.csv"), ".parquet"),
        (("calibrate", "{work}/series.csv", "--recipe", "nosuch"), "recipe"),
        (("calibrate", "{work}/series.csv", "--recipe", "{broken}/typo.toml"), "iteration"),
        (("calibrate", "{work}/series.csv", "--recipe", "{broken}/unknown.toml"), "impact"),
        (("calibrate", "{broken}/negative.csv", "--recipe", "{work}/small.toml"), "Row 3"),
        (("calibrate", "{work}/series.csv", "--recipe", "{work}/small.toml", "--budget", "-1"), "budget"),
        (("calibrate", "{work}/series.csv", "--recipe", "{work}/small.toml", "--device", "abacus"), "abacus"),
        (("validate", "stock"), "data"),
        (("validate", "nosuch", "{work}/series.csv"), "nosuch"),
        (("validate", "stock", "{work}/series.csv", "--window", "20"), "window"),
        (("validate", "stock", "{work}/series.csv", "--train-share", "1.5"), "train_share"),
        (("report", "{broken}"), "finished run"),
    ],
)
def test_user_errors_end_with_one_sentence_and_exit_code_2(command, workplace, broken, arguments, word):
    done = command(*(text.format(work=workplace, broken=broken) for text in arguments))
    assert done.code == 2
    assert done.out == ""
    assert word in done.err
    assert done.err.startswith("simcal: ")
    assert done.err.count("\n") == 1
    assert done.err.rstrip().endswith((".", "?"))


def test_usage_errors_exit_with_code_2(command):
    assert command("calibrate").code == 2
    assert command("simulate", "stock", "--paths", "many").code == 2
    assert command("nosuchverb").code == 2


def test_an_interrupt_says_what_continues(command, monkeypatch):
    def interrupted(source):
        raise KeyboardInterrupt

    monkeypatch.setattr("simcal.load", interrupted)
    done = command("simulate", "stock")
    assert done.code == 130
    assert "keeps checkpoints continues" in done.err


def test_too_little_memory_is_one_sentence(command, monkeypatch):
    def too_large(source):
        raise MemoryError

    monkeypatch.setattr("simcal.load", too_large)
    done = command("simulate", "stock")
    assert done.code == 2
    assert done.err.startswith("simcal: this needs more memory")
