"""Checkpoints hold every bit, and the watch counts."""

import numpy as np
import pytest
import torch

from simcal.errors import DataError, NumericalError
from simcal.training import (
    Budget,
    NonFiniteWatch,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    save_checkpoint,
)

STATE = {"iteration": 3, "distance": float("inf"), "third": 1 / 3, "words": ["a", None, True]}


def test_tensors_and_state_come_back_bit_for_bit(tmp_path):
    tensors = {
        "scalar": torch.tensor(np.pi),
        "double": torch.tensor(np.pi, dtype=torch.float64),
        "view": torch.arange(12.0).reshape(3, 4).T,
        "empty": torch.zeros(0, 3),
        "odd": torch.tensor([torch.nan, -0.0, torch.inf, 5e-324], dtype=torch.float64),
        "trained": torch.nn.Parameter(torch.ones(2)),
    }
    save_checkpoint(tmp_path / "deep" / "a.safetensors", tensors, STATE)
    back, state = load_checkpoint(tmp_path / "deep" / "a.safetensors")
    assert state == STATE
    assert back.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert back[name].dtype == tensor.dtype
        assert back[name].numpy().tobytes() == tensor.detach().contiguous().numpy().tobytes()


def test_tensors_that_share_memory_can_be_saved(tmp_path):
    x = torch.arange(4.0)
    save_checkpoint(tmp_path / "a", {"one": x, "same": x, "part": x[:2]}, {})
    back, _ = load_checkpoint(tmp_path / "a")
    assert torch.equal(back["same"], x)


@pytest.mark.parametrize("content", [b"", b"{}", b"x" * 1000])
def test_another_file_is_not_a_checkpoint(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(
        DataError, match=r"^[^\n]*a\.safetensors is not a checkpoint of simcal [^\n]*delete it to begin anew\.$"
    ):
        load_checkpoint(path)


def test_a_missing_file_is_not_a_checkpoint(tmp_path):
    with pytest.raises(DataError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "none")


def test_tensors_of_somebody_else_are_not_a_checkpoint(tmp_path):
    from safetensors.torch import save_file

    save_file({"weights": torch.ones(3)}, tmp_path / "a.safetensors")
    with pytest.raises(DataError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "a.safetensors")


def optimiser(steps: int) -> tuple[torch.optim.Optimizer, list[torch.nn.Parameter]]:
    parameters = [
        torch.nn.Parameter(torch.tensor([1.0, 2.0])),
        torch.nn.Parameter(torch.tensor(3.0, dtype=torch.float64)),
    ]
    adam = torch.optim.Adam(parameters, lr=0.1, foreach=False)
    advance(adam, parameters, steps)
    return adam, parameters


def advance(adam, parameters, steps: int) -> None:
    for _ in range(steps):
        adam.zero_grad()
        sum((p**3).sum() for p in parameters).backward()
        adam.step()


def test_an_optimiser_goes_on_bit_for_bit_and_leaves_the_tensors_as_they_were(tmp_path):
    one, parameters = optimiser(7)
    save_checkpoint(tmp_path / "a", optimiser_tensors("adam", one) | optimiser_tensors("adam2", optimiser(2)[0]), {})
    tensors, _ = load_checkpoint(tmp_path / "a")
    kept = {k: v.clone() for k, v in tensors.items()}
    advance(one, parameters, 5)
    for _ in range(2):  # the second time from the same tensors
        other, others = optimiser(0)
        for mine, theirs in zip(others, optimiser(7)[1], strict=True):
            mine.data.copy_(theirs.data)
        restore_optimiser("adam", other, tensors)
        advance(other, others, 5)
        assert all(torch.equal(a, b) for a, b in zip(parameters, others, strict=True))
    assert all(torch.equal(tensors[k], kept[k]) for k in kept)


def test_an_optimiser_that_never_stepped_has_no_tensors():
    fresh, _ = optimiser(0)
    assert optimiser_tensors("adam", fresh) == {}
    restore_optimiser("adam", fresh, {})


def test_the_watch_counts_and_gives_up_after_so_many_in_a_row():
    watch = NonFiniteWatch(patience=3)
    assert [watch.see(finite, "here") for finite in (True, False, False, True, False, False)] == [
        True, False, False, True, False, False
    ]  # fmt: skip
    assert (watch.count, watch.in_a_row) == (4, 2)
    with pytest.raises(NumericalError, match="The last 3 training steps gave numbers that are not finite, at b = 2"):
        watch.see(False, "at b = 2")


def test_a_watch_goes_on_where_another_was():
    watch = NonFiniteWatch(patience=3, count=7, in_a_row=2)
    with pytest.raises(NumericalError):
        watch.see(False, "")
    assert watch.count == 8


def test_a_budget_of_none_never_ends_and_one_of_nothing_is_spent():
    assert not Budget(None).spent
    assert Budget(0.0).spent
    assert Budget(1e9).used < 1e3
