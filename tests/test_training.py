"""The loop ends as it should and continues bit for bit, checkpoints hold every bit, and the watch counts."""

import numpy as np
import pytest
import torch

from simcal.errors import DataError, NumericalError, ParameterError
from simcal.training import (
    Budget,
    NonFiniteWatch,
    cosine,
    load_checkpoint,
    optimiser_tensors,
    restore_optimiser,
    running_average,
    save_checkpoint,
    train,
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


# -- the loop -------------------------------------------------------------------------------------------------------


class Walk:
    """A learner whose only parameter goes its way, averaged from step 3 on."""

    def __init__(self, breaks_at: int = -1) -> None:
        self.iteration, self.breaks_at = 0, breaks_at
        self.model = torch.nn.Linear(1, 1, bias=False, dtype=torch.float64)
        with torch.no_grad():
            self.model.weight.fill_(1 / 3)
        self.average = running_average(self.model)

    def step(self) -> dict[str, float]:
        if self.iteration == self.breaks_at:
            raise NumericalError("It broke.")
        self.iteration += 1
        with torch.no_grad():
            self.model.weight.mul_(1.1).sub_(0.05)
        if self.iteration >= 3:
            self.average.update_parameters(self.model)
        return {"iteration": self.iteration, "value": float(self.model.weight.detach())}

    def tensors(self) -> dict[str, torch.Tensor]:
        found = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        return found | {f"average.{k}": v for k, v in self.average.state_dict().items()}

    def state(self) -> dict[str, int]:
        return {"iteration": self.iteration}

    def restore(self, tensors, state) -> None:
        for name, module in (("model.", self.model), ("average.", self.average)):
            module.load_state_dict({k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)})
        self.iteration = state["iteration"]


WHO = {"settings": (1, 2), "seed": 3}


def test_a_training_that_is_interrupted_continues_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr("simcal.training._SAVE_EVERY", 0.0)
    whole, file = Walk(), tmp_path / "a"
    history = train(whole, 7, identity=WHO).history

    def stop(row):
        if row["iteration"] == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(Walk(), 7, identity=WHO, checkpoint=file, listen=stop)
    again = Walk()
    found = train(again, 7, identity=WHO, checkpoint=file)
    assert found.history == history
    assert [type(v) for v in found.history[0].values()] == [int, float]
    assert torch.equal(again.model.weight, whole.model.weight)
    assert torch.equal(again.average.module.weight, whole.average.module.weight)
    assert (found.status, found.succeeded) == ("All 7 iterations done.", True)
    assert train(Walk(), 7, identity=WHO, checkpoint=file).seconds > 0  # those that were spent before


def test_an_average_is_the_mean_of_what_it_saw():
    walk = Walk()
    history = train(walk, 7, identity=WHO).history
    assert float(walk.average.module.weight.detach()) == pytest.approx(
        np.mean([row["value"] for row in history[2:]]), rel=1e-14
    )


def test_budget_early_end_and_failure_are_told(tmp_path):
    spent = train(Walk(), 5, identity=WHO, budget=0.0)
    assert (spent.status, spent.succeeded) == ("Stopped by the time budget after 0 of 5 iterations.", False)
    walk = Walk()
    early = train(walk, 5, identity=WHO, over=lambda: "No progress." if walk.iteration == 2 else "")
    assert (early.status, early.succeeded, len(early.history)) == ("No progress.", True, 2)
    broken = train(Walk(breaks_at=3), 5, identity=WHO, checkpoint=tmp_path / "a")
    assert (broken.status, broken.succeeded, len(broken.history)) == ("It broke.", False, 3)
    assert load_checkpoint(tmp_path / "a")[1]["learner"] == {"iteration": 3}


def test_checkpoints_of_another_training_or_version_are_refused_in_a_sentence(tmp_path):
    train(Walk(), 2, identity=WHO, checkpoint=tmp_path / "a")
    with pytest.raises(ParameterError, match="was made for another problem, seed or setting"):
        train(Walk(), 2, identity={**WHO, "seed": 4}, checkpoint=tmp_path / "a")
    with pytest.raises(ParameterError, match=r"Give another folder\."):
        train(Walk(), 2, identity={}, checkpoint=tmp_path / "a", other="Give another folder.")
    save_checkpoint(tmp_path / "old", {"history": torch.zeros(0)}, {"identity": WHO, "used": 1.0})
    with pytest.raises(DataError, match=r"^[^\n]*old is a checkpoint of another version of simcal; delete it[^\n]*\.$"):
        train(Walk(), 2, identity=WHO, checkpoint=tmp_path / "old")


def test_a_rate_that_falls_with_a_cosine():
    assert [cosine(x, 0.2) for x in (0.0, 0.5, 1.0, 3.0)] == pytest.approx([1.0, 0.6, 0.2, 0.2])
