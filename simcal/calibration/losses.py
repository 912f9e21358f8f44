"""The losses of the game: equation (1) as it stands, its non-saturating form, and Wasserstein with gradient penalty.

Each loss is two functions of the discriminator's raw scores (no sigmoid): what the discriminator minimises and what
the generator minimises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from simcal.registry import Registry


@dataclass(frozen=True)
class Loss:
    """`discriminator(real, fake)` and `generator(fake)` are minimised by the two players; scores have shape (n,).

    `level` says whether they depend on the level of the scores, `unit` what the values of the losses are.
    """

    name: str
    description: str
    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    level: bool = True
    unit: str = "nats"


# softplus(-x) = -log sigmoid(x) and softplus(x) = -log(1 - sigmoid(x)), without overflow.
SATURATING = Loss(
    "saturating",
    "equation (1): the generator minimises E log(1 - D(fake))",
    lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
    lambda fake: -softplus(fake).mean(),
)
NON_SATURATING = Loss(
    "non-saturating",
    "the generator maximises E log D(fake)",
    lambda real, fake: softplus(-real).mean() + softplus(fake).mean(),
    lambda fake: softplus(-fake).mean(),
)
WASSERSTEIN = Loss(
    "wasserstein",
    "the Kantorovich dual of the Wasserstein-1 distance; needs a gradient penalty",
    lambda real, fake: fake.mean() - real.mean(),
    lambda fake: -fake.mean(),
    level=False,
    unit="units of the critic",
)

LOSSES: Registry[Loss] = Registry("simcal.losses", "a loss")


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor, mix: Tensor, size: float = 1.0) -> Tensor:
    """Mean of (|grad D| - size)^2 at points between real and fake features (n, m); mix (n, 1) in [0, 1].

    With size 1 the slope of a critic says where, not how far: it never rests. With size 0 the slope falls to zero with
    the distance, so that the game has a point of rest; a linear critic's slope is then the difference of the means.

    Sources: Gulrajani et al., "Improved training of Wasserstein GANs", 2017 (size 1); Mescheder, Geiger and Nowozin,
    "Which training methods for GANs do actually converge?", 2018 (size 0).
    """
    between = (mix * real + (1 - mix) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    if size == 0:  # the norm has no gradient at a slope of zero
        return (slope**2).sum(dim=1).mean()
    return ((slope.norm(dim=1) - size) ** 2).mean()
