"""What a market must answer, and how one is found by name, TOML file or run folder."""

from __future__ import annotations

import difflib
import importlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
import tomli_w

from simcal.errors import ParameterError
from simcal.files import write_atomically
from simcal.parameters import Parameter
from simcal.resources import resource_folder

if TYPE_CHECKING:
    from torch import Tensor

# kind -> (module, class): a market's code is imported when its kind is first asked for.
KINDS: dict[str, tuple[str, str]] = {
    "stock": ("simcal.models.stock.market", "StockMarket"),
    "herding": ("simcal.models.herding.market", "HerdingMarket"),
    "rfq": ("simcal.rfq.market", "RfqMarket"),
    "book": ("simcal.models.book.market", "BookMarket"),
    "equilibrium-market": ("simcal.models.trading_costs.market", "EquilibriumMarket"),
}
# Descriptions in models/ that are not markets yet: to be solved (simcal.equilibrium) or trained (simcal.learning).
_EQUILIBRIUM, _LEARNING = "equilibrium", "learning"
_LEARNED = ("simcal.learning.learned", "load_learned")  # the market of a training's folder


class Market(Protocol):
    """An immutable description of a market; calibration and simulation ask it for nothing else."""

    kind: ClassVar[str]
    SPECS: ClassVar[dict[str, Parameter]]
    OUTPUTS: ClassVar[tuple[str, ...]]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The market that plain values describe: the inverse of `to_dict`."""
        ...

    def replace(self, **changes: Any) -> Self:
        """The same market with some parameters changed, checked again."""
        ...

    def rescaled(self, factor: float) -> Self:
        """A market whose returns are about `factor` times as large, else alike: where a calibration may start."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain values as they stand in TOML, ``kind`` among them."""
        ...

    def describe(self) -> list[dict[str, Any]]:
        """One row per parameter for tables."""
        ...

    def simulate_chunk(
        self,
        seed: int,
        first_path: int,
        n_paths: int,
        n_steps: int,
        *,
        save: Sequence[str],
        every: int,
        burn_in: int,
        dtype: str,
        threads: int | None,
    ) -> dict[str, np.ndarray]:
        """Prices and the saved outputs of some paths, from the kernel."""
        ...

    def twin(self, trainable: Sequence[str], *, per_trader: Sequence[str] = (), **options: Any) -> Twin:
        """The differentiable twin with the named parameters trainable."""
        ...


class Twin(Protocol):
    """A market as a ``torch.nn.Module``: the same rules, with gradients."""

    def simulate(self, seed: int, first_path: int, n_paths: int, n_steps: int) -> Tensor:
        """Prices, shape (n_paths, n_steps + 1), differentiable in the trainable parameters.

        The dealer market's twin also takes ``given``, what is replayed from real requests, and yields a last axis of
        channels; see `simcal.rfq.twin`.
        """
        ...

    def to_market(self) -> Market:
        """The market at the present values of the trainable parameters."""
        ...

    def parameters(self) -> Iterator[Any]:
        """The free numbers, as of ``torch.nn.Module``."""
        ...

    def state_dict(self) -> Mapping[str, Any]:
        """As of ``torch.nn.Module``."""
        ...

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> object:
        """As of ``torch.nn.Module``."""
        ...


def from_dict(values: Mapping[str, Any]) -> Market:
    """The market that a mapping (a TOML file's content) describes; its ``kind`` says which."""
    kind = values.get("kind")
    if kind == _EQUILIBRIUM:
        raise ParameterError(
            "This describes an equilibrium with trading costs, which is solved and not simulated as it stands: "
            "use `simcal solve` or simcal.solve(...)."
        )
    if kind == _LEARNING:
        raise ParameterError(
            "This describes a market whose traders must learn before it can be simulated: use `simcal train` or "
            "simcal.learning.train(...)."
        )
    if kind == "equilibrium-solution":
        raise ParameterError(
            "This describes the market of a solution that was in memory, without what its agents do: solve the problem "
            "again, and make the market with simcal.equilibrium.to_market."
        )
    if not isinstance(kind, str) or kind not in KINDS:
        raise ParameterError(f"The market's kind is {kind!r}, but must be one of {', '.join(KINDS)}.")
    module, name = KINDS[kind]
    return getattr(importlib.import_module(module), name).from_dict(dict(values))


def names() -> list[str]:
    """The markets that come with simcal, without those beside them in ``models/`` that must be solved or trained."""
    kinds = {p.stem: read_toml(p).get("kind") for p in resource_folder("models").glob("*.toml")}
    return sorted(name for name, kind in kinds.items() if kind not in (_EQUILIBRIUM, _LEARNING))


def load(source: str | Path) -> Market:
    """Find a market: a name from ``models/``, a TOML file, or a run folder with its ``market.toml``.

    Raises
    ------
    ParameterError
        Where there is no such market, with the nearest name, or where the file does not describe one.
    """
    path, shipped = Path(source), {p.stem: p for p in resource_folder("models").glob("*.toml")}
    if str(source) in shipped:
        path = shipped[str(source)]
    elif path.is_dir():
        path = path / "market.toml"
        if not path.is_file():
            raise ParameterError(f"The folder {source} holds no market.toml, so it is not that of a finished run.")
        if (path.parent / "weights.safetensors").is_file() and read_toml(path).get("kind") == _LEARNING:
            module, name = _LEARNED
            return getattr(importlib.import_module(module), name)(path.parent)
    elif path.suffix != ".toml" or not path.is_file():
        known = names()
        close = difflib.get_close_matches(str(source), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "give one of these, a TOML file or a run folder."
        raise ParameterError(f"There is no market {str(source)!r}; known are {', '.join(known)}; {hint}")
    return from_dict(read_toml(path))


def save(market: Market, path: str | Path) -> None:
    """Write a market as TOML; `load` reads it back.

    Raises
    ------
    ParameterError
        Where no file can hold the market.
    """
    if market.kind not in KINDS:
        raise ParameterError(
            f"A market of kind {market.kind!r} lives in memory only and cannot be saved. That of an equilibrium can be "
            "where costs are quadratic and there are at most 100 agents; else save the problem, and solve it again."
        )
    write_atomically(Path(path), tomli_w.dumps(market.to_dict()))


def read_toml(path: Path) -> dict[str, Any]:
    """A file's content; `ParameterError` where it is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path} is not a TOML file: {error}.") from None
