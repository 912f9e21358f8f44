"""The description of an order-book market whose traders learn: sessions, endowments, traits, orders, reward."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from simcal.errors import ParameterError
from simcal.learning.specs import PARAMETERS, SPECS
from simcal.models.described import Described
from simcal.models.market import read_toml
from simcal.noise import check_integer
from simcal.parameters import Parameter, check_choices
from simcal.resources import resource_folder

CHOICES: dict[str, tuple[str, ...]] = {
    "reward": ("gains", "wealth"),
    "matching": ("level", "sweep"),
}
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

    She sees eleven features (`simcal.learning.specs.FEATURES`), and answers with a price and a volume in [-1, 1]: she
    buys or sells ``ceil(largest_volume |volume|)`` shares at ``mid (1 -+ price_band price)``, on the grid, rounded away
    from the mid. ``affordable`` caps what she buys by her cash, and what she sells by her shares.

    Reward "gains", of decision i with its end at her next decision or at the close (e), W her wealth at market
    prices, at the close at the fundamental value, q her shares, c her cash, p the price:

    .. math:: R_i = g \left[\frac{W_e - W_i}{W_0 + w} - \frac{\alpha}{2} \kappa f_i^2 V_e\right]
        - a\, 1[q_e < 0] - b\, 1[c_e < 0], \qquad f_i = q p / \max(W, w) \text{ after her step},

    with g ``gain_weight``, kappa ``risk_weight``, w ``reserve``, V the variance of returns since her last order, times
    N. Reward "wealth" is the published one: a level of wealth and penalties of illiquidity and mispricing; see
    `simcal.learning.books.rewards`.

    The fields and their bounds are listed in ``LearningMarket.SPECS``.

    Source: arXiv 2511.05207 and its code; "gains" is ours: the published reward soon leaves everybody bidding.

    Raises
    ------
    ParameterError
        Where a value is not allowed, in one sentence.
    """

    kind: ClassVar[str] = "learning"
    title: ClassVar[str] = "learning market"
    SPECS: ClassVar[dict[str, Parameter]] = SPECS

    n_traders: int = 200
    sessions: Sequence[int] = (100, 1000, 10, 1000)
    initial_price: float = 300.0
    tick: float = 0.01
    order_lifetime: int = 200
    fundamental_volatility: float = 0.003
    shares_mean: float = 20.0
    cash_mean: float = 15_000.0
    risk_aversion_mean: float = 2.0
    risk_aversion_sd: float = 1.0
    noise_mean: float = 0.02
    noise_sd: float = 0.01
    discount_low: float = 0.75
    discount_high: float = 0.999
    largest_volume: int = 20
    price_band: float = 0.02
    affordable: bool = False
    matching: Literal["level", "sweep"] = "level"
    reward: Literal["gains", "wealth"] = "gains"
    reserve: float = 3_000.0
    gain_weight: float = 20.0
    risk_weight: float = 5.0
    wealth_scale: float = 6e-5
    short_penalty: float = 0.1
    debt_penalty: float = 0.1
    illiquidity_penalty: float = 0.005
    mispricing_penalty: float = 0.2

    def __post_init__(self) -> None:
        for spec in PARAMETERS:
            object.__setattr__(self, spec.name, spec.check(getattr(self, spec.name)))
        check_choices(self, CHOICES)
        if not isinstance(self.affordable, bool):
            raise ParameterError(f"affordable is {self.affordable!r}, but must be true or false.")
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
