"""First-order conditions of every agent on simulated paths, from the definition of the goals alone."""

import numpy as np


def first_order_residuals(solution, steps, seed=0, n_paths=20_000):
    """How much each agent would gain by another rate in one step: mean and standard error, rows (step, instrument).

    The derivative of the pathwise goal of agent n in the rate of step k is Delta times
    sum_(j held later) (mu_j - gamma_n sigma_j (sigma_j phi_j + xi_n W_j)) Delta - c'(v_k); in an optimum it is
    orthogonal to everything known at t_k: here 1, W_k and the position of the agent.
    """
    problem = solution.problem
    paths = solution.simulate(seed, n_paths)
    post = problem.timing == "post-trade"
    held = paths.positions[:, 1:] if post else paths.positions[:, :-1]
    sigma, brownian = paths.volatility[:, :, None], paths.brownian[:, :-1, None]
    gain = paths.drift[:, :, None] - problem.gamma * sigma * (sigma * held + problem.xi * brownian)
    later = np.cumsum(gain[:, ::-1], axis=1)[:, ::-1] * problem.step  # from step k to the last
    mean, error = [], []
    for k in steps:
        first = k if post else k + 1
        value = later[:, first] if first < problem.n_steps else np.zeros_like(later[:, 0])
        residual = value - problem.marginal_cost(paths.rates[:, k])
        known = [np.ones_like(residual), np.broadcast_to(brownian[:, k], residual.shape), paths.positions[:, k]]
        for instrument in known:
            product = residual * instrument
            mean.append(product.mean(axis=0))
            error.append(product.std(axis=0, ddof=1) / np.sqrt(n_paths))
    return np.array(mean), np.array(error)
