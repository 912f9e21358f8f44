"""What tests of several rooms share."""

import pytest


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
