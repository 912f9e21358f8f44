"""The kernels, steppers and gradients that are made from definitions, beside another checkout's.

    git worktree add ../before a211edc                       # the last commit with kernels and adjoints written by hand
    python benchmarks/definition.py --against ../before      [--rounds 3]

Both trees run the same work in fresh processes that take turns; CPU time of one thread, the best of all rounds. A ratio
above 1 says that this tree is faster.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

TRAINABLE = {
    "stock": (
        "public_weight", "private_weight", "public_sd", "private_sd", "trend_sensitivity", "value_sensitivity",
        "observation_sd", "impact", "fundamental_reversion", "variance_mean", "variance_reversion", "vol_of_vol",
    ),
    "herding": (
        "value_sensitivity", "trend_sensitivity", "fundamental_sd", "chartist_sd", "predisposition", "herding",
        "misalignment",
    ),
    "herding-sp500": (
        "value_sensitivity", "fundamental_sd", "chartist_sd", "predisposition", "herding", "misalignment",
        "trend_attraction",
    ),
}  # fmt: skip


def best(work: Callable[[], object], runs: int = 9) -> float:
    """Milliseconds of CPU, the best of several runs after one that compiles."""
    work()
    found = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        found.append(time.process_time() - begin)
    return 1e3 * min(found)


def measure() -> dict[str, float]:
    """What this process's simcal takes."""
    import torch

    import simcal

    torch.set_num_threads(1)
    found = {}
    for name, trainable in TRAINABLE.items():
        market = simcal.load(name)
        for dtype in ("float32", "float64"):
            where = f"{name}, {dtype}"
            found[f"{where}: simulate"] = best(
                lambda m=market, d=dtype: simcal.simulate(m, 2048, 100, threads=1, dtype=d)
            )
            stepper = market.stepper(0, 0, 1024, dtype=dtype)
            found[f"{where}: stepper"] = best(lambda s=stepper: [s.advance() for _ in range(40)])
            twin = market.twin(trainable, dtype=getattr(torch, dtype))
            for n_paths, n_steps in ((1024, 100), (256, 600)):
                noise = twin.draw(0, 0, n_paths, n_steps)

                def gradient(t=twin, z=noise) -> None:
                    prices = t(z)
                    prices.backward(torch.ones_like(prices))

                found[f"{where}: forward and back, {n_paths} x {n_steps}"] = best(gradient)
    return found


def run(tree: Path) -> dict[str, float]:
    """`measure` with the simcal of another folder."""
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    command = [sys.executable, str(Path(__file__).resolve()), "--measure"]
    done = subprocess.run(command, env=environment, cwd=tree, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="folder of the other checkout")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", action="store_true", help="print one tree's own times as JSON")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure()))
        sys.exit()
    if given.against is None:
        parser.error("give the other checkout's folder as --against")
    trees = {"other": given.against.resolve(), "this": Path(__file__).resolve().parent.parent}
    times: dict[str, list[dict[str, float]]] = {name: [] for name in trees}
    for _ in range(given.rounds):
        for name, tree in trees.items():
            times[name].append(run(tree))
    ratios = []
    print(f"{'milliseconds':60s}{'other':>9s}{'this':>9s}{'ratio':>8s}")
    for what in times["this"][0]:
        other, this = (min(times[name][r][what] for r in range(given.rounds)) for name in ("other", "this"))
        ratios.append(other / this)
        print(f"{what:60s}{other:9.2f}{this:9.2f}{other / this:8.2f}")
    print(f"median ratio {statistics.median(ratios):.2f}, lowest {min(ratios):.2f}")
