"""Networks of the baselines: hidden layers that all steps share, a last layer that depends on time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from simcal.equilibrium.adversarial.networks import HiddenLayers
from simcal.equilibrium.adversarial.units import Units

INPUTS = 4  # of `Units.inputs`
_RIDGE = 1e-8
_LEAST, _MOST = 0.2, 5.0  # volatility, relative to the dividend's: no price far from it is meant


class Coefficients(nn.Module):
    """Numbers per row, (n_rows, size), zero at first; with `knots` interpolated between so many rows."""

    def __init__(self, n_rows: int, size: int, device: torch.device, knots: int | None = None) -> None:
        super().__init__()
        rows = n_rows if knots is None else min(knots, n_rows)
        at = 1 - np.linspace(1, 0, rows) ** 2 if rows > 1 else np.zeros(1)  # denser towards the end
        hats = np.array([np.interp(np.linspace(0, 1, n_rows), at, row) for row in np.eye(rows)]).T
        self.hats = None if knots is None else torch.as_tensor(hats, device=device)
        self.free = nn.Parameter(torch.zeros(rows, size, dtype=torch.float64, device=device))

    def forward(self) -> Tensor:
        return self.free if self.hats is None else self.hats @ self.free


class AgentNetwork(nn.Module):
    """A number per agent for every state, in units of one; its mean over agents is 0.

    It is linear in the state, per row of coefficients by a polynomial of the matrix of risk aversions, as exact rates
    of quadratic costs are, plus hidden layers. It starts with what leads to the positions that are best without costs.
    """

    def __init__(self, units: Units, widths: tuple[int, ...], random: torch.Generator, n_rows: int) -> None:
        super().__init__()
        self.units = units
        self.hidden = HiddenLayers(INPUTS, widths, random).to(units.device)
        self.last = Coefficients(n_rows, 2 * units.degree + self.hidden.width, units.device)
        with torch.no_grad():
            self.last.free[:, 0] = -1.0
        agents = torch.eye(units.n_agents, dtype=torch.float64, device=units.device)
        scale = 1 / units.displacement.mean()
        self._basis = scale * units.powers(agents).reshape(units.n_agents, -1)  # (agents, agents * degree)
        self._hedges = scale * units.powers(units.xi)

    def features(self, psi: Tensor, w: Tensor) -> Tensor:
        """(..., agents) and (...) -> (..., agents, n_features)."""
        units = self.units
        moved = psi + w[..., None] * units.xi / units.alpha
        parts = [(moved @ self._basis).reshape(*psi.shape, units.degree), w[..., None, None] * self._hedges]
        if self.hidden.width:
            seen = self.hidden(units.inputs(psi, w))
            parts.append(seen - seen.mean(-2, keepdim=True))
        return torch.cat(parts, -1)

    def forward(self, psi: Tensor, w: Tensor, coefficients: Tensor) -> Tensor:
        """psi (paths, agents), w (paths,) with one row of coefficients, or all with a first axis for steps."""
        beside = coefficients[..., None] if psi.dim() == 2 else coefficients[:, None, :, None]
        return (self.features(psi, w) @ beside)[..., 0]

    def fit(self, psi: Tensor, w: Tensor, values: Tensor) -> None:
        """Coefficients of each row by ridge regression, for psi and values (rows, paths, agents), w (rows, paths)."""
        with torch.no_grad():
            for k in range(len(psi)):
                seen = self.features(psi[k], w[k]).reshape(-1, self.last.free.shape[1])
                products = seen.T @ seen / len(seen)
                ridge = _RIDGE * (products.diagonal() + 1e-12 * products.diagonal().max() + 1e-300)
                right = seen.T @ values[k].reshape(-1) / len(seen)
                self.last.free[k] = torch.linalg.solve(products + torch.diag(ridge), right)


class NoiseNetwork(nn.Module):
    """Z of each agent less the mean: polynomials of the risk aversions on the exposures plus hidden layers."""

    def __init__(self, units: Units, widths: tuple[int, ...], random: torch.Generator) -> None:
        super().__init__()
        self.units = units
        self.hidden = HiddenLayers(INPUTS, widths, random).to(units.device)
        self.level = Coefficients(units.n_steps, units.degree, units.device)
        self.last = Coefficients(units.n_steps, self.hidden.width, units.device)
        with torch.no_grad():
            self.level.free[:, 0] = -1.0
        slope = (units.marginal / units.displacement).mean() / units.alpha
        self._hedges, self._size = slope * units.powers(units.xi), slope * units.xi.abs().mean()

    def levels(self) -> Tensor:
        """(n_steps, agents)."""
        return self.level() @ self._hedges.T

    def forward(self, psi: Tensor, w: Tensor, level: Tensor, coefficients: Tensor) -> Tensor:
        """psi (paths, agents), w (paths,), and of this step the row of `levels` and of the last layer."""
        if not self.hidden.width:
            return level.expand(psi.shape)
        return level + centred(self._size * (self.hidden(self.units.inputs(psi, w)) @ coefficients))


class Volatility(nn.Module):
    """sigma: a number per step and, with hidden layers, a function of the state that is a mean over agents."""

    def __init__(self, units: Units, widths: tuple[int, ...], random: torch.Generator, knots: int) -> None:
        super().__init__()
        self.units = units
        self.level = Coefficients(units.n_steps, 1, units.device)
        self.hidden = HiddenLayers(INPUTS, widths, random).to(units.device)
        self.last = Coefficients(units.n_steps, self.hidden.width, units.device, knots)

    def forward(self, psi: Tensor, w: Tensor, steps: slice = slice(None)) -> Tensor:
        """psi (steps, paths, agents), w (steps, paths) -> (steps, paths)."""
        value = (1 + self.level()[steps]).expand(w.shape)
        if self.hidden.width:
            seen = self.hidden(self.units.inputs(psi, w)).mean(-2)
            value = value + (seen @ self.last()[steps][..., None])[..., 0]
        # Beyond the bounds the gradient stays, so that it finds back.
        return self.units.alpha * (value + (value.clamp(_LEAST, _MOST) - value).detach())


def centred(values: Tensor) -> Tensor:
    """Minus the mean over agents."""
    return values - values.mean(-1, keepdim=True)
