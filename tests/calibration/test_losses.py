"""The losses are equation (1) written out, and the gradient penalty is what its source says."""

import pytest
import torch

from simcal.calibration.losses import LOSSES, gradient_penalty


@pytest.fixture
def scores():
    generator = torch.Generator().manual_seed(3)
    return [3 * torch.randn(50, generator=generator, dtype=torch.float64) for _ in range(2)]


def test_the_saturating_losses_are_equation_1_written_out(scores):
    real, fake = scores
    d_real, d_fake = torch.sigmoid(real), torch.sigmoid(fake)
    value = d_real.log().mean() + (1 - d_fake).log().mean()  # the discriminator's gain in equation (1)
    torch.testing.assert_close(LOSSES["saturating"].discriminator(real, fake), -value, rtol=1e-12, atol=0)
    torch.testing.assert_close(LOSSES["saturating"].generator(fake), (1 - d_fake).log().mean(), rtol=1e-12, atol=0)


def test_the_non_saturating_generator_maximises_the_log_of_the_discriminator(scores):
    _, fake = scores
    expected = -torch.sigmoid(fake).log().mean()
    torch.testing.assert_close(LOSSES["non-saturating"].generator(fake), expected, rtol=1e-12, atol=0)


def test_the_saturating_and_the_non_saturating_game_have_the_same_discriminator(scores):
    real, fake = scores
    assert LOSSES["saturating"].discriminator(real, fake) == LOSSES["non-saturating"].discriminator(real, fake)


def test_the_wasserstein_losses_are_differences_of_means(scores):
    real, fake = scores
    assert LOSSES["wasserstein"].discriminator(real, fake) == fake.mean() - real.mean()
    assert LOSSES["wasserstein"].generator(fake) == -fake.mean()


@pytest.mark.parametrize("name", LOSSES)
def test_no_loss_overflows_for_large_scores(name):
    huge = torch.tensor([-1e4, 1e4])
    loss = LOSSES[name]
    assert torch.isfinite(loss.discriminator(huge, huge))
    assert torch.isfinite(loss.generator(huge))


@pytest.mark.parametrize("name", LOSSES)
def test_every_generator_wants_higher_scores(name):
    scores = torch.zeros(3, requires_grad=True)
    LOSSES[name].generator(scores).backward()
    assert (scores.grad < 0).all()


def linear_critic(slope: float, width: int = 5) -> torch.nn.Module:
    critic = torch.nn.Linear(width, 1, dtype=torch.float64)
    direction = torch.arange(1, width + 1, dtype=torch.float64)
    with torch.no_grad():
        critic.weight.copy_(slope * direction / direction.norm())
    return torch.nn.Sequential(critic, torch.nn.Flatten(0))


@pytest.mark.parametrize(("slope", "penalty"), [(1.0, 0.0), (0.0, 1.0), (3.0, 4.0)])
def test_the_gradient_penalty_of_a_linear_critic_is_its_slope_less_one_squared(slope, penalty):
    real, fake = torch.randn(2, 8, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mix = torch.linspace(0, 1, 8, dtype=torch.float64)[:, None]
    found = gradient_penalty(linear_critic(slope), real, fake, mix)
    torch.testing.assert_close(found, torch.tensor(penalty, dtype=torch.float64), rtol=0, atol=1e-14)


def test_the_gradient_penalty_is_taken_between_real_and_fake():
    class Square(torch.nn.Module):
        def forward(self, x):
            return (x**2).sum(dim=1)

    real, fake = torch.full((1, 1), 2.0), torch.full((1, 1), 4.0)
    for mix, point in ((1.0, 2.0), (0.0, 4.0), (0.25, 3.5)):
        found = gradient_penalty(Square(), real, fake, torch.tensor([[mix]]))
        assert float(found.detach()) == pytest.approx((2 * point - 1) ** 2)


def test_the_gradient_penalty_has_a_gradient_in_the_critic():
    critic = linear_critic(3.0)
    x = torch.zeros(4, 5, dtype=torch.float64)
    gradient_penalty(critic, x, x, torch.zeros(4, 1, dtype=torch.float64)).backward()
    # d (|w| - 1)^2 / dw = 2 (|w| - 1) w / |w|
    weight = critic[0].weight
    torch.testing.assert_close(weight.grad, 2 * (weight.norm() - 1) * weight.detach() / weight.norm().detach())
