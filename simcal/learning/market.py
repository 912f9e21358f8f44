"""The market of learning traders: its description, what traders see and choose, and the arms of the experiment."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self

from scipy.special import ndtri

from simcal.book import check_fields, parameter, parameters_of
from simcal.errors import ParameterError, check_names
from simcal.models.described import Described
from simcal.models.market import read_toml
from simcal.noise import check_integer
from simcal.parameters import Parameter
from simcal.resources import resource_folder

FEATURES = (
    "asset ratio", "liquidable ratio", "inverse buying power", "return", "volatility", "bid depth", "ask depth",
    "blurred value", "noise", "risk aversion", "discount",
)  # fmt: skip
"""What a trader sees, in this order, each from -1 to 1."""
ACTIONS = ("price", "volume")
"""What she chooses, each from -1 to 1: how patient the price, and the volume, above 0 to buy."""

_LONGEST = 10**6


@dataclass(frozen=True)
class LearningMarket(Described):
    r"""Traders with preferences of their own in one limit order book (an immutable description; nobody has learned).

    One step is one decision: a trader is drawn, each with the same chance, sees the market, and may place a limit
    order; orders match by price, then time; then the fundamental value moves,
    :math:`\log v_{t+1} = \log v_t + s z_t`, with s uniform from 0 to ``fundamental_volatility`` in each episode. The
    steps of ``sessions`` are in turn without trade (orders are placed only) and with it. An order lapses after
    ``order_lifetime`` steps. Cash and shares may be negative.

    At the start of an episode trader j draws shares (the whole part of an exponential number), cash (exponential) and
    traits: risk aversion :math:`\alpha^j` and noise :math:`\sigma^j` (normal), discount :math:`\gamma^j` (uniform).

    She sees eleven features (`simcal.learning.FEATURES`), and answers with a price and a volume in [-1, 1]: she
    buys or sells ``ceil(largest_volume |volume|)`` shares at ``mid (1 -+ price_band price)``, on the grid, rounded away
    from the mid. ``affordable`` caps what she buys by her cash, and what she sells by her shares.

    Reward "gains", of decision i with its end at her next decision or at the close (e), W her wealth at market
    prices, at the close at the fundamental value, q her shares, c her cash, p the price:

    .. math:: R_i = g \left[\frac{W_e - W_i}{W_0 + w} - \frac{\alpha}{2} \kappa f_i^2 V_e\right]
        - a\, 1[q_e < 0] - b\, 1[c_e < 0], \qquad f_i = q p / \max(W, w) \text{ after her step},

    with g ``gain_weight``, kappa ``risk_weight``, w ``reserve``, V the variance of returns since her last order, times
    N. Reward "wealth" is the published one: a level of wealth and penalties of illiquidity and mispricing; see
    `simcal.learning.books.features.wealth_level`.

    The fields and their bounds are listed in ``LearningMarket.SPECS``.

    Source: arXiv 2511.05207 and its code; "gains" is ours: the published reward soon leaves everybody bidding.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.
    """

    kind: ClassVar[str] = "learning"
    title: ClassVar[str] = "learning market"
    SPECS: ClassVar[dict[str, Parameter]]

    n_traders: int = parameter(200, "number of traders", 1, 1_000_000, integer=True, letter="N")
    sessions: Sequence[int] = (100, 1000, 10, 1000)
    initial_price: float = parameter(300.0, "price and fundamental value at the start", 0, open=True, unit="price")
    tick: float = parameter(0.01, "distance of two prices of the book", 0, open=True, letter="delta", unit="price")
    order_lifetime: int = parameter(200, "steps after which an order lapses", 1, 2**31 - 2, integer=True, unit="steps")
    fundamental_volatility: float = parameter(
        0.003, "highest volatility of the fundamental value", 0, 1, letter="s", unit="1/sqrt(step)"
    )
    shares_mean: float = parameter(20.0, "mean endowment with shares", 0, 1e6, unit="shares")
    cash_mean: float = parameter(15_000.0, "mean endowment with cash", 0, 1e12, unit="money")
    risk_aversion_mean: float = parameter(2.0, "mean risk aversion", 0, 1e3, letter="E alpha")
    risk_aversion_sd: float = parameter(1.0, "its deviation between traders", 0, 1e3, letter="s_alpha")
    noise_mean: float = parameter(0.02, "mean noise in what traders know of the value", 0, 10, letter="E sigma")
    noise_sd: float = parameter(0.01, "its deviation between traders", 0, 10, letter="s_sigma")
    discount_low: float = parameter(0.75, "smallest discount per decision", 0, 0.9999, letter="g_lo")
    discount_high: float = parameter(0.999, "largest discount per decision", 0, 0.9999, letter="g_hi")
    largest_volume: int = parameter(20, "largest volume of an order", 1, 10_000, integer=True, unit="shares")
    price_band: float = parameter(
        0.02, "how far from the mid an order may be", 0, 0.5, open=True, unit="share of the mid"
    )
    affordable: bool = False
    matching: Literal["level", "sweep"] = "level"
    reward: Literal["gains", "wealth"] = "gains"
    reserve: float = parameter(
        3_000.0, "wealth below which gains and risks are measured against it", 0, 1e12, open=True, unit="money"
    )
    gain_weight: float = parameter(20.0, "weight of gains and risks in the gains reward", 0, 1e6)
    risk_weight: float = parameter(5.0, "weight of risks against gains in the gains reward", 0, 1e6, letter="kappa")
    wealth_scale: float = parameter(6e-5, "scale of wealth in the wealth reward", 0, open=True, unit="1/money")
    short_penalty: float = parameter(0.1, "penalty of negative shares", 0, 1e6)
    debt_penalty: float = parameter(0.1, "penalty of negative cash", 0, 1e6)
    illiquidity_penalty: float = parameter(0.005, "penalty of holdings beyond the book's depth (wealth reward)", 0, 1e6)
    mispricing_penalty: float = parameter(0.2, "penalty of lasting mispricing (wealth reward)", 0, 1e6)

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "sessions", _checked_sessions(self.sessions))
        if self.discount_low > self.discount_high:
            raise ParameterError(
                f"discount_low is {self.discount_low:g}, but must not be above discount_high, {self.discount_high:g}."
            )
        if not 10 <= self.initial_price / self.tick <= 1e6:
            raise ParameterError(
                f"initial_price is {self.initial_price:g} and tick {self.tick:g}, but a price must be from 10 to a "
                "million ticks; give a smaller or a larger tick."
            )

    @property
    def n_steps(self) -> int:
        """Steps, that is decisions, of an episode."""
        return sum(self.sessions)

    @property
    def first_trade(self) -> int:
        """Steps before the first session with trade."""
        return self.sessions[0]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The market that a TOML file describes; `ParameterError` for unknown names."""
        if values.get("kind") != cls.kind:
            raise ParameterError(f"The kind is {values.get('kind')!r}, but that of a learning market is {cls.kind!r}.")
        return super().from_dict(values)


LearningMarket.SPECS = parameters_of(LearningMarket)


def _checked_sessions(sessions: Any) -> tuple[int, ...]:
    if not isinstance(sessions, Sequence) or isinstance(sessions, (str, bytes)) or not 2 <= len(sessions) <= 100:
        raise ParameterError(
            f"sessions is {sessions!r:.60}, but must be a list of two or more numbers of steps, in turn without trade "
            "and with it."
        )
    checked = tuple(check_integer(f"sessions[{i}]", n, 0, _LONGEST) for i, n in enumerate(sessions))
    if not 2 <= sum(checked) <= _LONGEST or sum(checked[1::2]) == 0:
        raise ParameterError(
            f"sessions is {list(checked)}, but must have from 2 to {_LONGEST} steps, some of them with trade."
        )
    return checked


def market_names() -> list[str]:
    """The markets of learning traders that come with simcal."""
    paths = resource_folder("models").glob("*.toml")
    return sorted(p.stem for p in paths if read_toml(p).get("kind") == LearningMarket.kind)


def load_market(source: str | Path) -> LearningMarket:
    """The market of that name in ``models/``, of a TOML file with ``kind = "learning"``, or of a training's folder.

    Raises
    ------
    ParameterError
        Where there is none, with the nearest name, or where the file does not describe one.
    """
    path, known = Path(source), market_names()
    if str(source) in known:
        path = resource_folder("models") / f"{source}.toml"
    elif path.is_dir() and (path / "market.toml").is_file():
        path = path / "market.toml"
    elif path.suffix != ".toml" or not path.is_file():
        close = difflib.get_close_matches(str(source), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "give one of these, a TOML file or a training's folder."
        raise ParameterError(
            f"There is no market of learning traders {str(source)!r}; known are {', '.join(known)}; {hint}"
        )
    return LearningMarket.from_dict(read_toml(path))


_TAIL = 0.001  # of the distribution of a trait, beyond which its feature is clipped

# The corner of the grid of the source: all have the mean risk aversion and noise, and a discount of nearly 0.999.
_SAME_DISCOUNT = 0.998
_TRAITS = {"risk-aversion": "risk_aversion_sd", "noise": "noise_sd", "discount": "discount_low"}

ARMS: dict[str, tuple[str, ...]] = {
    "both": tuple(_TRAITS),
    "learning-only": (),
    **{f"{trait}-only": (trait,) for trait in _TRAITS},
    **{f"without-{trait}": tuple(t for t in _TRAITS if t != trait) for trait in _TRAITS},
}
"""Arms of the experiment, and the traits in which traders then differ."""


def arm(market: LearningMarket, name: str) -> LearningMarket:
    """The market in which traders differ in the traits of an arm only.

    Parameters
    ----------
    market
        Where traders differ in all that they shall differ in.
    name
        "both" (learning and heterogeneity: the market as it is), "learning-only" (all are alike), or a trait's name,
        "risk-aversion", "noise" or "discount", with "-only" after it or "without-" before it.

    Raises
    ------
    ParameterError
        For an unknown arm.
    """
    check_names([name], ARMS, "an arm of the experiment")
    kept = {_TRAITS[trait] for trait in ARMS[name]}
    same = {"risk_aversion_sd": 0.0, "noise_sd": 0.0, "discount_low": min(_SAME_DISCOUNT, market.discount_high)}
    return market.replace(**{field: value for field, value in same.items() if field not in kept})


class Scale(NamedTuple):
    """The range of a trait that its feature maps to [-1, 1]; `low` = `high` where all traders are alike."""

    low: float
    high: float


def scales(market: LearningMarket) -> tuple[Scale, Scale, Scale]:
    """Quantiles 0.1 % and 99.9 % of noise, risk aversion and discount: what their features are scaled with."""
    reach = float(ndtri(1 - _TAIL))
    low, high = market.discount_low, market.discount_high
    return (
        Scale(market.noise_mean - reach * market.noise_sd, market.noise_mean + reach * market.noise_sd),
        Scale(
            market.risk_aversion_mean - reach * market.risk_aversion_sd,
            market.risk_aversion_mean + reach * market.risk_aversion_sd,
        ),
        Scale(low + _TAIL * (high - low), high - _TAIL * (high - low)),
    )
