"""`simcal solve NAME`: the equilibrium of agents who trade at a cost, and how well it holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simcal.cli.output import Json, game_progress, print_json, print_table, say
from simcal.errors import ParameterError
from simcal.json_text import json_text

if TYPE_CHECKING:
    from simcal.equilibrium import Comparison, EquilibriumProblem, Predictions, Solved

_OF_ADVERSARIAL = ("objective", "drift", "clearing")


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An equilibrium's name, such as lq-10, or a TOML file.")],
    method: Annotated[
        str | None,
        typer.Option(help="riccati, discrete, modal, quadrature, collocation, planner, leading-order, adversarial."),
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="All methods that take the problem, beside what is published; those that train, for so many seconds "
            "each, only with --budget.",
        ),
    ] = False,
    steps: Annotated[
        int | None, typer.Option(help="Steps of the discrete scheme, instead of those of the file.")
    ] = None,
    timing: Annotated[str | None, typer.Option(help="pre-trade or post-trade, instead of that of the file.")] = None,
    paths: Annotated[int, typer.Option(help="Paths on which goals and errors are measured.")] = 3000,
    seed: Annotated[int, typer.Option(help="Seed of these paths.")] = 0,
    seed_of_training: Annotated[int | None, typer.Option(help="Seed of networks and training paths.")] = None,
    iterations: Annotated[int | None, typer.Option(help="Length of the training.")] = None,
    budget: Annotated[float | None, typer.Option(help="Seconds after which the training stops.")] = None,
    objective: Annotated[str | None, typer.Option(help="unbiased or published, of adversarial training.")] = None,
    drift: Annotated[str | None, typer.Option(help="known (a formula) or unknown (a network), in training.")] = None,
    clearing: Annotated[
        str | None, typer.Option(help="known (rates sum to zero) or unknown (by the drift), in training.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda, of the training.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html, and of a training for solution and checkpoint.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="cost: volatility, liquidity discount and volume against the trading cost.")
    ] = None,
    costs: Annotated[
        str | None, typer.Option(help="Costs for --against, such as 0.001,0.01,0.1; else a range around the file's.")
    ] = None,
    checks: Annotated[
        bool,
        typer.Option(
            "--checks/--no-checks", "--certificate/--no-certificate",
            help="Measure how far the solution is from an optimum.",
        ),
    ] = True,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Solve for the price that clears the market: S_0, mu_0, sigma_0, goals, clearing and terminal error."""
    from simcal.equilibrium import METHODS, Comparison, compare, load_problem, published_rows, solve_and_measure
    from simcal.noise import check_integer, check_seed

    check_integer("paths", paths, 1, 2**32 - 1)
    check_seed(seed)
    problem = load_problem(name).replace(**_given(n_steps=steps, timing=timing))
    training = _given(
        seed_of_training=seed_of_training, iterations=iterations, budget=budget, objective=objective, drift=drift,
        clearing=clearing, device=device,
    )  # fmt: skip
    if every and method is not None:
        raise ParameterError(f"--method {method} and --all were given, but only one of them is allowed.")
    learns = method is not None and method in METHODS and METHODS[method].learns
    _check_training(training, method if learns else None, every)
    if against is not None or costs is not None:
        if every or training or learns:
            raise ParameterError("--against solves at several costs by one exact method; leave --all and training out.")
        found = _against(problem, against, costs, method, paths, seed)
        _show(found, found.to_dict(), out, as_json)
    elif every:
        found = compare(
            problem, seed=seed, n_paths=paths, checks=checks and out is not None,
            training=_options(training) if training else None, listen=lambda which: say(f"Solving by {which} ..."),
        )  # fmt: skip
        _show(found, found.to_dict(), out, as_json)
    else:
        if method is not None and learns:
            solved = _trained(problem, method, training, out, seed, paths, checks)
        else:
            solved = solve_and_measure(problem, method, seed=seed, n_paths=paths, checks=checks)
        _show(
            Comparison(problem, [solved], published_rows(problem), seed, paths), solved.to_dict(), out, as_json, solved
        )
        if not as_json:
            say(f"{solved.solution.status} {solved.seconds:.2g} CPU seconds.")


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _show(
    found: Comparison | Predictions, plain: Mapping[str, Any], out: Path | None, as_json: bool,
    solved: Solved | None = None,
) -> None:  # fmt: skip
    """The report into the folder, if there is one, and the tables or the JSON; those of `solved` where it is alone."""
    from simcal.equilibrium import write_equilibrium_report

    report = {} if out is None else {"report": str(write_equilibrium_report(out, found))}
    if as_json:
        print_json({**plain, **report})
    else:
        for title, table in (found if solved is None else solved).summary().items():
            print_table(table, title)
    for path in report.values():
        say(f"Report: {path}")


def _against(
    problem: EquilibriumProblem, against: str | None, costs: str | None, method: str | None, paths: int, seed: int
) -> Predictions:
    from simcal.equilibrium import predictions

    if against is None:
        raise ParameterError("--costs belongs to --against cost; give both.")
    if against != "cost":
        raise ParameterError(f"--against is {against!r}, but only --against cost is known.")
    try:
        numbers = None if costs is None else [float(part) for part in costs.split(",")]
    except ValueError:
        raise ParameterError(
            f"--costs is {costs!r}, but must be numbers with commas, such as 0.001,0.01,0.1."
        ) from None
    return predictions(
        problem, numbers, method=method, n_paths=paths, seed=seed,
        listen=lambda cost: say(f"Solving at cost {cost:.4g} ..."),
    )  # fmt: skip


def _trained(
    problem: EquilibriumProblem, method: str, training: Mapping[str, Any], out: Path | None, seed: int, paths: int,
    checks: bool,
) -> Solved:  # fmt: skip
    """Train with a progress bar; into the folder `out`, where there is one, go checkpoint and solution."""
    from simcal.equilibrium import METHODS, solve_and_measure
    from simcal.files import write_atomically

    chosen = _options(training)
    total = chosen.get("iterations") or METHODS[method].iterations(problem)
    said = f"Training on {problem.name}"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        chosen["checkpoint"] = out / "checkpoint.safetensors"
        said += f", in {out}; interrupted, the same command continues"
    with game_progress(1, total, first="training", announce=said + ".") as listen:
        solved = solve_and_measure(
            problem,
            method,
            seed=seed,
            n_paths=paths,
            checks=checks,
            options=chosen | {"listen": lambda row: listen(0, row)},
        )
    if out is not None:
        told = {name: value for name, value in solved.to_dict().items() if name != "checks"}
        write_atomically(out / "solution.json", (json_text(told) + "\n").encode())
    return solved


def _check_training(training: Mapping[str, Any], learner: str | None, every: bool) -> None:
    """Refuse options of a training where none, or not theirs, was asked for."""
    from simcal.equilibrium import METHODS

    learners = [name for name, method in METHODS.items() if method.learns]
    for option in training:
        told = f"--{option.replace('_', '-')} belongs to"
        if every and "budget" not in training:
            raise ParameterError(f"{told} a training; with --all, give --budget SECONDS to train as well.")
        if not every and learner is None:
            raise ParameterError(f"{told} a training; give --method {' or '.join(learners)} with it.")
        if option in _OF_ADVERSARIAL and learner != "adversarial":
            raise ParameterError(f"{told} the adversarial training; give --method adversarial with it.")


def _options(training: Mapping[str, Any]) -> dict[str, Any]:
    """The solvers' names of the options of a training."""
    return {"seed" if name == "seed_of_training" else name: value for name, value in training.items()}
