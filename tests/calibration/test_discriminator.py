"""The normaliser whitens what it says, and the discriminator is drawn from its own generator."""

import numpy as np
import pytest
import torch

from simcal.calibration.discriminator import Discriminator, Normaliser


def correlated(n: int = 400, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Features of very different sizes, strongly correlated."""
    rng = np.random.default_rng(1)
    mixing = np.array([[1.0, 0.9, 0.0], [0.0, 0.3, 0.5], [0.0, 0.0, 1.0]]) * np.array([1.0, 1e-6, 1e4])
    return torch.as_tensor(rng.standard_normal((n, 3)) @ mixing + np.array([5.0, 1e-3, -7e4]), dtype=dtype)


def moments(x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    array = x.double().numpy()
    return array.mean(axis=0), np.cov(array, rowvar=False, bias=True)


def test_whitened_features_have_zero_mean_and_unit_covariance():
    x = correlated()
    mean, covariance = moments(Normaliser(x, "whiten")(x))
    np.testing.assert_allclose(mean, 0, atol=1e-10)
    np.testing.assert_allclose(covariance, np.eye(3), atol=1e-8)


def test_standardised_features_have_unit_deviations_and_the_correlations_of_the_data():
    x = correlated()
    mean, covariance = moments(Normaliser(x, "standardise")(x))
    np.testing.assert_allclose(mean, 0, atol=1e-10)
    np.testing.assert_allclose(covariance, np.corrcoef(x.numpy(), rowvar=False), atol=1e-10)


@pytest.mark.parametrize("shrinkage", [0.25, 0.75])
def test_shrinkage_whitens_the_mixture_of_the_correlation_matrix_and_the_identity(shrinkage):
    x = correlated()
    normaliser = Normaliser(x, "whiten", shrinkage)
    deviation = x.numpy().std(axis=0)
    mixture = (1 - shrinkage) * np.corrcoef(x.numpy(), rowvar=False) + shrinkage * np.eye(3)
    root = np.diag(deviation) @ normaliser.matrix.numpy()
    np.testing.assert_allclose(root.T @ mixture @ root, np.eye(3), atol=1e-10)


def test_full_shrinkage_is_standardising():
    x = correlated()
    torch.testing.assert_close(Normaliser(x, "whiten", 1.0)(x), Normaliser(x, "standardise")(x))


@pytest.mark.parametrize("mode", ["whiten", "standardise"])
@pytest.mark.parametrize("constant", [0.0, 0.1, 7.0])  # the mean of many 0.1 is not 0.1, in floating point
def test_a_feature_that_is_constant_in_the_data_becomes_zero_and_keeps_its_unit(mode, constant):
    x = torch.cat([correlated(1000), torch.full((1000, 1), constant, dtype=torch.float64)], dim=1)
    normaliser = Normaliser(x, mode)
    torch.testing.assert_close(normaliser(x)[:, 3], torch.zeros(1000, dtype=torch.float64), rtol=0, atol=1e-9)
    moved = x + torch.tensor([0, 0, 0, 2.0], dtype=torch.float64)
    torch.testing.assert_close(normaliser(moved)[:, 3], torch.full((1000,), 2.0, dtype=torch.float64))
    np.testing.assert_allclose(normaliser(x)[:, :3].numpy().std(axis=0), 1, rtol=1e-6)


def test_one_feature_alone_can_be_whitened():
    x = correlated()[:, :1]
    mean, covariance = moments(Normaliser(x, "whiten")(x))
    assert (mean[0], float(covariance)) == pytest.approx((0, 1))


def test_the_normaliser_keeps_the_precision_of_the_features():
    assert Normaliser(correlated(dtype=torch.float32), "whiten")(correlated(dtype=torch.float32)).dtype == torch.float32


def critic(hidden: tuple[int, ...] = (32, 32), seed: int = 0, **options) -> Discriminator:
    return Discriminator(17, hidden, "relu", torch.Generator().manual_seed(seed), **options)


def test_the_discriminator_is_a_function_of_its_generators_seed():
    x = torch.ones(1, 17)
    assert critic(seed=0)(x) == critic(seed=0)(x)
    assert critic(seed=0)(x) != critic(seed=1)(x)


def test_drawing_a_discriminator_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    critic()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_weights_follow_the_law_of_pytorch():
    for layer in (m for m in critic().layers if isinstance(m, torch.nn.Linear)):
        bound = layer.in_features**-0.5
        for weight in layer.parameters():
            assert weight.abs().max() <= bound
        # The deviation of a uniform law on (-bound, bound), within five of its standard errors.
        n = layer.weight.numel()
        assert float(layer.weight.detach().std()) == pytest.approx(bound / 3**0.5, rel=5 * (0.2 / n) ** 0.5)


def test_the_papers_discriminator_has_two_hidden_layers_of_32():
    shapes = [tuple(p.shape) for p in critic().parameters()]
    assert shapes == [(32, 17), (32,), (32, 32), (32,), (1, 32), (1,)]


def test_without_hidden_layers_and_bias_the_discriminator_is_linear():
    linear = critic((), bias=False)
    x, y = torch.randn(2, 6, 17, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(linear(2 * x - y), 2 * linear(x) - linear(y))
