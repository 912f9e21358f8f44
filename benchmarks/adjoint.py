"""Forward and backward of a price market: the compiled adjoint beside the same rules in PyTorch operations.

    python benchmarks/adjoint.py [--markets stock herding] [--paths 1000] [--steps 100] [--seconds 3]

Both get the same noise, precision and number of threads, and a gradient for twelve parameters of the stock market or
seven of the herding market, their transforms included. The engines take turns of five, and the fastest of each counts:
other work on the machine only slows them down. Without a CUDA device its rows are left out.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch

import simcal
from simcal.definition.twin import PriceTwin

TRAINABLE = {
    "stock": (
        "public_weight", "private_weight", "public_sd", "private_sd", "trend_sensitivity", "value_sensitivity",
        "observation_sd", "impact", "fundamental_reversion", "variance_mean", "variance_reversion", "vol_of_vol",
    ),
    "herding": (
        "value_sensitivity", "trend_sensitivity", "fundamental_sd", "chartist_sd", "predisposition", "herding",
        "misalignment",
    ),
}  # fmt: skip


def once(twin: PriceTwin, noise: torch.Tensor) -> tuple[float, float]:
    """Seconds of one forward and one backward."""

    def now() -> float:
        if noise.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter()

    twin.zero_grad()
    begin = now()
    prices = twin(noise)
    middle = now()
    gradient = torch.ones_like(prices)
    restart = now()
    prices.backward(gradient)
    return middle - begin, now() - restart


def measure(
    name: str, engines: dict[str, str], device: str, dtype: torch.dtype, args: argparse.Namespace
) -> dict[str, list[float]]:
    """Fewest milliseconds (forward, backward) per engine, the engines taking turns."""
    market: Any = simcal.load(name)
    twins = {n: market.twin(TRAINABLE[name], engine=e, dtype=dtype, device=device) for n, e in engines.items()}
    noise = next(iter(twins.values())).draw(0, 0, args.paths, args.steps)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in twins}
    for twin in twins.values():
        once(twin, noise)  # compiles
    end = time.perf_counter() + args.seconds
    while time.perf_counter() < end:
        for name, twin in twins.items():
            times[name] += [once(twin, noise) for _ in range(5)]
    return {n: [1000 * min(column) for column in zip(*t, strict=True)] for n, t in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markets", nargs="+", choices=list(TRAINABLE), default=list(TRAINABLE))
    parser.add_argument("--paths", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each block of the table")
    args = parser.parse_args()
    print(f"{args.paths} paths of {args.steps} steps, torch {torch.__version__}")
    for name in args.markets:
        table(name, args)


def table(name: str, args: argparse.Namespace) -> None:
    print(f"{name:<14}dtype    threads  forward ms  backward ms  together  times eager")
    places = [("cpu", threads) for threads in (1, 2)] + ([("cuda", 1)] if torch.cuda.is_available() else [])
    for device, threads in places:
        torch.set_num_threads(threads)
        engines = {"eager": "torch", "adjoint": "adjoint"} if device == "cpu" else {"eager on cuda": "torch"}
        for dtype in (torch.float32, torch.float64):
            rows = measure(name, engines, device, dtype, args)
            reference = sum(next(iter(rows.values())))
            for engine, (forward, backward) in rows.items():
                print(
                    f"{engine:<14}{str(dtype)[6:]:<9}{threads:>7}{forward:>12.2f}{backward:>13.2f}"
                    f"{forward + backward:>10.2f}{reference / (forward + backward):>13.1f}"
                )


if __name__ == "__main__":
    main()
