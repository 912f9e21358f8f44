"""What else than prices a market may be about: by the kind of market, who reads, measures and judges its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simcal.registry import Registry


@dataclass(frozen=True)
class Shown:
    """A result as a command shows it: tables by their titles, sentences below them, what to do next."""

    tables: Mapping[str, Any]
    sentences: Sequence[str] = ()
    next: str = ""


class Subject:
    """What a subject answers for the verbs; the base of all."""

    word = "data"  # what messages call its data
    wanted = "data to judge it by"  # after "so say which"
    recipe = ""  # that calibrates to its data where none is named

    def claims(self, source: str, maps: Sequence[str]) -> bool:
        """Whether a source of data is of this subject; `maps` are names of columns as the command takes them."""
        raise NotImplementedError

    def mapping(self, maps: Sequence[str]) -> Mapping[str, str]:
        """What the names of columns mean: ours -> the file's."""
        raise NotImplementedError

    def facts(
        self, source: str, maps: Sequence[str], level: float, report: Path | None
    ) -> tuple[dict[str, Any], Shown]:
        """What the data tell, as plain values and to be shown; with tables and figures in `report`."""
        raise NotImplementedError

    def judge(self, market: Any, data: Any, *, mapping: Mapping[str, str] | None, train_share: float | None,
              n_samples: int, seed: int) -> Any:  # fmt: skip
        """The certificate of a market."""
        raise NotImplementedError

    def show(self, certificate: Any, market: str) -> Shown:
        """What a command prints of a certificate."""
        raise NotImplementedError

    def summary(self, market: Any, n_paths: int, n_steps: int, **options: Any) -> Any:
        """What simulated paths of a market are like, as a data frame; `options` as of `simcal.simulate`."""
        raise NotImplementedError

    def write_table(self, market: Any, n: int, seed: int, out: Path) -> dict[str, Any]:
        """Simulate the data of one path into a file; what they are like."""
        raise NotImplementedError


SUBJECTS: Registry[Subject] = Registry("simcal.subjects", "a kind of market that is not about prices")


def subject_of_data(source: Any, maps: Sequence[str] | None = None) -> Subject | None:
    """Who claims a source of data; None for prices."""
    return next((s for s in SUBJECTS.values() if s.claims(str(source), maps or [])), None)


def subject_of_market(market: Any) -> Subject | None:
    """Whose market it is; None for one of prices."""
    return SUBJECTS.get(getattr(market, "kind", ""))
