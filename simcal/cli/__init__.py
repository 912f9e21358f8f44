"""The command line: one thin file per verb. Heavy packages load inside the commands that need them."""

from __future__ import annotations

import sys

import typer

from simcal.cli import calibrate, facts, report, simulate, validate
from simcal.errors import SimcalError

app = typer.Typer(
    help="Markets made of interacting traders: simulated fast, calibrated to real prices, and used.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("simulate")(simulate.command)
app.command("calibrate")(calibrate.command)
app.command("validate")(validate.command)
app.command("facts")(facts.command)
app.command("report")(report.command)


def main() -> None:
    """Run the command line; what a user got wrong ends with one sentence and exit code 2."""
    try:
        app()
    except SimcalError as error:
        print(f"simcal: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(
            "simcal: interrupted; a calibration with --out continues when the command is given again.", file=sys.stderr
        )
        sys.exit(130)
