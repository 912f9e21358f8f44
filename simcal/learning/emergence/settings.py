"""What the experiment of the learning traders is made of, read from TOML and checked at the edge."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from simcal.book import BookMarket, check_fields, parameter
from simcal.errors import ParameterError, check_names
from simcal.learning.market import LearningMarket, load_market
from simcal.learning.settings import PpoSettings
from simcal.models import load
from simcal.noise import check_integer
from simcal.resources import resource_folder

ARMS = ("both", "learning-only", "heterogeneity-only", "neither")
"""Of the experiment. The first two learn; in the second and the last one all traders are alike."""
ACTINGS = ("means", "noise")
_FEWEST_BARS = 80


@dataclass(frozen=True)
class EmergenceSettings:
    """The experiment; the defaults are those of the recipe ``learning-emergence``.

    Parameters
    ----------
    name, description
        For people.
    market
        Of the traders who learn and differ in everything: a name or file of `simcal.learning.load_market`.
    rules, changes
        The order-book market of the traders by rule, and what is changed in it. Its fundamental value moves as that of
        the learning market.
    seeds
        Runs of each arm, with the seeds 0, 1, ...
    steps
        Decisions of each training, rounded to whole updates.
    days
        Episodes that a run is measured on.

    Other Parameters
    ----------------
    bars
        Of each session of a day, on both clocks.
    busyness
        How many trades the first and last bar of the resampled day hold for one at noon, see `curve`.
    acting
        What the verdict looks at: traders who do what the policy means ("means"), or who act with the noise that they
        learned with ("noise"). Both are measured.
    level
        Of the tests, after Holm's correction.
    data
        A price series to measure the distance to: a name of the catalogue or a file; "" for none.
    training
        What differs from the defaults of `simcal.learning.PpoSettings`.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.
    """

    kind: ClassVar[str] = "emergence"

    name: str = "learning-emergence"
    description: str = ""
    market: str = "book-learning"
    rules: str = "book-cara"
    changes: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = parameter(8, "runs of each arm", 1, 10_000, integer=True)
    steps: int = parameter(5_400_000, "decisions of each training", 1, 10**12, integer=True)
    days: int = parameter(100, "episodes that a run is measured on", 2, 10**5, integer=True)
    bars: tuple[int, ...] = (151, 150)
    busyness: float = parameter(5.0, "trades of the busiest bar for one at noon", 1, 1e3)
    acting: Literal["means", "noise"] = "means"
    level: float = parameter(0.05, "of the tests", 1e-6, 0.5)
    data: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self)
        sessions = self.learning_market.sessions
        bars = tuple(check_integer(f"bars[{i}]", n, 1, 10**5) for i, n in enumerate(self.bars))
        if len(bars) != len(sessions[1::2]) or sum(bars) < _FEWEST_BARS:
            raise ParameterError(
                f"bars is {list(bars)}, but must have one number for each session with trade of the market, "
                f"{len(sessions[1::2])}, and {_FEWEST_BARS} bars in all, for autocorrelations up to lag 70."
            )
        object.__setattr__(self, "bars", bars)
        _ = self.ppo, self.rule_market

    @property
    def learning_market(self) -> LearningMarket:
        """Traders who learn and differ in everything."""
        return load_market(self.market)

    @property
    def rule_market(self) -> BookMarket:
        """Traders by rule who differ; without moves of the fundamental value."""
        market = load(self.rules)
        if not isinstance(market, BookMarket):
            raise ParameterError(f"rules is {self.rules!r}, but must be an order-book market, such as 'book-cara'.")
        sessions = self.learning_market.sessions
        breaks = set(sessions[2::2]) or {market.break_steps}
        if len(set(sessions[1::2])) > 1 or len(breaks) > 1 or len(sessions) % 2:
            raise ParameterError(
                f"The sessions of {self.market} are {list(sessions)}, but must be of one length, with breaks of one "
                "length, for traders by rule to have the same day."
            )
        same = {"session_steps": sessions[1], "break_steps": breaks.pop(), "warm_up": sessions[0]}
        return market.replace(**{**same, **self.changes})

    @property
    def ppo(self) -> PpoSettings:
        """Of each training."""
        settings = PpoSettings().replace(**self.training)
        return settings.replace(iterations=max(1, round(self.steps / self._steps_of(settings))))

    @property
    def steps_per_update(self) -> int:
        """Decisions that an update of the policy is made of."""
        return self._steps_of(self.ppo)

    def _steps_of(self, settings: PpoSettings) -> int:
        return settings.episodes * self.learning_market.n_steps

    def replace(self, **changes: Any) -> Self:
        """Settings with some changed; everything is checked again."""
        check_names(changes, asdict(self), "a setting of the experiment")
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values as they stand in TOML."""
        return {"kind": self.kind, **asdict(self), "bars": list(self.bars)}


def experiment_names() -> list[str]:
    """The experiments of learning traders that come with simcal."""
    return sorted(p.stem for p in resource_folder("calibration").glob("*.toml") if is_emergence(p))


def load_emergence(source: str | Path) -> EmergenceSettings:
    """An experiment by name from ``calibration/``, or from a TOML file with ``kind = "emergence"``.

    Raises
    ------
    ParameterError
        Where there is none, or where something in it is wrong.
    """
    path = Path(source)
    if path.suffix != ".toml":
        check_names([str(source)], experiment_names(), "an experiment of learning traders")
        path = resource_folder("calibration") / f"{source}.toml"
    values = _values(path)
    if values.pop("kind", None) != EmergenceSettings.kind:
        raise ParameterError(f"{path} does not describe an experiment of learning traders (kind = 'emergence').")
    values = {"name": path.stem, **values}
    check_names(values, [f.name for f in fields(EmergenceSettings)], "a setting of the experiment")
    return EmergenceSettings(**values)


def is_emergence(source: str | Path) -> bool:
    """Whether a name or file is that of an experiment of learning traders."""
    if Path(source).suffix == ".toml":
        return _values(Path(source)).get("kind") == EmergenceSettings.kind
    return str(source) in experiment_names()


def _values(path: Path) -> dict[str, Any]:
    """What a file holds; nothing where it is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}
