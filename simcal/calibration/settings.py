"""The sections of recipes: what can be set, within which bounds, and what it is where nothing is said."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class GameSettings(Strict):
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


class Starts(Strict):
    """Where the generator starts: how many times, and how far from the recipe's market."""

    count: int = Field(default=1, ge=1)
    # "market": the market itself; "scatter": its trainable parameters moved by `spread` on the unbounded scale
    # (the first start stays); "normal": every trainable parameter drawn from N(0, 1), as in the paper
    # (its absolute value where it must be positive; uniform between two bounds).
    law: Literal["market", "scatter", "normal"] = "scatter"
    spread: float = Field(default=0.3, ge=0)


class EarlyStopping(Strict):
    """Watch the energy distance to validation windows and stop when it no longer falls; keep the best market."""

    every: int = Field(default=100, ge=1)
    patience: int = Field(default=5, ge=1)


class Experiment(Strict):
    """A synthetic experiment: the data are paths of the recipe's own market, and the truth is known."""

    n_paths: int = Field(default=1000, ge=10)
    replications: int = Field(default=20, ge=1)
    plain: GameSettings | None = None  # the recipe that ours is compared with, from the same starts


class Bootstrap(Strict):
    """Real windows by circular block bootstrap of the training returns, for series with few windows of their own."""

    block: int = Field(default=500, ge=2)  # at most half of the training returns is taken
    count: int = Field(default=1000, ge=10)


Method = Literal["likelihood", "moments", "adversarial"]
Told = Literal["covers", "traded_prices", "ranks"]

CLIENT_AND_QUOTES = ("client_mean", "client_scale", "client_shape", "quote_mean", "quote_scale", "quote_shape")
"""What every method of a calibration to requests estimates."""


EQUILIBRIUM_PARAMETERS = ("risk_aversion", "exposure", "cost")
"""What a calibration with trading costs estimates; the volatility of the dividend is in the tables that follow."""


class RequestExperiment(Strict):
    """An experiment with requests of the recipe's own market, in which every method finds the truth again, or not."""

    n_requests: int = Field(default=20_000, ge=1000)
    replications: int = Field(default=4, ge=1)


class RequestSettings(Strict):
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


class EquilibriumSettings(Strict):
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


class MomentSettings(Strict):
    """How parameters are estimated by simulated moments; see `simcal.calibration.moments`."""

    moments: str = "franke-westerhoff"  # the statistics
    simulated: int = Field(default=10, ge=1)  # samples for the means of the moments
    candidates: int = Field(default=30, ge=1)  # starts whose moments are looked at
    searches: int = Field(default=2, ge=1)  # from the best of these; the best result is kept
    weight_samples: int = Field(default=1000, ge=100)  # for the covariance of the moments
    block: int = Field(default=750, ge=2)  # steps of a bootstrap block, for the weights of the first round


class LikelihoodSettings(Strict):
    """How parameters are estimated by exact likelihood; see `simcal.calibration.likelihood`."""

    priors: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)  # widths around the start
    # What other series say, where there are fewer returns than this: a name in calibration/, a CSV file or a folder of
    # runs. See `simcal.calibration.prior`.
    learned: str | None = None
    learned_below: int = Field(default=3500, ge=0)
    # Returns that only bring the states from their start to where the market is; at most a tenth of all.
    warm_up: int = Field(default=100, ge=0)
    # Simulated moments beside the likelihood: statistics by name, and the weight of their mean squared misfit, in
    # standard errors, against the log-likelihood of a step; 0 leaves them out.
    moments: str = "stylised"
    moments_weight: float = Field(default=0.0, ge=0)
    simulated: int = Field(default=16, ge=2)  # paths as long as the series
    block: int = Field(default=250, ge=2)  # steps of a bootstrap block, for the standard errors


class RecoverySettings(MomentSettings):
    """A market found again from single long samples of its own, by simulated moments and by the game."""

    n_steps: int = Field(default=6866, ge=500)  # of each sample, after game.warm_up steps
    replications: int = Field(default=20, ge=1)
    methods: tuple[Literal["moments", "adversarial"], ...] = Field(default=("moments", "adversarial"), min_length=1)
    # Searches begin at the truth times factors up to this, or one over it.
    start_factor: float = Field(default=2.0, gt=1)
    bound_samples: int = Field(default=2000, ge=100)  # for the standard errors by theory

    @model_validator(mode="after")
    def _methods_once(self) -> RecoverySettings:
        if len(set(self.methods)) < len(self.methods):
            raise ValueError("recovery.methods names a method more than once; name each once.")
        return self
