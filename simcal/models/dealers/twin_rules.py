"""Who trades, in PyTorch: the choices of `simcal.models.dealers.rules` with gradients, over all requests at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from simcal.models.dealers import rules


class Asked(NamedTuple):
    """Requests before anybody quotes; each (n_steps, n_paths), but `dealers` with the dealers first.

    `own` is the quote that dealer 0 is given, NaN where its law draws it.
    """

    side: Tensor
    size: Tensor
    panel: Tensor
    dealers: Tensor
    own: Tensor


class Quotes(NamedTuple):
    """Requests and their reduced quotes with flat inventories, (n_dealers, n_steps, n_paths), infinite if not asked."""

    asked: Asked
    margins: Tensor
    own_given: Tensor


class Seen(NamedTuple):
    """The channels of `simcal.data.requests.channels.SEEN`, each (n_steps, n_paths)."""

    side: Tensor
    size: Tensor
    n_dealers: Tensor
    own: Tensor
    rival: Tensor
    best: Tensor
    cover: Tensor
    done: Tensor
    traded: Tensor


def hard_outcome(quotes: Quotes, accepts: Callable[[Tensor], Tensor], temperature: float) -> Seen:
    """The best quote trades with the probability that the client accepts it."""
    own, rival, best, cover = rank(quotes.margins)
    traded = accepts(best)
    # Being the best is a jump; this adds nothing to the value, and the gradient of a smooth choice.
    choice = torch.sigmoid((rival - own) / temperature)
    rank_change = accepts(own).detach() * (choice - choice.detach())
    done = torch.where(own <= rival, traded, 0.0) + rank_change
    return _seen(quotes.asked, (own, rival, best, cover), done, traded)


def smoothed_outcome(quotes: Quotes, value: Tensor, temperature: float) -> Seen:
    """The client spreads the size by the multinomial logit."""
    shares = smoothed_shares(quotes.margins, value, temperature)
    return _seen(quotes.asked, rank(quotes.margins), shares[0], shares.sum(0))


def skewed_outcome(quotes: Quotes, value: Tensor, temperature: float, skew: Tensor) -> Seen:
    """The same one request after the other: each moves the inventories, which move the next quotes."""
    asked = quotes.asked
    lean = asked.side * skew.to(value)[:, None, None]  # by how much a unit of inventory lowers a margin
    lean = torch.cat([torch.where(quotes.own_given, 0.0, lean[0])[None], lean[1:]])
    inventory = torch.zeros_like(quotes.margins[:, 0])
    margins, shares = [], []
    steps = (quotes.margins, lean)
    for flat, slope, price, side, size in zip(
        *(s.unbind(1) for s in steps), value, asked.side, asked.size, strict=True
    ):
        margins.append(flat - slope * inventory)
        shares.append(smoothed_shares(margins[-1], price, temperature))
        inventory = rules.next_inventory(inventory, side, size, shares[-1])
    done = torch.stack([share[0] for share in shares])
    return _seen(asked, rank(torch.stack(margins, 1)), done, torch.stack([share.sum(0) for share in shares]))


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


def _seen(asked: Asked, ranked: tuple[Tensor, Tensor, Tensor, Tensor], done: Tensor, traded: Tensor) -> Seen:
    own, rival, best, cover = ranked
    rival, cover = (x.masked_fill(x == torch.inf, torch.nan) for x in (rival, cover))
    return Seen(asked.side, asked.size, asked.panel, own, rival, best, cover, done, traded)
