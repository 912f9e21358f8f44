"""The herding market as a PyTorch module: the same rules as the kernel, with gradients."""

from __future__ import annotations

from simcal.models.herding.adjoint import adjoint_prices
from simcal.models.herding.eager import eager_prices
from simcal.models.herding.market import HerdingMarket
from simcal.models.price_twin import PriceTwin


class HerdingTwin(PriceTwin):
    """A differentiable herding market; options and methods as of `PriceTwin`, which starts from a `HerdingMarket`."""

    adjoint, eager = staticmethod(adjoint_prices), staticmethod(eager_prices)

    def to_market(self) -> HerdingMarket:
        """The market at the present values of the trainable parameters."""
        return self.trainable.to_market()  # type: ignore[return-value]
