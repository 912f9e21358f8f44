"""`simcal train learning-emergence`: the arms of an experiment, trained over several seeds and compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simcal.cli.output import judging_progress, print_json, print_table, say
from simcal.errors import ParameterError

if TYPE_CHECKING:
    from simcal.learning.emergence import EmergenceResult


def is_experiment(source: str, options: Mapping[str, Any]) -> bool:
    """Whether an experiment is asked for; `ParameterError` where only its options are."""
    from simcal.learning.emergence import experiment_names, is_emergence

    if is_emergence(source):
        return True
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given:
        raise ParameterError(
            f"{given[0]} is an option of an experiment, such as {experiment_names()[0]}, but {source} is a market to "
            "train once; leave it out."
        )
    return False


def refuse_training_options(source: str, given: Mapping[str, bool]) -> None:
    """`ParameterError` for the first option of a single training that is given to an experiment."""
    for name, is_given in given.items():
        if is_given:
            raise ParameterError(
                f"{name} is an option of a single training, but {source} is an experiment of many; leave it out, or "
                "write it into a TOML file of the experiment, under [training]."
            )


def train_experiment(
    source: str, choices: Mapping[str, Any], jobs: int | None, budget: float | None, out: Path | None, as_json: bool
) -> None:
    """Run it, write its report, and show what came out."""
    from simcal.learning.emergence import load_emergence, run_emergence, write_emergence_report

    settings = load_emergence(source).replace(**{k: v for k, v in choices.items() if v is not None})
    folder = out or Path("runs") / settings.name
    say(f"{settings.name}: four arms, {settings.seeds} seeds, {settings.ppo.iterations} updates of each training, in "
        f"{folder}; interrupted, the same command continues.")  # fmt: skip
    with judging_progress("runs") as listen:
        result = run_emergence(settings, out=folder, jobs=jobs, budget=budget, listen=listen)
    report = write_emergence_report(folder, result)
    if as_json:
        print_json(result.to_dict() | {"folder": str(folder), "report": str(report)})
        return
    _show(result)
    for sentence in result.verdict:
        print(sentence)
    say(result.status)
    say(f"The experiment is in {folder}, its report is {report}.")


def _show(result: EmergenceResult) -> None:
    from simcal.learning.emergence import CLOCKS

    for clock in CLOCKS:
        table = result.table(clock)
        print_table(table, f"{clock}: mean over seeds [95 % interval]")
