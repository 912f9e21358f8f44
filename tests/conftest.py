"""What tests of several rooms share."""

import os
from pathlib import Path

import pytest

# Matrices here are small: threads that wait for each other cost more than they bring, most of all on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture
def keep_methods():
    """A function that lets only the named solvers of equilibria be known, until the test ends."""
    from simcal.equilibrium import METHODS

    everything = dict(METHODS)

    def keep(*names):
        for other in METHODS.keys() - set(names):
            del METHODS[other]

    yield keep
    METHODS.clear()
    METHODS.update(everything)


@pytest.fixture
def baselines(keep_methods, monkeypatch):
    """The methods of ``examples/equilibrium_baselines.py`` are known, until the test ends."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "examples"))
    from equilibrium_baselines import register

    register()
