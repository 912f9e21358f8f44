"""The stock market as a PyTorch module: the same rules as the kernel, with gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simcal.errors import ParameterError
from simcal.models.price_twin import PriceTwin
from simcal.models.stock.adjoint import adjoint_prices
from simcal.models.stock.eager import eager_prices
from simcal.models.stock.market import StockMarket


class StockTwin(PriceTwin):
    """A differentiable stock market with smoothed rules; options and methods as of `PriceTwin`.

    Parameters
    ----------
    market
        The description; the twin starts from its values.
    trainable
        Names of the parameters to train: any with ``trainable`` in ``StockMarket.SPECS``.
    **options
        ``per_trader``, ``dtype``, ``device``, ``engine`` and ``variance_gradient_floor``.

    Raises
    ------
    ParameterError
        For a market with hard rules, a parameter that cannot be trained, an unknown engine or precision.
    """

    adjoint, eager = staticmethod(adjoint_prices), staticmethod(eager_prices)

    def __init__(self, market: StockMarket, trainable: Iterable[str] = (), **options: Any) -> None:
        if market.rule != "smoothed":
            raise ParameterError(f"The rule {market.rule!r} has no gradient; use market.replace(rule='smoothed').")
        super().__init__(market, trainable, **options)

    def to_market(self) -> StockMarket:
        """The market at the present values of the trainable parameters."""
        return self.trainable.to_market()  # type: ignore[return-value]
