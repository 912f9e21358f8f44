"""`simcal solve NAME`: the equilibrium of agents who trade at a cost, and how well it holds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simcal.cli.output import Json, game_progress, print_json, print_table, say
from simcal.json_text import json_text

if TYPE_CHECKING:
    import pandas as pd

    from simcal.equilibrium import Certificate, Comparison, EquilibriumErrors, EquilibriumProblem, EquilibriumSolution
    from simcal.equilibrium.comparison import Solved

_OF_ADVERSARIAL = ("objective", "drift", "clearing")


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An equilibrium's name, such as lq-10, or a TOML file.")],
    method: Annotated[
        str | None,
        typer.Option(
            help="riccati, discrete, modal, quadrature, collocation, planner, leading-order, adversarial, combo, fbsde."
        ),
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
    certified: Annotated[
        bool, typer.Option("--certificate/--no-certificate", help="Measure how far the solution is from an optimum.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Solve for the price that clears the market: S_0, mu_0, sigma_0, goals, clearing and terminal error."""
    from simcal.equilibrium import METHODS, Comparison, compare, load_problem, published_rows, solve_and_measure
    from simcal.errors import ParameterError
    from simcal.noise import check_integer, check_seed

    check_integer("paths", paths, 1, 2**32 - 1)
    check_seed(seed)
    problem = load_problem(name)
    changes = {"n_steps": steps, "timing": timing}
    problem = problem.replace(**{k: v for k, v in changes.items() if v is not None})
    training = {
        "seed_of_training": seed_of_training, "iterations": iterations, "budget": budget, "objective": objective,
        "drift": drift, "clearing": clearing, "device": device,
    }  # fmt: skip
    training = {k: v for k, v in training.items() if v is not None}
    if every and method is not None:
        raise ParameterError(f"--method {method} and --all were given, but only one of them is allowed.")
    learns = method in METHODS and METHODS[method].learns
    _check_training(training, method if learns else None, every)
    if against is not None or costs is not None:
        from simcal.cli.solve_against import solve_against

        if every or training or learns:
            raise ParameterError("--against solves at several costs by one exact method; leave --all and training out.")
        solve_against(problem, against, costs, method, paths, seed, out, as_json)
        return
    if every:
        found = compare(
            problem, seed=seed, n_paths=paths, training=_options(training) if training else None,
            listen=lambda which: say(f"Solving by {which} ..."),
        )  # fmt: skip
        if out is not None:
            certificates = {x.solution.method: _certificate(x, certified, paths) for x in found.solved}
            _report(out, found, certificates, seed, paths)
        if as_json:
            print_json(found.to_dict())
            return
        table, note = found.table(), "; * as published" if found.published else ""
        print_table(_start(table), f"{_described(problem)}{note}")
        print_table(_errors(table), f"With standard errors, on {paths} paths of seed {seed}{note}")
        return
    if method is not None and learns:
        solved = _trained(problem, method, training, out, seed, paths)
    else:
        solved = solve_and_measure(problem, method, seed=seed, n_paths=paths)
    certificate = _certificate(solved, certified, paths)
    if out is not None:
        found = Comparison(problem, [solved], published_rows(problem))
        _report(out, found, {solved.solution.method: certificate}, seed, paths)
    if as_json:
        errors = None if solved.errors is None else solved.errors.to_dict()
        told = {**solved.solution.to_dict(), "errors": errors, "seconds": solved.seconds}
        print_json({**told, "certificate": None if certificate is None else certificate.to_dict()})
        return
    if solved.errors is not None:
        rows = _rows(solved.solution, solved.errors)
        print_table(rows, f"{_described(problem)}; {solved.solution.method}, {paths} paths of seed {seed}")
    if certificate is not None:
        print_table(_certified(certificate), f"Certificate, on {certificate.n_paths} fresh paths")
    say(f"{solved.solution.status} {solved.seconds:.2g} CPU seconds.")


def _trained(
    problem: EquilibriumProblem, method: str, options: Mapping[str, Any], out: Path | None, seed: int, paths: int
) -> Solved:
    """Train with a progress bar; into the folder `out`, where there is one, go checkpoint and solution."""
    from simcal.equilibrium import solve
    from simcal.equilibrium.comparison import Solved
    from simcal.files import write_atomically

    chosen = _options(options)
    total = chosen.get("iterations") or _iterations(problem, method, chosen)
    said = f"Training on {problem.name}"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        chosen["checkpoint"] = out / "checkpoint.safetensors"
        said += f", in {out}; interrupted, the same command continues"
    with game_progress(1, total, first="training", announce=said + ".") as listen:
        start = time.process_time()
        found = solve(problem, method=method, listen=lambda row: listen(0, row), **chosen)
        solved = Solved(found, None if found.failed else found.errors(seed, paths), time.process_time() - start)
    if out is not None:
        errors = None if solved.errors is None else solved.errors.to_dict()
        text = json_text({**solved.solution.to_dict(), "errors": errors, "seconds": solved.seconds})
        write_atomically(out / "solution.json", (text + "\n").encode())
    return solved


def _check_training(training: Mapping[str, Any], learner: str | None, every: bool) -> None:
    """Refuse options of a training where none, or not theirs, was asked for."""
    from simcal.equilibrium import METHODS
    from simcal.errors import ParameterError

    learners = [name for name, method in METHODS.items() if method.learns]
    for option in training:
        told = f"--{option.replace('_', '-')} belongs to"
        if every and "budget" not in training:
            raise ParameterError(f"{told} a training; with --all, give --budget SECONDS to train as well.")
        if not every and learner is None:
            allowed = f"{', '.join(learners[:-1])} or {learners[-1]}"
            raise ParameterError(f"{told} a training; give --method {allowed} with it.")
        if option in _OF_ADVERSARIAL and learner != "adversarial":
            raise ParameterError(f"{told} the adversarial training; give --method adversarial with it.")


def _options(training: Mapping[str, Any]) -> dict[str, Any]:
    """The solvers' names of the options of a training."""
    return {"seed" if name == "seed_of_training" else name: value for name, value in training.items()}


def _iterations(problem: EquilibriumProblem, method: str, options: Mapping[str, Any]) -> int:
    """How long a training is without a number of iterations."""
    if method == "adversarial":
        from simcal.equilibrium.adversarial import AdversarialSettings

        return AdversarialSettings.of(problem, options.get("objective", "unbiased")).iterations
    from simcal.equilibrium.baselines import BaselineSettings

    return BaselineSettings.of(problem).iterations


def _certificate(solved: Solved, wanted: bool, paths: int) -> Certificate | None:
    """The certificate of a solution that has not failed, on as many paths as its errors, but at most 2000."""
    from simcal.equilibrium import certify

    if not wanted or solved.errors is None:
        return None
    return certify(solved.solution, n_paths=min(max(paths, 2), 2000), n_fit=min(max(paths, 50), 1000))


def _report(
    out: Path, found: Comparison, certificates: Mapping[str, Certificate | None], seed: int, paths: int
) -> None:
    from simcal.equilibrium.report import write_equilibrium_report

    made = {name: x for name, x in certificates.items() if x is not None}
    say(f"Report: {write_equilibrium_report(out, found, made, seed=seed, n_paths=paths)}")


def _described(problem: EquilibriumProblem) -> str:
    return (
        f"{problem.name}, {problem.n_agents} agents, power {problem.power:g}, {problem.n_steps} steps, {problem.timing}"
    )


def _rows(solution: EquilibriumSolution, errors: EquilibriumErrors) -> pd.DataFrame:
    import pandas as pd

    rows = [
        ("price at the start, S_0", f"{solution.price:.8f}", ""),
        ("drift at the start, mu_0", f"{solution.drift:.8f}", ""),
        ("volatility at the start, sigma_0", f"{solution.volatility:.8f}", ""),
        ("liquidity discount", f"{solution.liquidity_discount:.8f}", ""),
        ("goal of all agents", _number(errors.goal), _number(errors.goal_se)),
        ("clearing: mean (mean rate)^2", _number(errors.clearing), _number(errors.clearing_se)),
        ("terminal: mean (S_T - dividend)^2", _number(errors.terminal), _number(errors.terminal_se)),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "standard error"])


def _certified(certificate: Certificate) -> pd.DataFrame:
    """The certificate's table as text."""
    table = certificate.table()
    for column in ("value", "standard_error", "limit"):
        table[column] = ["" if x is None else _number(x, ".2g") for x in table[column]]
    table["holds"] = ["" if x is None else "yes" if x else "no" for x in table["holds"]]
    return table.rename(columns={"standard_error": "standard error"})


def _start(table: pd.DataFrame) -> pd.DataFrame:
    """Price, drift and volatility at time 0 as text: all that an exact method is worth, what was published else."""
    import pandas as pd

    shown = {"method": _names(table)}
    for heading, column in (("S_0", "price"), ("mu_0", "drift"), ("sigma_0", "volatility")):
        digits = [8 if source == "simcal" else 6 for source in table["source"]]
        shown[heading] = [_number(x, f".{d}f") for x, d in zip(table[column], digits, strict=True)]
    shown["CPU seconds"] = [_number(x, ".2g") for x in table["seconds"]]
    return pd.DataFrame(shown)


def _errors(table: pd.DataFrame) -> pd.DataFrame:
    """Goal, clearing and terminal error as text, each with its standard error."""
    import pandas as pd

    shown = {"method": _names(table)}
    for column in ("goal", "clearing", "terminal"):
        pairs = zip(table[column], table[f"{column}_se"], strict=True)
        shown[column] = ["n/a" if x != x else f"{_number(x, '.3g')} ± {_number(se, '.1g')}" for x, se in pairs]
    return pd.DataFrame(shown)


def _names(table: pd.DataFrame) -> list[str]:
    pairs = zip(table["source"], table["method"], strict=True)
    return [f"{method} *" if source == "published" else method for source, method in pairs]


def _number(value: float | None, form: str = ".4g") -> str:
    return "n/a" if value is None or value != value else format(value, form)
