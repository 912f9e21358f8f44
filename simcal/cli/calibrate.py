"""`simcal calibrate DATA`: a market calibrated to data, judged, and written up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simcal.cli.facts import Map
from simcal.cli.output import Json, game_progress, judging_progress, print_json, print_table, say, show
from simcal.errors import ParameterError, SimcalError

if TYPE_CHECKING:
    from simcal.calibration import Recipe


def command(
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATA]...",
            help="A series or request table by name, CSV or Parquet file or FILE.py:NAME, or the name of a recipe; "
            "or several series.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A recipe's name or TOML file; when absent likelihood for prices, rfq for requests, and for a market "
            "of your own the game, with all its parameters. The recipe equilibrium needs volume."
        ),
    ] = None,
    market: Annotated[
        str | None, typer.Option(help="Start from this market (or your own, FILE.py:NAME) instead of the recipe's.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder, runs/DATA when absent; of several series, the folder of these.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; the recipe's when absent.")] = None,
    budget: Annotated[float | None, typer.Option(help="Most seconds to train.")] = None,
    starts: Annotated[int | None, typer.Option(min=1, help="Number of starts (replications of an experiment).")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Iterations of each start.")] = None,
    estimator: Annotated[str | None, typer.Option(help="adversarial, moments, or FILE.py:NAME.")] = None,
    statistics: Annotated[
        str | None, typer.Option(help="What is looked at: a set of statistics by name, or FILE.py:NAME.")
    ] = None,
    loss: Annotated[str | None, typer.Option(help="The loss of the game by name, or FILE.py:NAME.")] = None,
    prior_from: Annotated[
        str | None,
        typer.Option(help="Learn the prior of an estimate by likelihood from the runs in this folder, or a CSV file."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one per core when absent.")] = None,
    device: Annotated[str, typer.Option(help="Where the market's twin runs: cpu or cuda.")] = "cpu",
    report: Annotated[bool, typer.Option(help="Judge the market and write report.html.")] = True,
    map_: Map = None,
    as_json: Json = False,
) -> None:
    """Calibrate a market to a price series or to requests for quotes, judge it, and write a report.

    A run that was interrupted or killed continues from its checkpoints when the same command is given again, and ends
    as it would have without the interruption. To begin anew, give another --out.

    DATA may be the name of an experiment, such as gan-mas-experiment; its data are simulated. It may be left out where
    --recipe names an experiment or a recipe with data of its own.

    Several series are calibrated one by one, each into a folder of its own below --out, with a table of all at the end;
    the same command again goes on with those that are not done.
    """
    if data is not None and len(data) > 1:
        if map_:
            raise ParameterError("--map names the columns of one request table; give one table, or leave --map out.")
        _calibrate_many(
            data, out or Path("runs"), report, as_json, recipe=recipe, market=market, seed=seed, budget=budget,
            starts=starts, iterations=iterations, jobs=jobs, device=device, estimator=estimator, statistics=statistics,
            loss=loss, prior_from=prior_from,
        )  # fmt: skip
        return
    import simcal
    from simcal.calibration import RUNS
    from simcal.calibration.calibrate import override
    from simcal.calibration.prior import with_prior_from
    from simcal.subjects import SUBJECTS

    given = data[0] if data else recipe
    if given is None:
        raise ParameterError("Nothing to calibrate to was given; give DATA, or --recipe with a recipe that has data.")
    source, chosen = choose_recipe(given, recipe if data else None, map_, market)
    if budget is not None and budget <= 0:
        raise ParameterError(f"The budget is {budget:g} seconds, but must be above 0.")
    folder = out or Path("runs") / (Path(given).stem or "run")
    played = chosen.is_experiment
    if played and (market is not None or device != "cpu"):
        raise ParameterError(f"{chosen.name} is an experiment: it has a market of its own and runs on the CPU.")
    options = {"market": market, "starts": starts, "iterations": iterations, "mapping": map_, "estimator": estimator,
               "device": None if device == "cpu" else device, "statistics": statistics, "loss": loss}  # fmt: skip
    _refuse(chosen, [name for name, value in options.items() if value is not None and name in chosen.unused])
    if prior_from is not None:
        chosen = with_prior_from(chosen, prior_from)
    settings = override(
        chosen, seed=seed, budget=budget, starts=None if played else starts, iterations=None if played else iterations
    )
    kind = RUNS.find(settings.run).of(settings)
    n_bars, length = kind.bars(settings)
    if played:
        n_bars, length = starts or n_bars, iterations or length
        said = f"{settings.name}, {n_bars} {kind.units}s, in {folder}; interrupted, the same command continues."
    else:
        said = (
            f"Calibrating to {source} by the recipe {settings.name}, in {folder}; interrupted, the same command "
            "continues."
        )
    with game_progress(n_bars, length, first=kind.units, announce=said) as listen:
        if played:
            result = kind.play(
                settings, out=folder, replications=starts, iterations=iterations, jobs=jobs, listen=listen
            )
        else:
            mapping = next((s.mapping(map_) for s in SUBJECTS.values()), None) if map_ else None
            result = simcal.calibrate(
                market, source, recipe=settings, out=folder, jobs=jobs, device=device, listen=listen, mapping=mapping,
                estimator=estimator, statistics=statistics, loss=loss,
            )  # fmt: skip
    validation = None
    if report:
        with judging_progress() as listen:
            validation = kind.conclude(result, folder, jobs=jobs, listen=listen, say=say)
    if as_json:
        written = {"folder": str(folder)} | ({"report": str(folder / "report.html")} if report else {})
        print_json(result.to_dict() | written | ({} if validation is None else {"validation": validation.to_dict()}))
        return
    shown = kind.show(result)
    show(shown)
    if validation is not None:
        show(kind.show_certificate(validation))
    say(f"The run is in {folder}" + (f", its report is {folder / 'report.html'}." if report else "."))
    if shown.next:
        say("Next: " + shown.next.format(folder=folder))


def _calibrate_many(data: list[str], folder: Path, report: bool, as_json: bool, **options: Any) -> None:
    """Calibrate each of several series, show a table of all, and write their reports."""
    from simcal.calibration import RUNS, calibrate_many, read_run

    with judging_progress("calibrated") as listen:
        found = calibrate_many(data, out=folder, listen=listen, **options)
    done = found[found["status"].isin(["calibrated", "kept"])]
    if report:
        with judging_progress("judged") as listen:
            for k, (name, status) in enumerate(zip(done["series"], done["status"], strict=True)):
                if status == "calibrated" or not (folder / name / "report.html").is_file():
                    RUNS["calibration"].conclude(read_run(folder / name), folder / name, jobs=options["jobs"], say=say)
                listen(k + 1, len(done), name)
    if as_json:
        print_json({"folder": str(folder), "series": found.to_dict(orient="records")})
    else:
        shown = ["series", "returns", "log_likelihood", "seconds", "status"]
        print_table(found.filter(shown), f"{len(found)} series")
        say(f"Every parameter is in {folder / 'calibrations.csv'}, every run in a folder beside it.")
    if len(done) < len(found):
        raise SimcalError(
            f"{len(found) - len(done)} of {len(found)} series could not be calibrated; the table says why."
        )


def _refuse(recipe: Recipe, unused: list[str]) -> None:
    """`ParameterError` where an option was given that the recipe has no use for."""
    if "mapping" in unused:
        raise ParameterError(
            f"--map names the columns of a request table, but the recipe {recipe.name} is one of {recipe.title}; give "
            "--recipe rfq, or leave --map out."
        )
    if unused:
        raise ParameterError(f"--{unused[0]} has no meaning for the recipe {recipe.name}; leave --{unused[0]} out.")


def choose_recipe(
    data: str, recipe: str | None, maps: list[str] | None = None, market: str | None = None
) -> tuple[str, Recipe]:
    """What to calibrate to, and by which recipe: the one that is named, the default for DATA, or DATA is a recipe."""
    import simcal
    from simcal.calibration import load_recipe, recipe_names
    from simcal.calibration.calibrate import default_recipe
    from simcal.data import catalogue
    from simcal.subjects import subject_of_data

    if recipe is not None:
        return data, load_recipe(recipe)
    if data in catalogue() or not (data in recipe_names() or data.endswith(".toml")):
        subject = subject_of_data(data, maps)
        if subject is not None:
            return data, load_recipe(subject.recipe)
        return data, default_recipe(None if market is None else simcal.load(market))
    chosen = load_recipe(data)
    if not chosen.is_experiment and chosen.data is None:
        raise ParameterError(f"The recipe {data} names no data; give the data and --recipe {data}.")
    return chosen.data or data, chosen
