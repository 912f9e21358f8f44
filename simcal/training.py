"""What every learner shares: checkpoints that continue bit for bit, a time budget, the watch for NaN."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simcal.errors import DataError, NumericalError
from simcal.files import write_atomically

if TYPE_CHECKING:
    import torch
    from torch import Tensor


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
