"""What a market must answer, and how one is found: by name, TOML file, run folder, or in a Python file."""

from __future__ import annotations

import difflib
import inspect
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, cast

import numpy as np
import tomli_w

from simcal.errors import ParameterError
from simcal.files import write_atomically
from simcal.parameters import Parameter
from simcal.registry import Registry
from simcal.resources import resource_folder
from simcal.user_code import definition_of, is_reference, kept_definition, load_definition, trusting

if TYPE_CHECKING:
    from torch import Tensor


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
        channels; see `simcal.rfq.rules`.
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


@dataclass(frozen=True)
class Description:
    """A kind of description in ``models/`` that is no market yet, because it must be solved or trained first.

    `sentence` says so, and what to do; `from_folder` makes a market of the folder in which that was done, with what
    was found there in ``weights.safetensors``.
    """

    sentence: str
    from_folder: Callable[[Path], Market] | None = None


MARKETS: Registry[type[Market]] = Registry("simcal.markets", "a kind of market")
DESCRIPTIONS: Registry[Description] = Registry("simcal.descriptions", "a kind of description")


def from_dict(values: Mapping[str, Any], *, folder: str | Path = ".", whose: str = "This market") -> Market:
    """The market that a mapping (a TOML file's content) describes; its ``kind`` says which.

    Parameters
    ----------
    values
        With ``source`` among them, the market's class is that of a Python file, which must be trusted.
    folder
        Where ``source`` lies.
    whose
        What errors call the market.

    Raises
    ------
    ParameterError
        They describe no market, or one whose definition is not trusted.
    """
    kind = values.get("kind")
    if "source" in values:
        found = kept_definition(dict(values), Path(folder), whose)
        return found.from_dict({k: v for k, v in values.items() if k not in ("source", "sha256")})
    if isinstance(kind, str) and kind in DESCRIPTIONS:
        raise ParameterError(DESCRIPTIONS[kind].sentence)
    if not isinstance(kind, str) or kind not in MARKETS:
        raise ParameterError(f"The market's kind is {kind!r}, but must be one of {', '.join(MARKETS)}.")
    return MARKETS.find(kind).from_dict(dict(values))


def names() -> list[str]:
    """The markets that come with simcal, without those beside them in ``models/`` that must be solved or trained."""
    kinds = {p.stem: read_toml(p).get("kind") for p in resource_folder("models").glob("*.toml")}
    return sorted(name for name, kind in kinds.items() if kind not in DESCRIPTIONS)


def load(source: str | Path | Market | type[Market], *, trust: bool = False) -> Market:
    """Find a market.

    Parameters
    ----------
    source
        A name from ``models/``; a TOML file; a run folder with its ``market.toml``; ``FILE.py:NAME``, a class or a
        market of your own in a Python file; a class of markets, which is taken at its defaults; or a market.
    trust
        Whether a Python file that a run folder or a TOML file brings with it may be run.

    Raises
    ------
    ParameterError
        Where there is no such market, with the nearest name, or where the file does not describe one.

    Examples
    --------
    >>> load("stock").replace(impact=0.2).impact
    0.2
    """
    if not isinstance(source, (str, Path)):
        return _market_of(source, repr(source))
    if is_reference(source):
        return _market_of(load_definition(str(source)), str(source))
    path, shipped = Path(source), {p.stem: p for p in resource_folder("models").glob("*.toml")}
    if str(source) in shipped:
        path = shipped[str(source)]
    elif path.is_dir():
        path = path / "market.toml"
        if not path.is_file():
            raise ParameterError(f"The folder {source} holds no market.toml, so it is not that of a finished run.")
        kind = read_toml(path).get("kind")
        if (path.parent / "weights.safetensors").is_file() and isinstance(kind, str) and kind in DESCRIPTIONS:
            from_folder = DESCRIPTIONS.find(kind).from_folder
            if from_folder is not None:
                return from_folder(path.parent)
    elif path.suffix != ".toml" or not path.is_file():
        known = names()
        close = difflib.get_close_matches(str(source), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "give one of these, a TOML file or a run folder."
        raise ParameterError(f"There is no market {str(source)!r}; known are {', '.join(known)}; {hint}")
    with trusting(trust):
        return from_dict(read_toml(path), folder=path.parent, whose=f"The market {source}")


def _market_of(found: Any, said: str) -> Market:
    """A market, or that of a class at its defaults."""
    if inspect.isclass(found) and (hasattr(found, "simulate_chunk") or hasattr(found, "twin")):
        try:
            return cast(Market, found())
        except TypeError as error:
            raise ParameterError(
                f"The market {said} cannot be made without arguments ({error}); give its fields defaults, or name a "
                "market in the file instead of its class."
            ) from error
    if not (hasattr(found, "simulate_chunk") or hasattr(found, "twin")):
        raise ParameterError(f"{said} is no market; give one, or a class of markets, that answers `Market`.")
    return cast(Market, found)


def save(market: Market, path: str | Path) -> None:
    """Write a market as TOML; `load` reads it back.

    A market of your own brings its Python file with it, as ``definition.py`` beside the TOML file, with its sha256.

    Raises
    ------
    ParameterError, DataError
        Where no file can hold the market, or it cannot be written there.
    """
    if market.kind in DESCRIPTIONS:
        raise ParameterError(
            f"A market of kind {market.kind!r} lives in memory only and cannot be saved. That of an equilibrium can be "
            "where costs are quadratic and there are at most 100 agents; else save the problem, and solve it again."
        )
    path, values = Path(path), market.to_dict()
    if is_own(market):
        definition = getattr(market, "definition", None) or definition_of(market)
        values |= definition.keep(path.parent)
    write_atomically(path, tomli_w.dumps(values))


def is_own(market: Market) -> bool:
    """Whether a market is of a class of the user's, which no name stands for; it may have kept its parent's kind."""
    return not (market.kind in MARKETS and MARKETS.find(market.kind) is type(market))


def read_toml(path: Path) -> dict[str, Any]:
    """A file's content; `ParameterError` where it is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path} is not a TOML file: {error}.") from None
