"""Statistics and a loss of your own for the adversarial game.

simcal calibrate sp500 --statistics examples/own_statistics.py:sizes --loss examples/own_statistics.py:hinge
"""

from array_api_compat import array_namespace
from torch.nn.functional import relu

from simcal.calibration import Loss


def sizes(prices):
    """Logarithms of the mean size of returns, over one step and over five."""
    xp = array_namespace(prices)  # windows come as arrays and, with gradients, as tensors: (n, length + 1)
    logs = xp.log(prices)
    moves = [xp.abs(logs[..., k:] - logs[..., :-k]) for k in (1, 5)]
    return xp.stack([xp.log(xp.mean(move, axis=-1)) for move in moves], axis=-1)


hinge = Loss(
    "hinge",
    "the margin by which scores tell real from simulated",
    lambda real, fake: relu(1 - real).mean() + relu(1 + fake).mean(),
    lambda fake: -fake.mean(),
)
