"""The command line: one thin file per verb. Heavy packages load inside the commands that need them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from simcal.cli import backtest, backtest_family, calibrate, facts, report, simulate, solve, train, validate
from simcal.cli.output import say, spoken_warnings
from simcal.errors import SimcalError

_INTERRUPTED = 130  # the exit code that Typer gives to Ctrl-C

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)  # fmt: skip
app.command("simulate")(simulate.command)
app.command("calibrate")(calibrate.command)
app.command("validate")(validate.command)
app.command("backtest")(backtest.command)
app.command("backtest-family")(backtest_family.command)
app.command("solve")(solve.command)
app.command("train")(train.command)
app.command("facts")(facts.command)
app.command("report")(report.command)


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
