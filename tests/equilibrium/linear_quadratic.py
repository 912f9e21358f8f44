"""Exact values for policies that are linear in the state, by matrices: no simulation, no regression."""

import numpy as np


class LinearModel:
    """The states z = (1, W, deviations of all agents) under a linear policy with volatility of time only."""

    def __init__(self, solution):
        self.problem = p = solution.problem
        n, start, delta = p.n_agents, p.initial_positions, p.step
        probes = np.vstack([np.zeros(n + 1), np.eye(n + 1)])  # (W, psi)
        self.sigma, self.drift, self.rates, self.move = [], [], [], []
        for k in range(p.n_steps):
            sigma, drift, rates = solution.policy(k, start + probes[:, 1:], probes[:, 0])
            drift = np.broadcast_to(drift, n + 2)[:, None]
            self.sigma.append(float(np.ravel(sigma)[0]))
            affine = [np.vstack([x[0], x[1:] - x[0]]).T for x in (drift, rates)]  # rows over (1, W, psi)
            self.drift.append(affine[0][0])
            self.rates.append(affine[1])
            move = np.eye(n + 2)
            move[2:] += affine[1] * delta
            self.move.append(move)
        self.positions = np.hstack([start[:, None], np.zeros((n, 1)), np.eye(n)])

    def moments(self):
        """E z z' at the beginning of each step."""
        found = np.zeros((self.problem.n_agents + 2,) * 2)
        found[0, 0] = 1
        for move in self.move:
            yield found
            found = move @ found @ move.T
            found[1, 1] += self.problem.step

    def held(self, k):
        """Rows of the positions that the reward of step k counts."""
        return self.positions @ self.move[k] if self.problem.timing == "post-trade" else self.positions

    def duality_gaps(self):
        """E sum (Y - c'(v))^2 / (2 cost) Delta of each agent, for power 2."""
        p, moments = self.problem, list(self.moments())
        value, gap = np.zeros_like(self.positions), np.zeros(p.n_agents)
        w = np.eye(p.n_agents + 2)[1]
        for k in range(p.n_steps - 1, -1, -1):
            s = self.sigma[k]
            gain = self.drift[k] - p.gamma[:, None] * s * (s * self.held(k) + p.xi[:, None] * w)
            later = value @ self.move[k]
            target = later if p.timing == "pre-trade" else later + gain * p.step
            missed = target - p.cost_factor * self.rates[k]
            gap += np.einsum("ni,ij,nj->n", missed, moments[k], missed) / (2 * p.cost_factor) * p.step
            value = later + gain * p.step
        return gap

    def goals(self, agent, best):
        """J of one agent: along the policy, or the largest that any other policy reaches against the frozen price."""
        p, size = self.problem, self.problem.n_agents + 3
        value, constant = np.zeros((size, size)), 0.0  # of (z, own position)
        w = np.eye(size + 1)[1]
        for k in range(p.n_steps - 1, -1, -1):
            s = self.sigma[k]
            # Coordinates (z, own position, own rate).
            move = np.zeros((size, size + 1))
            move[: size - 1, : size - 1] = self.move[k]
            move[size - 1, size - 1 :] = 1, p.step
            own = np.eye(size + 1)[size - 1]
            if p.timing == "post-trade":
                own = move[size - 1]
            drift = np.append(self.drift[k], [0, 0])
            risk = s * own + p.xi[agent] * w
            rate = np.eye(size + 1)[size]
            reward = (np.outer(own, drift) + np.outer(drift, own)) / 2
            reward -= p.gamma[agent] / 2 * np.outer(risk, risk) + p.cost_factor / 2 * np.outer(rate, rate)
            constant += value[1, 1] * p.step
            whole = reward * p.step + move.T @ value @ move
            choice = -whole[size, :size] / whole[size, size] if best else np.append(self.rates[k][agent], 0)
            onto = np.vstack([np.eye(size), choice])
            value = onto.T @ whole @ onto
        start = np.zeros(size)
        start[0], start[-1] = 1, p.initial_positions[agent]
        return float(start @ value @ start) + constant
