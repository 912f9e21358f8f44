"""Several methods on one problem: their numbers beside what was published, figures over time, checks, the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simcal.equilibrium.checks import Checks, check
from simcal.equilibrium.methods import METHODS, methods_for, solve
from simcal.equilibrium.predictions import Predictions
from simcal.equilibrium.problem import EquilibriumProblem
from simcal.equilibrium.published import PublishedRow, published_rows
from simcal.equilibrium.solution import EquilibriumErrors, EquilibriumSolution

if TYPE_CHECKING:
    import pandas as pd

    from simcal.report import Section

_SHOWN = 4  # solutions drawn together
_PATHS = 400


@dataclass(frozen=True, eq=False)
class Solved:
    """One method's solution, and the CPU seconds it took; on fresh paths its errors and, where wanted, its checks.

    Neither is there for a solution that failed.
    """

    solution: EquilibriumSolution
    errors: EquilibriumErrors | None
    seconds: float
    checks: Checks | None = None

    def row(self) -> dict[str, Any]:
        """The numbers of a table: those at time 0, then goal, clearing and terminal error with standard errors."""
        found, errors = self.solution, self.errors
        row: dict[str, Any] = {
            "method": found.method, "price": found.price, "drift": found.drift, "volatility": found.volatility,
        }  # fmt: skip
        for name in ("goal", "goal_se", "clearing", "clearing_se", "terminal", "terminal_se"):
            row[name] = None if errors is None else getattr(errors, name)
        return {**row, "seconds": self.seconds, "status": found.status}

    def summary(self) -> dict[str, pd.DataFrame]:
        """Tables of numbers as text, by title."""
        import pandas as pd

        found, errors = self.solution, self.errors
        if errors is None:
            return {}
        rows = [
            ("price at the start, S_0", f"{found.price:.8f}", ""),
            ("drift at the start, mu_0", f"{found.drift:.8f}", ""),
            ("volatility at the start, sigma_0", f"{found.volatility:.8f}", ""),
            ("liquidity discount", f"{found.liquidity_discount:.8f}", ""),
            ("goal of all agents", _number(errors.goal), _number(errors.goal_se)),
            ("clearing: mean (mean rate)^2", _number(errors.clearing), _number(errors.clearing_se)),
            ("terminal: mean (S_T - dividend)^2", _number(errors.terminal), _number(errors.terminal_se)),
        ]
        title = f"{_described(found.problem)}; {found.method}, {errors.n_paths} paths of seed {errors.seed}"
        table = pd.DataFrame(rows, columns=["quantity", "value", "standard error"])
        return {title: table, **({} if self.checks is None else self.checks.summary())}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        errors, checks = (None if x is None else x.to_dict() for x in (self.errors, self.checks))
        return {**self.solution.to_dict(), "errors": errors, "seconds": self.seconds, "checks": checks}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Methods on one problem, and the rows published for it (none for a problem of one's own).

    `seed` and `n_paths` are those of the paths on which goals and errors were measured.
    """

    problem: EquilibriumProblem
    solved: list[Solved]
    published: list[PublishedRow]
    seed: int = 0
    n_paths: int = 3000

    def table(self) -> pd.DataFrame:
        """One row per method, those published last; the column ``source`` says which is which."""
        import pandas as pd

        rows = [{"source": "simcal", **x.row()} for x in self.solved]
        rows += [{"source": "published", **asdict(x)} for x in self.published]
        return pd.DataFrame(rows, columns=list(rows[0]))

    def summary(self) -> dict[str, pd.DataFrame]:
        """Tables of numbers as text, by title."""
        shown = _shown(self)
        shown["method"] += np.where(shown["source"] == "published", " *", "")
        note = "; * as published" if self.published else ""
        measured = f"With standard errors, on {self.n_paths} paths of seed {self.seed}{note}"
        return {
            f"{_described(self.problem)}{note}": shown.filter(["method", "S_0", "mu_0", "sigma_0", "CPU seconds"]),
            measured: shown.filter(["method", "goal", "clearing", "terminal"]),
        }

    def sections(self) -> list[Section]:
        """What a report shows: numbers, figures over time, checks and the problem."""
        from simcal.report import Section, Table

        prose = [
            f"Goal is the sum of all agents' goals, clearing the mean of (mean rate)^2, terminal the mean of "
            f"(S_T - dividend)^2, each with its standard error on {self.n_paths} paths of seed {self.seed}.",
            *(f"{x.solution.method}: {x.solution.status} {x.seconds:.2g} CPU seconds." for x in self.solved),
        ]
        if self.published:
            prose.insert(1, "Rows published for this problem are as their authors measured them, at 100 steps.")
        start = Table(_shown(self).drop(columns="CPU seconds"))
        sections = [Section("Price, drift and volatility at time 0", prose, [start])]
        good = _best_first(self)
        if good:
            sections += _over_time(good)
        checks = {x.solution.method: x.checks for x in good if x.checks is not None}
        if checks:
            sections.append(_checks(self.problem, checks))
        return [*sections, _problem(self.problem)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "problem": self.problem.to_dict(), "solved": [x.row() for x in self.solved],
            "published": [asdict(x) for x in self.published],
        }  # fmt: skip


def solve_and_measure(
    problem: EquilibriumProblem, method: str | None = None, *, seed: int = 0, n_paths: int = 3000,
    checks: bool = False, options: Mapping[str, Any] | None = None,
) -> Solved:  # fmt: skip
    """`solve` with `options`, timed, and its errors on `n_paths` fresh paths; `checks` on others, as many or fewer."""
    start = time.process_time()
    found = solve(problem, method=method, **options or {})
    seconds = time.process_time() - start
    if found.failed:
        return Solved(found, None, seconds)
    errors = found.errors(seed, n_paths)
    sizes = {"n_paths": min(max(n_paths, 2), 2000), "n_fit": min(max(n_paths, 50), 1000)}
    return Solved(found, errors, seconds, check(found, **sizes) if checks else None)


def compare(
    problem: EquilibriumProblem,
    methods: Sequence[str] | None = None,
    *,
    seed: int = 0,
    n_paths: int = 3000,
    checks: bool = False,
    training: Mapping[str, Any] | None = None,
    listen: Callable[[str], None] | None = None,
) -> Comparison:
    """Solve one problem by several methods, on the same paths.

    Parameters
    ----------
    problem
        All methods take its steps and timing.
    methods
        Names in `METHODS`; without them all that take the problem and, unless there is a `training`, learn nothing.
    seed, n_paths
        Of the paths on which goals and errors are measured.

    Other Parameters
    ----------------
    checks
        Whether each solution is checked as well.
    training
        Options of every method that learns, such as ``{"budget": 60.0}``, seconds for each.
    listen
        Called with the name of each method before it starts.
    """
    solved = []
    for method in methods_for(problem, learning=training is not None) if methods is None else methods:
        if listen is not None:
            listen(method)
        options = training if METHODS[method].learns else None
        solved.append(solve_and_measure(problem, method, seed=seed, n_paths=n_paths, checks=checks, options=options))
    return Comparison(problem, solved, published_rows(problem), seed, n_paths)


def write_equilibrium_report(folder: str | Path, found: Comparison | Predictions) -> Path:
    """Write ``report.html`` of solutions, or ``predictions.html``, into a folder and return its path.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    from simcal.report import write_report

    problem = found.problem
    subtitle = f"{problem.n_agents} agents, trading costs of power {problem.power:g}, {problem.timing} timing"
    if isinstance(found, Predictions):
        title = f"Equilibrium {problem.name} against its trading cost"
        return write_report(Path(folder) / "predictions.html", title, found.sections(), subtitle=subtitle)
    top: dict[str, str] = {}
    if good := _best_first(found):
        best = good[0].solution
        numbers = {
            "price S_0": best.price, "drift mu_0": best.drift, "volatility sigma_0": best.volatility,
            "liquidity discount": best.liquidity_discount,
        }  # fmt: skip
        top = {"method": best.method, **{label: f"{x:.6f}" for label, x in numbers.items()}}
    methods = ", ".join(x.solution.method for x in found.solved)
    return write_report(
        Path(folder) / "report.html",
        f"Equilibrium {problem.name}",
        found.sections(),
        subtitle=f"{subtitle}, {problem.n_steps} steps",
        key_numbers=top,
        provenance={"methods": methods, "seed": found.seed, "paths": found.n_paths},
    )


def _best_first(found: Comparison) -> list[Solved]:
    """What has not failed; those that solve the problem itself come first: they give the top numbers and the bands."""
    good = [x for x in found.solved if not x.solution.failed]
    return sorted(good, key=lambda x: x.solution.method in METHODS and not METHODS[x.solution.method].exact)


def _described(problem: EquilibriumProblem) -> str:
    return (
        f"{problem.name}, {problem.n_agents} agents, power {problem.power:g}, {problem.n_steps} steps, {problem.timing}"
    )


def _shown(found: Comparison) -> pd.DataFrame:
    """The table as text: of what was published as many digits as there are, errors behind what was measured."""
    table = found.table()
    shown = table.filter(["method", "source"])
    digits = [8 if source == "simcal" else 6 for source in table["source"]]
    for heading, column in (("S_0", "price"), ("mu_0", "drift"), ("sigma_0", "volatility")):
        shown[heading] = [_number(x, f".{d}f") for x, d in zip(table[column], digits, strict=True)]
    for column in ("goal", "clearing", "terminal"):
        pairs = zip(table[column], table[f"{column}_se"], strict=True)
        shown[column] = ["n/a" if x != x else f"{_number(x, '.3g')} ± {_number(se, '.1g')}" for x, se in pairs]
    shown["CPU seconds"] = [_number(x, ".2g") for x in table["seconds"]]
    return shown


def _number(value: float | None, form: str = ".4g") -> str:
    return "n/a" if value is None or value != value else format(value, form)


def _over_time(good: list[Solved]) -> list[Section]:
    from simcal.equilibrium.figures import plot_agents_over_time, plot_over_time
    from simcal.report import Picture, Section

    drawn = good[:_SHOWN]
    paths = {x.solution.method: x.solution.simulate(1, _PATHS) for x in drawn}
    # Without costs rates have no limit but the step, and would hide the others.
    traded = {n: p for n, p in paths.items() if n != "frictionless" or len(paths) == 1}
    ends = next(iter(paths.values())).time
    starts = ends[:-1]
    caption = f"Line: mean over {_PATHS} paths; band: the middle 90 % of them; thin: one path, the same for all."
    prices = [
        plot_over_time(
            time, {n: getattr(p, name) for n, p in paths.items()}, quantity=letter, path=0, title=name.capitalize()
        )
        for name, letter, time in (("volatility", "sigma", starts), ("drift", "mu", starts), ("price", "S", ends))
    ]
    trading = [
        plot_agents_over_time(
            time, {n: getattr(p, name) for n, p in traded.items()}, quantity=quantity, title=f"{title} on one path"
        )
        for name, quantity, title, time in (
            ("rates", "rate", "Trading rates", starts),
            ("positions", "position", "Positions", ends),
        )
    ]
    omitted = [] if len(good) <= _SHOWN else [f"Drawn are the first {_SHOWN} of {len(good)} solutions."]
    return [
        Section("Price dynamics over time", omitted, figures=[Picture(x, caption) for x in prices]),
        Section(
            "Trading over time",
            ["The two agents whose numbers vary most, all solutions on the same noise; band: the first's paths."],
            figures=[Picture(x) for x in trading],
        ),
    ]


def _checks(problem: EquilibriumProblem, checks: dict[str, Checks]) -> Section:
    from simcal.equilibrium.figures import plot_over_time
    from simcal.report import Picture, Section, Table

    prose = [
        "Measured on fresh paths, without a reference. The duality gap bounds what all agents together could gain by "
        "any other policy against this price; exploitability is what the best of some other policies did gain. The "
        "bound and the residual contain what noise is left in estimates of conditional expectations. A row holds where "
        "it is within its limit, give or take three standard errors."
    ]
    tables = [
        Table(x.table().rename(columns=lambda heading: heading.replace("_", " ")).fillna(""), name)
        for name, x in checks.items()
    ]
    shown = {name: x.residual_by_step for name, x in list(checks.items())[:_SHOWN] if x.residual_by_step.any()}
    times = np.arange(problem.n_steps) * problem.step
    title, unit = "How far marginal costs are from marginal values", "residual (money per share)"
    figures = [Picture(plot_over_time(times, shown, quantity=unit, title=title, logarithmic=True))] if shown else []
    return Section("Checks", prose, tables, figures)


def _problem(problem: EquilibriumProblem) -> Section:
    import pandas as pd

    from simcal.report import Section, Table

    rows = [{**row, "value": _values(row["value"])} for row in problem.describe() if row["value"] is not None]
    return Section("The problem", tables=[Table(pd.DataFrame(rows).drop(columns="unit"), "Parameters.")])


def _values(values: Any) -> str:
    from simcal.report import format_number

    several = values if isinstance(values, Sequence) and not isinstance(values, str) else [values]
    return ", ".join(format_number(x, 4) for x in several)
