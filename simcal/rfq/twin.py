"""The dealer market as a PyTorch module: the kernel's draws and rules, with gradients, over all requests at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from simcal.definition.trainable import TrainableParameters
from simcal.errors import ParameterError
from simcal.noise import check_range, check_seed, fill_uniforms, uniforms_torch
from simcal.noise.gaussian import normal_pair
from simcal.rfq import rules
from simcal.rfq.laws_torch import place_of, standard_draws, standard_sf
from simcal.rfq.market import RfqMarket
from simcal.rfq.rules import GIVEN, STREAM_CLIENT, STREAM_PANEL, STREAM_QUOTES, STREAM_RING, STREAM_SIDE, STREAM_SIZE


class RfqTwin(nn.Module):
    """A differentiable dealer market.

    Quotes and reserve prices move with every parameter, the shapes among them. Who trades has a gradient as follows.

    * Smoothed rule: the shares of the multinomial logit, exactly those of the kernel.
    * Hard rule, without inventory skew only: the client is integrated out. ``traded`` is her probability to accept the
      best quote, S((best - mean) / scale), and ``done`` is the same where dealer 0 is the best: the exact means given
      the quotes. The gradient of being the best is that of a logistic choice between dealer 0 and its best rival at the
      market's temperature, which errs by the order of its square.

    Parameters
    ----------
    market
        The description; the twin starts from its values.
    trainable
        Names of the parameters to train: any with ``trainable`` in ``RfqMarket.SPECS``.
    per_trader
        Those of them that get a number of their own for every dealer; the others are shared by the dealers.

    Other Parameters
    ----------------
    dtype, device
        Precision of the simulation, float64 or float32, and where it runs. ``.to(...)`` changes both.

    Attributes
    ----------
    trainable
        The `TrainableParameters`, kept in float64 at first.

    Raises
    ------
    ParameterError
        For a market with a tick or with hard rules and inventory skew, a parameter that cannot be trained, an unknown
        precision.
    """

    place: Tensor

    def __init__(
        self, market: RfqMarket, trainable: Iterable[str] = (), *, per_trader: Iterable[str] = (),
        dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu",
    ) -> None:  # fmt: skip
        super().__init__()
        if dtype not in (torch.float64, torch.float32):
            raise ParameterError(f"dtype is {dtype}, but must be torch.float64 or torch.float32.")
        if market.tick > 0:
            raise ParameterError("Quotes rounded to a tick have no gradient; use market.replace(tick=0).")
        self.market = market
        self.trainable = TrainableParameters(market, trainable, per_trader=per_trader, device=device)
        self.skewed = "inventory_skew" in self.trainable.names or bool(market.vector("inventory_skew").any())
        if self.skewed and market.rule == "hard":
            raise ParameterError(
                "Inventories under the hard rule have no gradient; use market.replace(rule='smoothed'), or no "
                "inventory_skew."
            )
        # Follows .to(...), so that it always says where and how the twin simulates.
        self.register_buffer("place", torch.zeros((), dtype=dtype, device=device), persistent=False)

    def forward(self, uniforms: Tensor, given: Tensor | None = None) -> Tensor:
        """Requests, as `simulate`, from float64 uniforms of shape (n_steps, streams, n_paths), as `draw` gives them."""
        if uniforms.ndim != 3 or uniforms.shape[1] < self.streams or 0 in uniforms.shape:
            raise ParameterError(
                f"The uniforms have shape {tuple(uniforms.shape)}, but must have shape (n_steps, {self.streams}, "
                "n_paths) with at least one step and path; the method draw gives it."
            )
        if uniforms.dtype != torch.float64 or uniforms.device != self.place.device:
            raise ParameterError(
                f"The uniforms are {uniforms.dtype} on {uniforms.device}, but must be torch.float64 on "
                f"{self.place.device}, where the twin is."
            )
        uniforms = uniforms.transpose(0, 1)  # (streams, n_steps, n_paths)
        side, size, panel, own = self._requests(uniforms, given)
        own_given = ~own.isnan()
        margins = self._margins(uniforms, panel, own)
        if self.market.rule == "hard":
            own, rival, best, cover = rank(margins)
            done, traded = self._hard_outcome(own, rival, best)
        else:
            value, temperature = self._client_value(uniforms), self.market.temperature
            if self.skewed:
                margins, shares = self._in_turn(margins, value, side, size, own_given)
            else:
                shares = smoothed_shares(margins, value, temperature)
            own, rival, best, cover = rank(margins)
            done, traded = shares[0], shares.sum(0)
        rival, cover = (x.masked_fill(x == torch.inf, torch.nan) for x in (rival, cover))
        seen = torch.stack([side, size, panel, own, rival, best, cover, done, traded], dim=-1)  # as `SEEN` says
        return torch.cat([torch.zeros_like(seen[:1]), seen]).transpose(0, 1)

    @property
    def streams(self) -> int:
        """Uniforms per request."""
        return STREAM_SIZE + 2 if self.market.size_log_sd > 0 else STREAM_RING + 1

    def draw(self, seed: int, first_path: int, n_paths: int, n_steps: int) -> Tensor:
        """The noise that `simcal.simulate` uses for these paths: uniforms, float64, (n_steps, streams, n_paths)."""
        check_seed(seed)
        check_range(first_path, n_paths, 1, n_steps)
        if self.place.device.type == "cpu":
            uniforms = torch.empty((n_steps, self.streams, n_paths), dtype=torch.float64)
            fill_uniforms(uniforms.numpy(), seed, first_path, 1, threads=torch.get_num_threads())
            return uniforms
        return uniforms_torch(seed, first_path, n_paths, 1, n_steps, self.streams, device=self.place.device)

    def simulate(self, seed: int, first_path: int, n_paths: int, n_steps: int, given: Tensor | None = None) -> Tensor:
        """Requests of some paths with gradients, shape (n_paths, n_steps + 1, len(SEEN)).

        Parameters
        ----------
        seed, first_path, n_paths, n_steps
            Which noise: that of the kernel for these paths.
        given
            What is not to be drawn, shape (n_paths, len(GIVEN), n_steps + 1), first entry of the last axis ignored; NaN
            where the market's own law shall draw.

        Returns
        -------
        The channels `SEEN` of every request, in reduced units; NaN for the rival where none is asked and for the cover
        of a single quote. Row 0 is a request that did not happen: zeros.

        Raises
        ------
        ParameterError
            Where the seed or the range is not allowed, or `given` has another shape, or asks more dealers than there
            are.
        """
        return self(self.draw(seed, first_path, n_paths, n_steps), given)

    def to_market(self) -> RfqMarket:
        """The market at the present values of the trainable parameters."""
        return self.trainable.to_market()  # type: ignore[return-value]

    def _given(self, given: Tensor, uniforms: Tensor) -> list[Tensor]:
        """The channels of `GIVEN`, each (n_steps, n_paths)."""
        _, n_steps, n_paths = uniforms.shape
        if given.shape != (n_paths, len(GIVEN), n_steps + 1):
            raise ParameterError(
                f"given has shape {tuple(given.shape)}, but must have shape ({n_paths}, {len(GIVEN)}, {n_steps + 1}): "
                f"paths, {', '.join(GIVEN)}, and steps with one before the first."
            )
        channels = list(given[:, :, 1:].to(self.place).permute(1, 2, 0))
        panel = channels[GIVEN.index("n_dealers")]
        wrong = panel[(panel < 1) | (panel > self.market.n_dealers)]
        if len(wrong):
            raise ParameterError(
                f"given has a request to {wrong[0]:g} dealers, but the market has 1 to {self.market.n_dealers}; set "
                "n_dealers to the largest panel."
            )
        return channels

    def _requests(self, uniforms: Tensor, given: Tensor | None) -> list[Tensor]:
        """Side, size, panel and the own quote (NaN where its law draws it) of the requests; each (n_steps, n_paths)."""
        m = self.market
        side = torch.where(uniforms[STREAM_SIDE] < m.buy_share, 1.0, -1.0).to(self.place)
        size = torch.full_like(side, m.size_median)
        if m.size_log_sd > 0:
            words = _words(uniforms[STREAM_SIZE : STREAM_SIZE + 2])
            normal, _ = normal_pair(torch, words[0], words[1], True)
            size = (m.size_median * torch.exp(m.size_log_sd * normal)).to(self.place)
        panel, own = torch.full_like(side, m.n_dealers), torch.full_like(side, torch.nan)
        if m.panel_weights is not None and m.n_dealers > 1:
            cumulative = torch.from_numpy(np.cumsum(m.panel_probabilities)[:-1]).to(uniforms.device)
            panel = 1 + torch.searchsorted(cumulative, uniforms[STREAM_PANEL].contiguous(), right=True).to(self.place)
        drawn = [side, size, panel, own]
        if given is None:
            return drawn
        fixed = self._given(given, uniforms)
        return [torch.where(f.isnan(), d, f) for f, d in zip(fixed, drawn, strict=True)]

    def _margins(self, uniforms: Tensor, panel: Tensor, own: Tensor) -> Tensor:
        """What the dealers quote with flat inventories, (n_dealers, n_steps, n_paths); infinite if not asked."""
        words = _words(uniforms[STREAM_QUOTES : STREAM_QUOTES + self.market.n_dealers])
        mean, scale = (self._vector(name).to(self.place)[:, None, None] for name in ("quote_mean", "quote_scale"))
        margins = mean + scale * standard_draws(self._value("quote_shape"), place_of(words)).to(self.place)
        n_rivals = self.market.n_dealers - 1
        start = torch.floor(uniforms[STREAM_RING] * n_rivals)
        rivals = torch.arange(n_rivals, device=start.device)[:, None, None]
        asked = rules.is_asked(rivals, start, panel, max(n_rivals, 1))
        mine = torch.where(own.isnan(), margins[0], own)  # dealer 0 is always asked
        return torch.cat([mine[None], margins[1:].masked_fill(~asked, torch.inf)])

    def _hard_outcome(self, own: Tensor, rival: Tensor, best: Tensor) -> tuple[Tensor, Tensor]:
        """Shares done and traded: the best quote trades with the probability that the client accepts it."""
        traded = self._client_sf(best)
        # Being the best is a jump; this adds nothing to the value, and the gradient of a smooth choice.
        choice = torch.sigmoid((rival - own) / self.market.temperature)
        rank_change = self._client_sf(own).detach() * (choice - choice.detach())
        return torch.where(own <= rival, traded, 0.0) + rank_change, traded

    def _in_turn(
        self, margins: Tensor, value: Tensor, side: Tensor, size: Tensor, own_given: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Margins and shares, one request after the other: each moves the inventories, which move the next quotes."""
        lean = side * self._vector("inventory_skew").to(value)[:, None, None]  # by what a unit held lowers a margin
        lean = torch.cat([torch.where(own_given, 0.0, lean[0])[None], lean[1:]])
        inventory = torch.zeros_like(margins[:, 0])
        quoted, shares = [], []
        # Unbound, as the gradient of every single index would be as large as the whole.
        for flat, slope, price, d, z in zip(margins.unbind(1), lean.unbind(1), value, side, size, strict=True):
            quoted.append(flat - slope * inventory)
            shares.append(smoothed_shares(quoted[-1], price, self.market.temperature))
            inventory = rules.next_inventory(inventory, d, z, shares[-1])
        return torch.stack(quoted, 1), torch.stack(shares, 1)

    def _client_value(self, uniforms: Tensor) -> Tensor:
        draws = standard_draws(self._value("client_shape"), place_of(_words(uniforms[STREAM_CLIENT])))
        mean, scale = (self._value(name).to(self.place) for name in ("client_mean", "client_scale"))
        return rules.reserve(mean, scale, draws.to(self.place))

    def _client_sf(self, margin: Tensor) -> Tensor:
        """Probability that the client accepts a quote."""
        z = (margin - self._value("client_mean")) / self._value("client_scale")
        return standard_sf(z, self._value("client_shape")).to(self.place)

    def _value(self, name: str) -> Tensor:
        """A parameter as a tensor, with its gradient if it is trained."""
        trained = self.trainable.values()
        if name in trained:
            return trained[name]
        return torch.as_tensor(getattr(self.market, name), dtype=torch.float64, device=self.place.device)

    def _vector(self, name: str) -> Tensor:
        return self._value(name).expand(self.market.n_dealers)


def _words(uniforms: Tensor) -> Tensor:
    """The words behind uniforms, (word + 1/2) / 2^32, int64."""
    return (uniforms * 2.0**32).long()


def smoothed_shares(margins: Tensor, value: Tensor, temperature: float) -> Tensor:
    """Shares of the dealers, shape of `margins` (n_dealers, ...), as `rules.smoothed_shares`."""
    return torch.softmax(torch.cat([margins, value[None]]) / -temperature, dim=0)[:-1]


def rank(margins: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Own quote, best of the rivals, best and second best of all; infinite where there is none."""
    own = best = margins[0]
    rival = second = torch.full_like(own, torch.inf)
    for margin in margins[1:]:
        rival = torch.minimum(rival, margin)
        second = torch.minimum(second, torch.maximum(best, margin))
        best = torch.minimum(best, margin)
    return own, rival, best, second
