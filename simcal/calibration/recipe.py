"""A recipe: data, market, what is trained, and the rules of the game, read from TOML and checked at the edge."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from simcal.errors import ParameterError
from simcal.parameters import check_names
from simcal.resources import resource_folder


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class GameSettings(_Strict):
    """The rules of the adversarial game."""

    statistics: str = "experiment"
    loss: str = "wasserstein"
    gradient_penalty: float = Field(default=10.0, ge=0)
    slope: float = Field(default=1.0, ge=0)  # of the discriminator, from which the gradient penalty holds it back
    normalise: Literal["standardise", "whiten"] = "whiten"
    shrinkage: float = Field(default=0.0, ge=0, le=1)
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = (32, 32)
    activation: Literal["relu", "tanh", "silu"] = "relu"
    window: int = Field(default=50, ge=2)
    warm_up: int = Field(default=50, ge=0)
    windows_per_path: int = Field(default=1, ge=1)
    batch: int = Field(default=1000, ge=2)
    iterations: int = Field(default=2000, ge=1)
    discriminator_steps: int = Field(default=1, ge=1)
    generator_rate: float = Field(default=0.02, gt=0)
    discriminator_rate: float = Field(default=0.002, gt=0)
    beta1: float = Field(default=0.5, ge=0, lt=1)
    beta2: float = Field(default=0.9, ge=0, lt=1)
    decay: Literal["none", "cosine"] = "cosine"
    final_rate: float = Field(default=0.05, ge=0, le=1)
    average_from: float = Field(default=0.7, ge=0, le=1)
    # Gradients along the simulated paths, or by differences of this size on the free scale: where paths of a market fly
    # apart, as those of traders who imitate each other much, the former drown in noise.
    difference: float | None = Field(default=None, gt=0)
    largest_gradient: float | None = Field(default=None, gt=0)
    dtype: Literal["float32", "float64"] = "float32"
    twin: dict[str, Any] = Field(default_factory=dict)

    @field_validator("twin")
    @classmethod
    def _set_elsewhere(cls, options: dict[str, Any]) -> dict[str, Any]:
        for name in ("dtype", "device"):
            if name in options:
                raise ValueError(
                    f"game.twin.{name} is not set here: game.dtype and the argument device of calibrate do that."
                )
        return options


class Starts(_Strict):
    """Where the generator starts: how many times, and how far from the recipe's market."""

    count: int = Field(default=1, ge=1)
    # "market": the market itself; "scatter": its trainable parameters moved by `spread` on the unbounded scale
    # (the first start stays); "normal": every trainable parameter drawn from N(0, 1), as in the paper
    # (its absolute value where it must be positive; uniform between two bounds).
    law: Literal["market", "scatter", "normal"] = "scatter"
    spread: float = Field(default=0.3, ge=0)


class EarlyStopping(_Strict):
    """Watch the energy distance to validation windows and stop when it no longer falls; keep the best market."""

    every: int = Field(default=100, ge=1)
    patience: int = Field(default=5, ge=1)


class Experiment(_Strict):
    """A synthetic experiment: the data are paths of the recipe's own market, and the truth is known."""

    n_paths: int = Field(default=1000, ge=10)
    replications: int = Field(default=20, ge=1)
    plain: GameSettings | None = None  # the recipe that ours is compared with, from the same starts


class Bootstrap(_Strict):
    """Real windows by circular block bootstrap of the training returns, for series with few windows of their own."""

    block: int = Field(default=500, ge=2)  # at most half of the training returns is taken
    count: int = Field(default=1000, ge=10)


Method = Literal["likelihood", "moments", "adversarial"]
Told = Literal["covers", "traded_prices", "ranks"]

CLIENT_AND_QUOTES = ("client_mean", "client_scale", "client_shape", "quote_mean", "quote_scale", "quote_shape")
"""What every method of a calibration to requests estimates."""


EQUILIBRIUM_PARAMETERS = ("risk_aversion", "exposure", "cost")
"""What a calibration with trading costs estimates; the volatility of the dividend is in the tables that follow."""


class RequestExperiment(_Strict):
    """An experiment with requests of the recipe's own market, in which every method finds the truth again, or not."""

    n_requests: int = Field(default=20_000, ge=1000)
    replications: int = Field(default=4, ge=1)


class RequestSettings(_Strict):
    """How a dealer market is calibrated to a request table."""

    view: Literal["own", "platform"] = "own"  # one dealer's own history, or all quotes
    methods: tuple[Method, ...] = Field(default=("likelihood", "moments", "adversarial"), min_length=1)
    # Whose estimates become the market. Absent: the adversarial ones where dealers mind their inventories (the other
    # methods take every request for itself), else the first method.
    chosen: Method | None = None
    told: tuple[Told, ...] = ("covers", "traded_prices", "ranks")  # what the likelihood may use of the own history
    # Deviation of a weak prior on the logarithms of the shapes, in likelihood and moments; absent: none.
    shape_prior: float | None = Field(default=None, gt=0)
    experiment: RequestExperiment | None = None

    @model_validator(mode="after")
    def _chosen_is_used(self) -> RequestSettings:
        if self.chosen is not None and self.chosen not in self.methods:
            raise ValueError(
                f"requests.chosen is {self.chosen!r}, which is not among requests.methods ({', '.join(self.methods)}); "
                "add it there or choose one of these."
            )
        if len(set(self.methods)) < len(self.methods):
            raise ValueError("requests.methods names a method more than once; name each once.")
        return self


class EquilibriumSettings(_Strict):
    """How a market with trading costs is calibrated to prices and volume."""

    # "relative": log price changes, times the last price; "absolute": price changes as they are.
    changes: Literal["relative", "absolute"] = "relative"
    detrend: bool = True  # divide volume by its exponential trend
    supply: float | None = Field(default=None, gt=0)  # shares of the asset, in the unit of the volume
    turnover: float = Field(default=0.005, gt=0, le=1)  # without supply: which share of it changes hands in a step
    background: bool = True  # others trade a constant volume as well; else all volume is the groups'
    premium: float | None = Field(default=None, gt=0)  # mean change of a step, where it is known; else estimated
    # Of the moments: one over their variances, or the inverse of their covariance where the model holds.
    weights: Literal["robust", "efficient"] = "robust"
    lags: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(1, 2, 5, 10, 20), min_length=1)
    block: int | None = Field(default=None, ge=2)  # steps of a bootstrap block; absent: by the persistence of volume
    resamples: int = Field(default=1000, ge=100)
    simulated: int = Field(default=1000, ge=100)  # series for the weights of the moments


RecoveryMethod = Literal["moments", "adversarial"]


class RecoverySettings(_Strict):
    """A market found again from single long samples of its own, by simulated moments and by the game."""

    n_steps: int = Field(default=6866, ge=500)  # of each sample, after game.warm_up steps
    replications: int = Field(default=20, ge=1)
    methods: tuple[RecoveryMethod, ...] = Field(default=("moments", "adversarial"), min_length=1)
    start_factor: float = Field(
        default=2.0, gt=1
    )  # searches begin at the truth times factors up to this, or one over it
    # The method of simulated moments.
    moments: str = "franke-westerhoff"
    simulated: int = Field(default=10, ge=1)  # samples for the means of the moments
    candidates: int = Field(default=30, ge=1)  # starts whose moments are looked at
    searches: int = Field(default=2, ge=1)  # from the best of these; the best result is kept
    weight_samples: int = Field(default=1000, ge=100)  # for the covariance of the moments
    block: int = Field(default=750, ge=2)  # steps of a bootstrap block, for the weights of the first round
    bound_samples: int = Field(default=2000, ge=100)  # for the standard errors by theory

    @model_validator(mode="after")
    def _methods_once(self) -> RecoverySettings:
        if len(set(self.methods)) < len(self.methods):
            raise ValueError("recovery.methods names a method more than once; name each once.")
        return self


class Recipe(_Strict):
    """One calibration from data to report, as it stands in ``calibration/NAME.toml``."""

    name: str
    description: str = ""
    data: str | None = None
    market: str = "stock"
    changes: dict[str, Any] = Field(default_factory=dict)
    trainable: tuple[str, ...] = Field(min_length=1)
    per_trader: tuple[str, ...] = ()
    train_share: float = Field(default=0.7, gt=0, le=1)
    validation_share: float = Field(default=0.0, ge=0, le=0.34)  # a third at most: windows on both sides
    window_stride: int = Field(default=5, ge=1)
    bootstrap: Bootstrap | None = None
    match_scale: bool = False  # start from a market whose returns are as large as the data's
    match_growth: bool = False  # the market grows by the mean of the data's log returns
    seed: int = Field(default=0, ge=0, le=2**64 - 1)
    budget: float | None = Field(default=None, gt=0)
    game: GameSettings = GameSettings()
    starts: Starts = Starts()
    early_stopping: EarlyStopping | None = None
    experiment: Experiment | None = None
    requests: RequestSettings | None = None
    equilibrium: EquilibriumSettings | None = None
    recovery: RecoverySettings | None = None

    @model_validator(mode="after")
    def _requests_fit(self) -> Recipe:
        if self.requests is None:
            return self
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
        unused = [n for n in ("bootstrap", "experiment", "early_stopping") if getattr(self, n) is not None]
        unused += ["per_trader"] if self.per_trader else []
        if unused:
            raise ValueError(f"{unused[0]} has no meaning in a calibration to requests; leave it out.")
        return self

    @model_validator(mode="after")
    def _equilibrium_fits(self) -> Recipe:
        if self.equilibrium is None:
            return self
        if set(self.trainable) != set(EQUILIBRIUM_PARAMETERS):
            raise ValueError(
                f"trainable is {', '.join(self.trainable)}, but a calibration with trading costs estimates "
                f"{', '.join(EQUILIBRIUM_PARAMETERS)}; name these."
            )
        names = ("requests", "bootstrap", "experiment", "early_stopping", "budget")
        unused = [n for n in names if getattr(self, n) is not None]
        unused += ["changes"] if self.changes else []
        if unused:
            raise ValueError(f"{unused[0]} has no meaning in a calibration with trading costs; leave it out.")
        return self

    @model_validator(mode="after")
    def _recovery_fits(self) -> Recipe:
        if self.recovery is None:
            return self
        names = ("requests", "equilibrium", "bootstrap", "experiment", "early_stopping", "per_trader")
        unused = [n for n in names if getattr(self, n)]
        unused += ["starts"] if "starts" in self.model_fields_set and self.starts != Starts() else []
        if unused:
            raise ValueError(f"{unused[0]} has no meaning in a recovery from long samples; leave it out.")
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
        """Whether the recipe makes its data itself."""
        if self.recovery is not None:
            return True
        return self.experiment is not None or (self.requests is not None and self.requests.experiment is not None)

    @model_validator(mode="after")
    def _trainable_once(self) -> Recipe:
        twice = next((name for name in self.trainable if self.trainable.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"trainable names {twice!r} more than once; name each parameter once.")
        return self

    @model_validator(mode="after")
    def _bootstrap_or_validation(self) -> Recipe:
        if self.bootstrap is not None and self.validation_share > 0:
            raise ValueError(
                "bootstrap draws its windows from all training returns, so that none are left for validation_share; "
                "give one of the two."
            )
        return self

    @model_validator(mode="after")
    def _early_stopping_has_windows(self) -> Recipe:
        if self.early_stopping is not None and self.validation_share == 0:
            raise ValueError(
                "early_stopping judges by validation windows, but validation_share is 0, so that there are none; "
                "raise it or leave early_stopping out."
            )
        return self

    @model_validator(mode="after")
    def _early_stopping_has_averages(self) -> Recipe:
        if self.early_stopping is not None and self.game.average_from >= 1:
            raise ValueError(
                "early_stopping judges the averaged parameters, but game.average_from is 1, so that there are none; "
                "lower it or leave early_stopping out."
            )
        return self

    def to_toml(self) -> str:
        """The recipe as a TOML file; what is not set is left out."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


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
        return check_recipe({"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path} is not a TOML file: {error}.") from None


def check_recipe(values: dict[str, Any]) -> Recipe:
    """The recipe with these settings; `ParameterError` says what is wrong with the first wrong one."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        name = values.get("name", "without a name")
        raise ParameterError(f"The recipe {name} cannot be used: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{place!r} is not a setting of a recipe; correct or remove it."
    if first["type"] == "missing":
        return f"{place!r} is missing; add it."
    if first["type"] == "value_error":  # a sentence of our own
        return first["msg"].removeprefix("Value error, ")
    return f"{place} is {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}."
