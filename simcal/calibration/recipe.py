"""A recipe: data, market, what is estimated and how, read from TOML and checked at the edge.

There is a class for each kind of recipe. Which one a file is, its section says; what a kind does not have, it refuses.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import tomli_w
from pydantic import BaseModel, Discriminator, Field, Tag, TypeAdapter, ValidationError, model_validator

from simcal.calibration.losses import LOSSES
from simcal.calibration.settings import CLIENT_AND_QUOTES as CLIENT_AND_QUOTES
from simcal.calibration.settings import EQUILIBRIUM_PARAMETERS as EQUILIBRIUM_PARAMETERS
from simcal.calibration.settings import Bootstrap as Bootstrap
from simcal.calibration.settings import EarlyStopping as EarlyStopping
from simcal.calibration.settings import EquilibriumSettings as EquilibriumSettings
from simcal.calibration.settings import Experiment as Experiment
from simcal.calibration.settings import GameSettings as GameSettings
from simcal.calibration.settings import LikelihoodSettings, Strict
from simcal.calibration.settings import MomentSettings as MomentSettings
from simcal.calibration.settings import RecoverySettings as RecoverySettings
from simcal.calibration.settings import RequestSettings as RequestSettings
from simcal.calibration.settings import Starts as Starts
from simcal.errors import ParameterError, check_names
from simcal.resources import resource_folder
from simcal.user_code import is_reference


class Recipe(Strict):
    """One calibration from data to report, as it stands in ``calibration/NAME.toml``; what all kinds have.

    A setting of another kind of recipe answers as where it is not set.
    """

    title: ClassVar[str] = "a recipe"
    run: ClassVar[str] = "calibration"  # the kind of run that it leaves
    unused: ClassVar[tuple[str, ...]] = ()  # arguments of `calibrate` that have no meaning for it

    name: str
    description: str = ""
    data: str | None = None
    market: str = "stock"
    trainable: tuple[str, ...] = Field(min_length=1)
    train_share: float = Field(default=0.7, gt=0, le=1)
    seed: int = Field(default=0, ge=0, le=2**64 - 1)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Any:
        """As of pydantic; of `Recipe` itself, the recipe of the kind that the sections say."""
        return _RECIPES.validate_python(obj, **options) if cls is Recipe else super().model_validate(obj, **options)

    @model_validator(mode="before")
    @classmethod
    def _drop_unset(cls, values: Any) -> Any:
        """Resolved recipes of earlier versions hold the defaults of all kinds."""
        if not isinstance(values, dict):
            return values
        foreign = [name for name in values if name not in cls.model_fields and name in _DEFAULTS]
        return {n: v for n, v in values.items() if n not in foreign or not _is_unset(v, _DEFAULTS[n])}

    @model_validator(mode="after")
    def _trainable_once(self) -> Recipe:
        twice = next((name for name in self.trainable if self.trainable.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"trainable names {twice!r} more than once; name each parameter once.")
        return self

    def __getattr__(self, name: str) -> Any:
        if name in _DEFAULTS:
            return _DEFAULTS[name]
        raise AttributeError(f"a recipe has no {name!r}")

    @property
    def is_experiment(self) -> bool:
        """Whether the recipe makes its data itself."""
        return False

    @property
    def statistics(self) -> str:
        """The name of the statistics that the estimator looks at."""
        return self.game.statistics

    def refuse(self, given: dict[str, Any]) -> None:
        """`ParameterError` where an argument of `calibrate` is given that this kind of recipe has no use for."""
        name = next((name for name in given if name in self.unused), None)
        if name is not None:
            raise ParameterError(
                f"{name} was given, but has no meaning in {self.title}, which the recipe {self.name} is; leave it out, "
                "or give a recipe of another kind."
            )

    def to_toml(self) -> str:
        """The recipe as a TOML file; what is not set is left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


class _Simulated(Recipe):
    """A recipe that simulates a market, with changes, by the rules of a game."""

    changes: dict[str, Any] = Field(default_factory=dict)
    budget: float | None = Field(default=None, gt=0)
    game: GameSettings = GameSettings()


class PriceRecipe(_Simulated):
    """A market calibrated to a price series, by an estimator."""

    title: ClassVar[str] = "a calibration to prices"
    unused: ClassVar[tuple[str, ...]] = ("mapping",)

    estimator: str = "adversarial"  # or "moments"; by name in `simcal.calibration.ESTIMATORS`
    per_trader: tuple[str, ...] = ()
    validation_share: float = Field(default=0.0, ge=0, le=0.34)  # a third at most: windows on both sides
    window_stride: int = Field(default=5, ge=1)
    bootstrap: Bootstrap | None = None
    match_scale: bool = False  # start from a market whose returns are as large as the data's
    match_growth: bool = False  # the market grows by the mean of the data's log returns
    starts: Starts = Starts()
    early_stopping: EarlyStopping | None = None
    moments: MomentSettings = MomentSettings()
    likelihood: LikelihoodSettings = LikelihoodSettings()

    @property
    def statistics(self) -> str:
        """The name of the statistics that the estimator looks at."""
        place, entry = self._of_statistics
        return getattr(getattr(self, place), entry)

    def with_statistics(self, name: str) -> Self:
        """The recipe with other statistics for its estimator."""
        place, entry = self._of_statistics
        return self.model_copy(update={place: getattr(self, place).model_copy(update={entry: name})})

    @property
    def _of_statistics(self) -> tuple[str, str]:
        return (self.estimator, "moments") if self.estimator in ("moments", "likelihood") else ("game", "statistics")

    @model_validator(mode="after")
    def _windows_are_there(self) -> PriceRecipe:
        if self.bootstrap is not None and self.validation_share > 0:
            raise ValueError(
                "bootstrap draws its windows from all training returns, so that none are left for validation_share; "
                "give one of the two."
            )
        if self.early_stopping is not None and self.validation_share == 0:
            raise ValueError(
                "early_stopping judges by validation windows, but validation_share is 0, so that there are none; "
                "raise it or leave early_stopping out."
            )
        if self.early_stopping is not None and self.game.average_from >= 1:
            raise ValueError(
                "early_stopping judges the averaged parameters, but game.average_from is 1, so that there are none; "
                "lower it or leave early_stopping out."
            )
        return self


class ExperimentRecipe(PriceRecipe):
    """A market found again from many of its own paths."""

    title: ClassVar[str] = "an experiment"
    run: ClassVar[str] = "experiment"

    experiment: Experiment

    @property
    def is_experiment(self) -> bool:
        """True."""
        return True


class RecoveryRecipe(_Simulated):
    """A market found again from single long samples of its own."""

    title: ClassVar[str] = "a recovery from long samples"
    run: ClassVar[str] = "recovery"

    recovery: RecoverySettings

    @model_validator(mode="after")
    def _game_is_linear(self) -> RecoveryRecipe:
        game, together = self.game, self.game.windows_per_path * self.game.window
        if game.hidden or game.loss != "wasserstein":
            raise ValueError(
                "A recovery has standard errors for a linear Wasserstein discriminator only; set game.hidden = [] and "
                "game.loss = 'wasserstein'."
            )
        if together > self.recovery.n_steps:
            raise ValueError(
                f"game.windows_per_path times game.window is {together} steps, longer than a sample of "
                f"{self.recovery.n_steps}; lower one of them or raise recovery.n_steps."
            )
        return self

    @property
    def is_experiment(self) -> bool:
        """True."""
        return True


class RequestRecipe(_Simulated):
    """A dealer market calibrated to a request table."""

    title: ClassVar[str] = "a calibration to requests"
    run: ClassVar[str] = "requests"
    unused: ClassVar[tuple[str, ...]] = ("estimator", "statistics", "loss")

    starts: Starts = Starts()
    requests: RequestSettings

    @model_validator(mode="after")
    def _parameters_fit(self) -> RequestRecipe:
        known = {*CLIENT_AND_QUOTES, "inventory_skew"}
        if not set(CLIENT_AND_QUOTES) <= set(self.trainable) <= known:
            raise ValueError(
                f"trainable is {', '.join(self.trainable)}, but a calibration to requests estimates "
                f"{', '.join(CLIENT_AND_QUOTES)}, and inventory_skew where dealers mind their inventories; name these."
            )
        if "inventory_skew" in self.trainable and "adversarial" not in self.requests.methods:
            raise ValueError(
                "inventory_skew is trainable, but only the adversarial method can estimate it; add it to "
                "requests.methods."
            )
        if self.game.windows_per_path != 1:
            raise ValueError("game.windows_per_path must be 1 in a calibration to requests; leave it out.")
        return self

    @property
    def is_experiment(self) -> bool:
        """Whether the requests are those of the recipe's own market."""
        return self.requests.experiment is not None


class EquilibriumRecipe(Recipe):
    """A market with trading costs calibrated to prices and volume."""

    title: ClassVar[str] = "a calibration with trading costs"
    run: ClassVar[str] = "equilibrium"
    unused: ClassVar[tuple[str, ...]] = (
        "market", "starts", "iterations", "mapping", "device", "estimator", "statistics", "loss",
    )  # fmt: skip

    per_trader: tuple[str, ...] = ()
    equilibrium: EquilibriumSettings

    @model_validator(mode="after")
    def _parameters_fit(self) -> EquilibriumRecipe:
        if set(self.trainable) != set(EQUILIBRIUM_PARAMETERS):
            raise ValueError(
                f"trainable is {', '.join(self.trainable)}, but a calibration with trading costs estimates "
                f"{', '.join(EQUILIBRIUM_PARAMETERS)}; name these."
            )
        return self


_SECTIONS = {
    "requests": RequestRecipe,
    "equilibrium": EquilibriumRecipe,
    "recovery": RecoveryRecipe,
    "experiment": ExperimentRecipe,
}


def _section(values: Any) -> str:
    """Which kind of recipe these values are: the section that only this kind has, or "prices"."""
    if isinstance(values, Recipe):
        values = dict(values)
    given = values if isinstance(values, dict) else {}
    return next((name for name in _SECTIONS if given.get(name) is not None), "prices")


_RECIPES: TypeAdapter[Recipe] = TypeAdapter(
    Annotated[
        Annotated[RequestRecipe, Tag("requests")]
        | Annotated[EquilibriumRecipe, Tag("equilibrium")]
        | Annotated[RecoveryRecipe, Tag("recovery")]
        | Annotated[ExperimentRecipe, Tag("experiment")]
        | Annotated[PriceRecipe, Tag("prices")],
        Discriminator(_section),
    ]
)
_DEFAULTS: dict[str, Any] = {
    name: None if field.is_required() else field.get_default(call_default_factory=True)
    for kind in (*_SECTIONS.values(), PriceRecipe)
    for name, field in kind.model_fields.items()
    if name not in Recipe.model_fields
}


def _is_unset(value: Any, default: Any) -> bool:
    """Whether a value of a file, or of a recipe's own dump, is the default."""

    def plain(thing: Any) -> Any:
        thing = thing.model_dump(mode="json") if isinstance(thing, BaseModel) else thing
        return list(thing) if isinstance(thing, tuple) else thing

    value, default = plain(value), plain(default)
    if isinstance(value, dict) and isinstance(default, dict):
        return all(name in default and plain(entry) == default[name] for name, entry in value.items())
    return value == default


def recipe_names() -> list[str]:
    """The recipes that come with simcal, without the experiments of other kinds beside them."""
    paths = resource_folder("calibration").glob("*.toml")
    return sorted(p.stem for p in paths if "kind" not in tomllib.loads(p.read_text(encoding="utf-8")))


def load_recipe(source: str | Path) -> Recipe:
    """A recipe by name from ``calibration/``, or from a TOML file; `ParameterError` says what is wrong in it."""
    path = Path(source)
    if path.suffix != ".toml":
        check_names([str(source)], recipe_names(), "a recipe")
        path = resource_folder("calibration") / f"{source}.toml"
    if not path.is_file():
        raise ParameterError(f"There is no recipe file {path}; known recipes are {', '.join(recipe_names())}.")
    try:
        recipe = check_recipe({"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path} is not a TOML file: {error}.") from None
    # Not of every recipe: that of a run may name what its maker gave as a thing.
    if not is_reference(recipe.game.loss):
        try:
            check_names([recipe.game.loss], LOSSES, "a loss")
        except ParameterError as error:
            raise ParameterError(f"The recipe {recipe.name} cannot be used: {error}") from None
    return recipe


def check_recipe(values: dict[str, Any]) -> Recipe:
    """The recipe with these settings; `ParameterError` says what is wrong with the first wrong one."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        name = values.get("name", "without a name")
        title = {"prices": PriceRecipe, **_SECTIONS}[_section(values)].title
        raise ParameterError(f"The recipe {name} cannot be used: {_first_problem(error, title)}") from None


def _first_problem(error: ValidationError, title: str) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])  # the first is the kind
    if first["type"] == "extra_forbidden" and place in _DEFAULTS:
        return f"{place} has no meaning in {title}; leave it out."
    if first["type"] == "extra_forbidden":
        return f"{place!r} is not a setting of a recipe; correct or remove it."
    if first["type"] == "missing":
        return f"{place!r} is missing; add it."
    if first["type"] == "value_error":  # a sentence of our own
        return first["msg"].removeprefix("Value error, ")
    return f"{place} is {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}."
