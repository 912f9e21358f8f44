"""Which noise a backtest plays: what is played on the same one meets the same market."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Noise:
    """Paths `first_path` to ``first_path + n_paths - 1`` of a seed, `burn_in` steps and then `n_steps` that count."""

    seed: int
    first_path: int
    n_paths: int
    n_steps: int
    burn_in: int = 0
    threads: int | None = 1

    def chunks(self, size: int) -> Iterator[Noise]:
        """The same paths, at most `size` at a time."""
        for begin in range(0, self.n_paths, size):
            yield replace(self, first_path=self.first_path + begin, n_paths=min(size, self.n_paths - begin))
