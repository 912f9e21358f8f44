"""What every learner shares: one loop with checkpoints that continue bit for bit, a time budget, the watch for NaN."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from simcal.errors import DataError, NumericalError, ParameterError
from simcal.files import write_atomically

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.optim.swa_utils import AveragedModel

Listener = Callable[[Mapping[str, float]], None]

_SAVE_EVERY = 5.0  # seconds
_FORMAT = 2  # of what the loop writes


class Trainable(Protocol):
    """What the loop needs of a learner."""

    iteration: int
    """How many steps were taken."""

    def step(self) -> Mapping[str, float]:
        """Take one step and raise `iteration`; a row of the history, with the same names each time.

        `NumericalError` ends the training, with its text as the status.
        """
        ...

    def tensors(self) -> Mapping[str, Tensor]:
        """All that changes, by name."""
        ...

    def state(self) -> Mapping[str, Any]:
        """What changes and is no tensor, as JSON can hold it."""
        ...

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Continue where `tensors` and `state` were taken."""
        ...


@dataclass(frozen=True)
class Trained:
    """How a training ended: a sentence, whether its numbers can be used, seconds, and a row per iteration."""

    status: str
    succeeded: bool
    seconds: float
    history: list[dict[str, float]] = field(repr=False)


def train(
    learner: Trainable,
    iterations: int,
    *,
    identity: Mapping[str, Any],
    budget: float | None = None,
    checkpoint: Path | None = None,
    listen: Listener | None = None,
    over: Callable[[], str] | None = None,
    other: str = "",
) -> Trained:
    """Let a learner take steps to the last iteration, the end of the budget or its own end.

    Parameters
    ----------
    learner
        Not yet trained.
    iterations
        After so many steps it ends.
    identity
        What must be the same for a checkpoint to be continued, as plain values.
    budget
        Seconds, those before an interruption included.
    checkpoint
        A file: one that is there is continued, bit for bit; it is written every few seconds and at the end.
    listen
        Called with each row of the history, before anything is saved.

    Other Parameters
    ----------------
    over
        Asked before each step: a sentence ends the training early, as of one that stopped to make progress.
    other
        The sentence for a checkpoint of another training, where the usual one does not fit.

    Raises
    ------
    ParameterError
        Where the checkpoint was made by another training.
    DataError
        Where the file is no checkpoint, or one of another version of simcal.
    """
    history: list[dict[str, float]] = []
    used = 0.0
    if checkpoint is not None and checkpoint.is_file():
        used = _continue(learner, checkpoint, identity, history, other)
    clock, saved = Budget(budget, used), time.monotonic()
    status, succeeded = f"All {iterations} iterations done.", True

    def save() -> None:
        if checkpoint is not None:
            _save(learner, checkpoint, identity, history, clock.used)

    try:
        while learner.iteration < iterations:
            # Asked before a step, so that a training that has ended stays where it is when it is asked for again.
            ended = over() if over is not None else ""
            if ended:
                status = ended
                break
            if clock.spent:
                status = f"Stopped by the time budget after {learner.iteration} of {iterations} iterations."
                succeeded = learner.iteration > 0
                break
            history.append(dict(learner.step()))
            if listen is not None:
                listen(history[-1])
            if time.monotonic() - saved > _SAVE_EVERY:
                save()
                saved = time.monotonic()
    except NumericalError as error:
        status, succeeded = str(error), False
    save()
    return Trained(status, succeeded, clock.used, history)


def _save(
    learner: Trainable, path: Path, identity: Mapping[str, Any], history: list[dict[str, float]], used: float
) -> None:
    import torch

    rows = torch.tensor([list(row.values()) for row in history], dtype=torch.float64)
    first = history[0] if history else {}
    state = {
        "format": _FORMAT, "identity": dict(identity), "learner": dict(learner.state()), "used": used,
        "columns": list(first), "whole": [name for name, value in first.items() if isinstance(value, int)],
    }  # fmt: skip
    save_checkpoint(path, {**{f"learner.{k}": v for k, v in learner.tensors().items()}, "history": rows}, state)


def _continue(
    learner: Trainable, path: Path, identity: Mapping[str, Any], history: list[dict[str, float]], other: str
) -> float:
    tensors, state = load_checkpoint(path)
    if state.get("format") != _FORMAT:
        raise DataError(f"{path} is a checkpoint of another version of simcal; delete it to begin anew.")
    # As JSON gives it back, whatever sequences it was made of.
    if state["identity"] != json.loads(json.dumps(dict(identity))):
        raise ParameterError(
            other
            or f"The checkpoint {path} was made for another problem, seed or setting; give another file, or delete "
            "this one to begin anew."
        )
    prefix = "learner."
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    learner.restore(own, state["learner"])
    for row in tensors["history"].tolist():
        history.append(dict(zip(state["columns"], row, strict=True)))
        history[-1] |= {name: int(history[-1][name]) for name in state["whole"]}
    return float(state["used"])


def running_average(model: nn.Module) -> AveragedModel:
    """The mean of a model's parameters over all calls of its `update_parameters`; ``.module`` holds it.

    Summed as a running mean in double precision bits, where PyTorch's own would interpolate.
    """
    from torch.optim.swa_utils import AveragedModel

    return AveragedModel(model, avg_fn=lambda mean, value, n: mean + (value - mean) / (n + 1))


def cosine(done: float, last: float = 0.0) -> float:
    """1 at `done` 0, `last` from 1 on, half a cosine between: a rate that falls, as ``LambdaLR`` takes one too.

    A function of the iteration alone, so that a checkpoint need not hold it.

    Examples
    --------
    >>> cosine(0.0), cosine(0.5), cosine(2.0, last=0.1)
    (1.0, 0.5, 0.1)
    """
    return last + (1 - last) * (1 + math.cos(math.pi * min(done, 1))) / 2


def save_checkpoint(path: str | Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write tensors and a JSON-able state as one safetensors file, by rename: a kill leaves the old or the new one.

    Raises
    ------
    DataError
        The file cannot be written there.
    """
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    write_atomically(Path(path), save(plain, metadata={"state": json.dumps(state)}))


def load_checkpoint(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `save_checkpoint` wrote; `DataError` where the file is something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        return tensors, json.loads(metadata["state"])
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise DataError(f"{path} is not a checkpoint of simcal ({error}); delete it to begin anew.") from None


def optimiser_tensors(prefix: str, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimiser as named tensors."""
    import torch

    state = optimiser.state_dict()["state"]
    return {
        f"{prefix}.{index}.{key}": torch.as_tensor(value)
        for index, slot in state.items()
        for key, value in slot.items()
    }


def restore_optimiser(prefix: str, optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` took out."""
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(prefix + "."):
            index, key = name[len(prefix) + 1 :].split(".", 1)
            slots.setdefault(int(index), {})[key] = tensor.clone()  # the optimiser would write into it
    optimiser.load_state_dict({"state": slots, "param_groups": optimiser.state_dict()["param_groups"]})


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Let PyTorch use so many threads, and afterwards as many as before: other numbers round sums differently."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Budget:
    """A number of seconds that may be spent; `used` seconds count from an earlier, interrupted run. None: no end."""

    def __init__(self, seconds: float | None, used: float = 0.0) -> None:
        self.seconds = seconds
        self._start = time.monotonic() - used

    @property
    def used(self) -> float:
        """Seconds spent so far."""
        return time.monotonic() - self._start

    @property
    def spent(self) -> bool:
        """True once nothing is left."""
        return self.seconds is not None and self.used >= self.seconds


class NonFiniteWatch:
    """Counts steps that were skipped because a loss or a gradient was not finite; too many in a row end the run."""

    def __init__(self, patience: int = 20, count: int = 0, in_a_row: int = 0) -> None:
        self.patience = patience
        self.count = count
        self.in_a_row = in_a_row

    def see(self, finite: bool, where: str) -> bool:
        """Record one step and return `finite`; `NumericalError` with `where` after `patience` bad ones in a row."""
        if finite:
            self.in_a_row = 0
            return True
        self.count += 1
        self.in_a_row += 1
        if self.in_a_row >= self.patience:
            raise NumericalError(
                f"The last {self.in_a_row} training steps gave numbers that are not finite, {where}. "
                "Lower the learning rate, start elsewhere, or train fewer parameters."
            )
        return False
