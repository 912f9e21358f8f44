"""The command line: one thin file per verb. Heavy packages load inside the commands that need them."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer

from simcal.cli import (
    backtest,
    backtest_family,
    calibrate,
    facts,
    filter,
    profile,
    report,
    simulate,
    solve,
    track,
    train,
    validate,
)
from simcal.cli.output import say, spoken_warnings
from simcal.errors import SimcalError
from simcal.user_code import trusting

_INTERRUPTED = 130  # the exit code that Typer gives to Ctrl-C


def _with_trust(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the option --trust: any of them may be given the folder of a stranger's run."""
    said = "Run the Python file that a run's folder or a TOML file brings with it."
    option = Annotated[bool, typer.Option("--trust", help=said)]

    @functools.wraps(command)
    def trusted(*arguments: Any, trust: bool = False, **options: Any) -> None:
        with trusting(trust):
            command(*arguments, **options)

    # Typer reads the options from the signature and its annotations, which must not be text here.
    hints = {**get_type_hints(command, include_extras=True), "trust": option}
    signature = inspect.signature(command)
    parameters = [p.replace(annotation=hints[p.name]) for p in signature.parameters.values()]
    parameters.append(inspect.Parameter("trust", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option))
    trusted.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    trusted.__annotations__ = hints
    return trusted


app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)  # fmt: skip
for _name, _command in {
    "simulate": simulate.command, "calibrate": calibrate.command, "validate": validate.command,
    "filter": filter.filter_command, "forecast": filter.forecast_command, "track": track.command,
    "profile": profile.command, "backtest": backtest.command,
    "backtest-family": backtest_family.command, "solve": solve.command, "train": train.command,
    "facts": facts.command, "report": report.command,
}.items():  # fmt: skip
    app.command(_name)(_with_trust(_command))


def _print_version(wanted: bool) -> None:
    if wanted:
        import simcal

        print(f"simcal {simcal.__version__}")
        raise typer.Exit


@app.callback()
def _simcal(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Markets made of interacting traders: simulated fast, calibrated to real prices, and used."""


def main() -> None:
    """Run the command line; what a user got wrong ends with one sentence and exit code 2."""
    try:
        with spoken_warnings():
            app()
    except SimcalError as error:
        say(f"simcal: {error}")
        sys.exit(2)
    except MemoryError:
        say("simcal: this needs more memory than the machine has; give fewer paths, traders, samples or steps.")
        sys.exit(2)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            say("simcal: interrupted. A command that keeps checkpoints continues when it is given again.")
        raise
    except BrokenPipeError:  # as in `simcal facts sp500 | head`
        sys.stderr.close()
        sys.exit(1)
