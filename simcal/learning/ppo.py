"""Proximal policy optimisation of one policy that many agents share, each with a discount of its own: all in one file.

The policy is a squashed Gaussian: action = tanh(u), u = m(x) + sd z, with a network m of the features x, standard
normals z and a fixed sd. Probabilities are those of u: the Jacobian of tanh is the same for the old and the new policy
and leaves their ratio.

An agent's decisions come at times of its own, between those of others. A `Rollout` lists the decisions of all in the
order of time; `following` says which is the same agent's next.

Source: Schulman et al. (2017), "Proximal policy optimization algorithms".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn

from simcal.errors import NumericalError
from simcal.learning.settings import PpoSettings
from simcal.training import NonFiniteWatch, optimiser_tensors, restore_optimiser

LIMIT = 0.999  # to which actions are clipped
_GAIN = 1.41  # of the orthogonal initial weights
_LAST_GAIN = 0.01  # of the policy's last layer, times that: all begin alike, around the middle of their choices
END, OPEN = -1, -2
"""In the place of a next decision: there is none and nothing follows; what follows is not known."""


class Rollout(NamedTuple):
    """Decisions in the order of time, and what came of them.

    Attributes
    ----------
    features
        (n, n_features) float32.
    raw, noise
        (n, n_actions) float32: u and z of the policy that decided.
    rewards, discounts
        (n,) float64: what the decision earned until its agent's next one, and what that one counts.
    following
        (n,) int64: the place of the same agent's next decision, or `END` or `OPEN`.
    """

    features: np.ndarray
    raw: np.ndarray
    noise: np.ndarray
    rewards: np.ndarray
    discounts: np.ndarray
    following: np.ndarray


class SharedPolicy(nn.Module):
    """The means of u: two hidden layers of `width` SiLU units.

    Parameters
    ----------
    n_features, n_actions, width
        Of the network.
    log_sd
        Logarithm of the deviation of u.
    """

    def __init__(self, n_features: int, n_actions: int, width: int, log_sd: float) -> None:
        super().__init__()
        self.net, self.sd = _network(n_features, n_actions, width, _GAIN * _LAST_GAIN), math.exp(log_sd)

    @torch.no_grad()
    def raw(self, features: np.ndarray, noise: np.ndarray | None = None) -> np.ndarray:
        """u of some decisions, (n, n_actions) float32, from features (n, n_features) and normals; m without them."""
        means = self.net(torch.from_numpy(features)).numpy()
        return means if noise is None else means + np.float32(self.sd) * noise


def squashed(raw: np.ndarray) -> np.ndarray:
    """The actions of u, within plus and minus `LIMIT`; float64, so that no engine rounds them differently."""
    return np.clip(np.tanh(raw.astype(np.float64)), -LIMIT, LIMIT)


class PpoLearner:
    """The shared policy, its critic, and the updates of both.

    Parameters
    ----------
    n_features, n_actions
        Of a decision.
    settings
        See `PpoSettings`.
    seed
        Of the initial weights and of the order of decisions in the updates.

    Attributes
    ----------
    policy
        See `SharedPolicy`.
    iteration
        Updates made so far.
    """

    def __init__(self, n_features: int, n_actions: int, settings: PpoSettings, seed: int) -> None:
        self.settings, self.seed, self.iteration = settings, seed, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed % 2**63)
            self.policy = SharedPolicy(n_features, n_actions, settings.width, settings.log_sd)
            self.critic = _network(n_features, 1, settings.width, _GAIN)
        self._nets = {"policy": self.policy.net, "critic": self.critic}
        self._optimisers = {
            name: torch.optim.Adam(net.parameters(), lr=settings.learning_rate, fused=True)
            for name, net in self._nets.items()
        }
        self._watch = NonFiniteWatch()

    def values(self, features: Tensor, unit: Tensor) -> Tensor:
        """(n,) what is still to come, in rewards; `unit` is that of each decision, see `_units`."""
        return unit * self.critic(features)[:, 0]

    def update(self, rollout: Rollout) -> dict[str, float]:
        """Learn from the decisions of an iteration; returns what there is to watch.

        Raises
        ------
        NumericalError
            Where losses are not finite time and again, or a reward is not.
        """
        settings = self.settings
        features, raw, noise = (torch.from_numpy(x) for x in (rollout.features, rollout.raw, rollout.noise))
        rewards = self._scaled(rollout.rewards)
        unit = torch.from_numpy(_units(rollout.discounts, settings.trace_decay))
        with torch.no_grad():
            values = self.values(features, unit).numpy().astype(np.float64)
        gained = advantages(rewards, values, rollout.discounts, rollout.following, settings.trace_decay)
        known = np.flatnonzero(rollout.following != OPEN)
        targets = torch.from_numpy(gained + values).float()
        centre = gained[known].mean() if settings.centred else 0.0
        better = torch.from_numpy((gained - centre) / (gained[known].std() + 1e-8)).float()
        order, told = np.random.default_rng((self.seed, self.iteration)), []
        for epoch in range(settings.epochs):
            self._set_rate(settings.rate(self.iteration, epoch))
            mixed = torch.from_numpy(order.permutation(known))
            for chosen in mixed.split(settings.minibatch):
                told_now = self._policy_step(features[chosen], raw[chosen], noise[chosen], better[chosen])
                told.append((*told_now, self._critic_step(features[chosen], unit[chosen], targets[chosen])))
        self.iteration += 1
        means = np.mean(told, axis=0)
        spread = float(np.var((gained + values)[known]))
        return {
            "reward": float(rollout.rewards[known].mean()),
            "policy_loss": float(means[0]),
            "divergence": float(means[1]),
            "clipped": float(means[2]),
            "critic_loss": float(means[3]),
            "explained": 1.0 - float(np.var(gained[known])) / spread if spread > 0 else 0.0,
        }

    def _policy_step(self, features: Tensor, raw: Tensor, noise: Tensor, better: Tensor) -> tuple[float, ...]:
        z = (raw - self.policy.net(features)) / self.policy.sd
        log_ratio = 0.5 * (noise.square() - z.square()).sum(1)
        ratio, clip = log_ratio.exp(), self.settings.clip
        loss = -torch.minimum(ratio * better, ratio.clamp(1 - clip, 1 + clip) * better).mean()
        self._descend("policy", loss)
        with torch.no_grad():
            outside = ((ratio - 1).abs() > clip).float().mean()
            return loss.item(), float((ratio - 1 - log_ratio).mean()), float(outside)

    def _critic_step(self, features: Tensor, unit: Tensor, targets: Tensor) -> float:
        # In the units of each decision, or those with the longest horizons would be all that counts.
        loss = ((self.values(features, unit) - targets) / unit).square().mean()
        self._descend("critic", loss)
        return loss.item()

    def _descend(self, name: str, loss: Tensor) -> None:
        net, optimiser = self._nets[name], self._optimisers[name]
        optimiser.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), self.settings.gradient_norm)
        finite = math.isfinite(loss.item()) and math.isfinite(norm.item())
        if self._watch.see(finite, f"in the {name} at iteration {self.iteration + 1}"):
            optimiser.step()

    def _scaled(self, rewards: np.ndarray) -> np.ndarray:
        if not np.isfinite(rewards).all():
            raise NumericalError(
                f"A reward of iteration {self.iteration + 1} is not a finite number: prices or wealth grew beyond all "
                "bounds. Lower the weights and scales of the market's reward."
            )
        if self.settings.scaled_rewards:
            rewards = rewards / (rewards.std() + 1e-8)
        return np.clip(rewards, -self.settings.reward_limit, self.settings.reward_limit)

    def _set_rate(self, rate: float) -> None:
        for optimiser in self._optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = rate

    def tensors(self) -> dict[str, Tensor]:
        """Weights and what the optimisers remember, by name."""
        weights = {
            f"{name}.{key}": value for name, net in self._nets.items() for key, value in net.state_dict().items()
        }
        return weights | {
            key: value
            for name, optimiser in self._optimisers.items()
            for key, value in optimiser_tensors(f"adam.{name}", optimiser).items()
        }

    def state(self) -> dict[str, int]:
        """What is needed to go on, beside `tensors`."""
        return {"iteration": self.iteration, "skipped": self._watch.count, "in_a_row": self._watch.in_a_row}

    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Go on where `tensors` and `state` were taken."""
        for name, net in self._nets.items():
            net.load_state_dict({key: tensors[f"{name}.{key}"] for key in net.state_dict()})
            restore_optimiser(f"adam.{name}", self._optimisers[name], tensors)
        self.iteration = int(state["iteration"])
        self._watch.count, self._watch.in_a_row = int(state["skipped"]), int(state["in_a_row"])


def _units(discounts: np.ndarray, trace_decay: float) -> np.ndarray:
    """(n,) float32, about how large the value of each decision is: (1 - gamma lambda)^(-1/2)."""
    return ((1 - np.minimum(discounts * trace_decay, 0.9999)) ** -0.5).astype(np.float32)


def _network(n_in: int, n_out: int, width: int, last_gain: float) -> nn.Sequential:
    layers = [nn.Linear(n_in, width), nn.Linear(width, width), nn.Linear(width, n_out)]
    for layer, gain in zip(layers, (_GAIN, _GAIN, last_gain), strict=True):
        nn.init.orthogonal_(layer.weight, gain)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.SiLU(), layers[1], nn.SiLU(), layers[2])


def advantages(
    rewards: np.ndarray, values: np.ndarray, discounts: np.ndarray, following: np.ndarray, trace_decay: float
) -> np.ndarray:
    r"""What each decision brought beyond its value.

    .. math:: \delta_i = r_i + \gamma_i V_{i'} - V_i, \qquad A_i = \delta_i + \gamma_i \lambda A_{i'},

    i' the next decision of the same agent; behind an `END` V and A are 0, and A of an `OPEN` decision is 0: its reward
    is not known, only its value counts.

    Parameters
    ----------
    rewards, values, discounts
        (n,) float64, in the order of time.
    following
        (n,) int64: the place of the same agent's next decision, behind its own, or `END` or `OPEN`.
    trace_decay
        Lambda, from 0 to 1.

    Returns
    -------
    (n,) float64.

    Source: Schulman et al. (2016), "High-dimensional continuous control using generalized advantage estimation".
    """
    return _advantages(rewards, values, discounts, following, float(trace_decay))


@njit(cache=True, error_model="numpy", nogil=True)
def _advantages(rewards, values, discounts, following, trace_decay):
    found = np.zeros(rewards.size)
    for i in range(rewards.size - 1, -1, -1):
        j = following[i]
        if j == OPEN:
            continue
        found[i] = rewards[i] - values[i]
        if j != END:
            found[i] += discounts[i] * (values[j] + trace_decay * found[j])
    return found
