"""What is asked for and not installed is told in a sentence."""

import subprocess
import sys

import pytest


def without(package, code):
    """The last line that Python prints where a package is missing."""
    script = f"import sys; sys.modules[{package!r}] = None; {code}"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return run.stderr.strip().splitlines()[-1] if run.returncode else run.stdout.strip()


@pytest.mark.parametrize(
    ("package", "code", "sentence"),
    [
        ("gymnasium", "import simcal.environments", "pip install 'simcal[rl]'"),
        ("pettingzoo", "from simcal.environments import StockParallelEnv", "pip install 'simcal[rl]'"),
        ("stable_baselines3", "from simcal.environments import StableBaselinesEnv", "pip install stable-baselines3"),
    ],
)
def test_a_missing_package_is_named_with_the_remedy(package, code, sentence):
    found = without(package, code)
    assert found.startswith("ModuleNotFoundError: ")
    assert package in found
    assert sentence in found


def test_without_gymnasium_the_rest_is_there():
    assert without("gymnasium", "import simcal; print(simcal.load('stock').kind, simcal.backtest.__name__)") == (
        "stock backtest"
    )


def test_the_environments_need_neither_pettingzoo_nor_torch():
    code = "import simcal.environments; print({'pettingzoo', 'torch', 'stable_baselines3'} & set(sys.modules))"
    assert without("nothing", code) == "set()"


def test_gymnasium_finds_the_environments_by_their_module():
    code = "import gymnasium; print(gymnasium.make('simcal.environments:simcal/Stock-v0').spec.id)"
    assert without("nothing", code) == "simcal/Stock-v0"
