"""Random actions, and what a vector of single environments makes of the same paths."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv


class _NextPath(gymnasium.Wrapper):
    """Plays the paths of one seed in the order in which episodes begin, all wrapped environments together."""

    def __init__(self, env, counter):
        super().__init__(env)
        self.counter = counter

    def reset(self, *, seed=None, options=None):
        return self.env.reset(seed=5, options={"path": next(self.counter)})


@pytest.fixture
def one_by_one():
    """Gymnasium's own vector of single environments on the paths 0, 1, ... of seed 5."""

    def build(identifier, count, mode, **options):
        counter = iter(range(10**6))
        make = [lambda: _NextPath(gymnasium.make(identifier, **options), counter)] * count
        return SyncVectorEnv(make, autoreset_mode=mode)

    return build


@pytest.fixture
def same_as_gymnasium(one_by_one):
    """Compares a native vector with Gymnasium's, step by step; gives how many episodes of each place ended."""

    def compare(identifier, mode, steps, count=5, **options):
        ours = gymnasium.make_vec(identifier, count, autoreset_mode=mode, **options)
        theirs = one_by_one(identifier, count, mode, **options)
        assert ours.metadata["autoreset_mode"] is theirs.metadata["autoreset_mode"]
        ours.action_space.seed(0)
        _alike(ours.reset(seed=5), theirs.reset())
        ended = np.zeros(count, int)
        for _ in range(steps):
            actions = ours.action_space.sample()
            found, expected = ours.step(actions), theirs.step(actions)
            _alike(found, expected)
            ended += found[2] | found[3]
        return ended

    return compare


def _alike(found, expected):
    """Arrays to rounding: beside paths begun anew, moving averages may differ in their last digits."""
    assert type(found) is type(expected)
    if isinstance(found, tuple):
        for ours, theirs in zip(found, expected, strict=True):
            _alike(ours, theirs)
    elif isinstance(found, dict):
        assert found.keys() == expected.keys()
        for name, ours in found.items():
            _alike(ours, expected[name])
    elif found.dtype == object:
        for ours, theirs in zip(found, expected, strict=True):
            assert (ours is None) == (theirs is None)
            if ours is not None:
                _alike(ours, theirs)
    else:
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)
