"""`simcal calibrate DATA`: a market calibrated to a price series or to requests, judged, and written up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simcal.cli.facts import Map, is_request_table
from simcal.cli.output import Json, game_progress, judging_progress, print_json, print_table, say
from simcal.errors import ParameterError, SimcalError

if TYPE_CHECKING:
    from simcal.calibration import Calibration, Recipe, Validation

REQUEST_RECIPE = "rfq"  # for a request table that no recipe was named for


def command(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]", help="A series or request table by name or CSV or Parquet file, or the name of a recipe."
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A recipe's name or TOML file; sp500-herding when absent, rfq for requests. "
            "The recipe equilibrium needs volume."
        ),
    ] = None,
    market: Annotated[str | None, typer.Option(help="Start from this market instead of the recipe's.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; runs/DATA when absent.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; the recipe's when absent.")] = None,
    budget: Annotated[float | None, typer.Option(help="Most seconds to train.")] = None,
    starts: Annotated[int | None, typer.Option(min=1, help="Number of starts (replications of an experiment).")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Iterations of each start.")] = None,
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
    """
    from simcal.calibration.calibrate import override

    if data is None:
        if recipe is None:
            raise ParameterError(
                "Nothing to calibrate to was given; give DATA, or --recipe with a recipe that has data."
            )
        data, recipe = recipe, None
    source, chosen = choose_recipe(data, recipe, map_)
    if budget is not None and budget <= 0:
        raise ParameterError(f"The budget is {budget:g} seconds, but must be above 0.")
    folder = out or Path("runs") / (Path(data).stem or "run")
    if chosen.is_experiment:
        if market is not None or device != "cpu":
            raise ParameterError(f"{chosen.name} is an experiment: it has a market of its own and runs on the CPU.")
        chosen = override(chosen, seed=seed, budget=budget, starts=None, iterations=None)
        _experiment(chosen, folder, starts, iterations, jobs, report, as_json)
        return
    settings = override(chosen, seed=seed, budget=budget, starts=starts, iterations=iterations)
    if settings.equilibrium is not None:
        from simcal.cli.calibrate_equilibrium import calibrate_to_volume

        for option, given in {"market": market, "starts": starts, "iterations": iterations, "map": map_}.items():
            if given is not None:
                raise ParameterError(f"--{option} has no meaning for the recipe {settings.name}; leave it out.")
        calibrate_to_volume(source, settings, folder, device, report, as_json)
        return
    if settings.requests is not None:
        calibrate_to_requests(market, source, settings, folder, map_, jobs, device, report, as_json)
        return
    if map_:
        raise ParameterError(
            f"--map names the columns of a request table, but the recipe {settings.name} calibrates to prices; give "
            "--recipe rfq, or leave --map out."
        )
    calibration = _calibrate(market, source, settings, folder, jobs, device)
    validation = _judge(calibration, folder, jobs) if report else None
    if as_json:
        result = calibration.to_dict() | {"folder": str(folder)}
        result |= {"report": str(folder / "report.html")} if report else {}
        print_json(result | ({} if validation is None else {"validation": validation.to_dict()}))
        return
    print_table(calibration.parameters().drop(columns="letter"), f"Calibrated to {calibration.series.name}")
    print_table(calibration.starts_table(), "Starts")
    if validation is not None:
        print_table(validation.summary, "How like the real series")
        for sentence in validation.verdict:
            print(sentence)
    say(f"The run is in {folder}" + (f", its report is {folder / 'report.html'}." if report else "."))
    say(f"Next: simcal simulate {folder} --paths 1000 --steps 250 --out paths.parquet")


def choose_recipe(data: str, recipe: str | None, maps: list[str] | None = None) -> tuple[str, Recipe]:
    """What to calibrate to, and by which recipe: the one that is named, the default for DATA, or DATA is a recipe."""
    from simcal.calibration import load_recipe, recipe_names
    from simcal.calibration.calibrate import DEFAULT_RECIPE
    from simcal.data import catalogue

    if recipe is not None:
        return data, load_recipe(recipe)
    if data in catalogue() or not (data in recipe_names() or data.endswith(".toml")):
        return data, load_recipe(REQUEST_RECIPE if is_request_table(data, maps) else DEFAULT_RECIPE)
    chosen = load_recipe(data)
    if not chosen.is_experiment and chosen.data is None:
        raise ParameterError(f"The recipe {data} names no data; give the data and --recipe {data}.")
    return chosen.data or data, chosen


def _calibrate(
    market: str | None, data: str, recipe: Recipe, folder: Path, jobs: int | None, device: str
) -> Calibration:
    import simcal

    said = f"Calibrating to {data} by the recipe {recipe.name}, in {folder}; interrupted, the same command continues."
    with game_progress(recipe.starts.count, recipe.game.iterations, announce=said) as listen:
        found = simcal.calibrate(market, data, recipe=recipe, out=folder, jobs=jobs, device=device, listen=listen)
    if not isinstance(found, simcal.Calibration):
        raise ParameterError(f"{market} is a dealer market; give a recipe for requests, such as --recipe rfq.")
    return found


def _judge(calibration: Calibration, folder: Path, jobs: int | None) -> Validation | None:
    """The certificate, into the report; a market or a series that cannot be judged still gets its report."""
    import simcal
    from simcal.calibration import Validation, write_run_report

    validation = None
    try:
        with judging_progress() as listen:
            judged = simcal.validate(
                calibration.market, calibration.series, train_share=calibration.recipe.train_share, jobs=jobs,
                listen=listen,
            )  # fmt: skip
        assert isinstance(judged, Validation)  # of prices
        validation = judged
    except SimcalError as error:
        say(f"simcal: the calibrated market was not judged. {error}")
    write_run_report(folder, validation, series=calibration.series)
    return validation


def calibrate_to_requests(
    market: str | None, data: str, recipe: Recipe, folder: Path, maps: list[str] | None, jobs: int | None, device: str,
    report: bool, as_json: bool,
) -> None:  # fmt: skip
    """A dealer market calibrated to a request table, by every method of the recipe."""
    import simcal
    from simcal.rfq import RfqCalibration, judge_rfq_run, parse_map, write_rfq_report

    said = f"Calibrating to {data} by the recipe {recipe.name}, in {folder}; interrupted, the same command continues."
    with game_progress(recipe.starts.count, recipe.game.iterations, announce=said) as listen:
        calibration = simcal.calibrate(
            market, data, recipe=recipe, out=folder, jobs=jobs, device=device, listen=listen,
            mapping=parse_map(maps or []),
        )  # fmt: skip
    if not isinstance(calibration, RfqCalibration):
        raise ParameterError(f"The recipe {recipe.name} is one for requests, but {market} is a market of prices.")
    validation = None
    if report:
        validation = judge_rfq_run(folder, requests=calibration.requests)
        write_rfq_report(folder, requests=calibration.requests)
    if as_json:
        result = calibration.to_dict() | {"folder": str(folder)}
        result |= {"report": str(folder / "report.html")} if report else {}
        print_json(result | ({} if validation is None else {"validation": validation.to_dict()}))
        return
    title = f"Client and rivals, from {calibration.requests.name}: estimates (standard errors)"
    print_table(calibration.summary, title)
    for fit in calibration.fits:
        print(f"{fit.method}: {fit.status}")
    print(f"The market has the estimates of the method {calibration.chosen}.")
    if validation is not None:
        for sentence in validation.verdict:
            print(sentence)
    say(f"The run is in {folder}" + (f", its report is {folder / 'report.html'}." if report else "."))
    say(f"Next: simcal backtest {folder} --strategy optimal")


def _request_experiment(
    recipe: Recipe, folder: Path, replications: int | None, iterations: int | None, jobs: int | None, report: bool,
    as_json: bool,
) -> None:  # fmt: skip
    from simcal.rfq import run_rfq_experiment, write_rfq_experiment_report

    assert recipe.requests is not None
    assert recipe.requests.experiment is not None
    n = replications or recipe.requests.experiment.replications
    said = f"The experiment {recipe.name}, {n} replications, in {folder}; interrupted, the same command continues."
    with game_progress(n, iterations or recipe.game.iterations, first="replication", announce=said) as listen:
        result = run_rfq_experiment(
            recipe, out=folder, replications=replications, iterations=iterations, jobs=jobs, listen=listen
        )
    if report:
        write_rfq_experiment_report(folder, result)
    if as_json:
        print_json(result.to_dict() | {"folder": str(folder)})
        return
    print_table(result.overview, f"{recipe.name}, {n} replications: mean estimates (root mean square errors)")
    if result.identification is not None:
        seen = result.identification.set_index("what is seen").T.rename_axis("standard error").reset_index()
        print_table(seen, "What could be told from what is seen of the requests")
    print(result.status)
    say(f"The experiment is in {folder}" + (f", its report is {folder / 'report.html'}." if report else "."))


def _recovery(
    recipe: Recipe, folder: Path, replications: int | None, iterations: int | None, jobs: int | None, report: bool,
    as_json: bool,
) -> None:  # fmt: skip
    from simcal.calibration.recovery import run_recovery, write_recovery_report

    assert recipe.recovery is not None
    n = replications or recipe.recovery.replications
    said = f"The recovery {recipe.name}, {n} samples, in {folder}; interrupted, the same command continues."
    with game_progress(n, iterations or recipe.game.iterations, first="sample", announce=said) as listen:
        result = run_recovery(
            recipe, out=folder, replications=replications, iterations=iterations, jobs=jobs, listen=listen
        )
    if report:
        write_recovery_report(folder, result)
    if as_json:
        written = {"report": str(folder / "report.html")} if report else {}
        print_json(result.to_dict() | {"folder": str(folder)} | written)
        return
    print_table(result.overview, f"{recipe.name}, {n} samples of {recipe.recovery.n_steps} steps")
    print(result.status)
    for sentence in result.weak:
        print(sentence)
    say(f"The recovery is in {folder}" + (f", its report is {folder / 'report.html'}." if report else "."))


def _experiment(
    recipe: Recipe, folder: Path, replications: int | None, iterations: int | None, jobs: int | None, report: bool,
    as_json: bool,
) -> None:  # fmt: skip
    if recipe.requests is not None:
        _request_experiment(recipe, folder, replications, iterations, jobs, report, as_json)
        return
    if recipe.recovery is not None:
        _recovery(recipe, folder, replications, iterations, jobs, report, as_json)
        return
    from simcal.calibration.experiment import run_experiment
    from simcal.calibration.experiment.report import write_experiment_report

    assert recipe.experiment is not None
    n = replications or recipe.experiment.replications
    said = f"The experiment {recipe.name}, {n} replications, in {folder}; interrupted, the same command continues."
    with game_progress(n, iterations or recipe.game.iterations, first="replication", announce=said) as listen:
        result = run_experiment(
            recipe, out=folder, replications=replications, iterations=iterations, jobs=jobs, listen=listen
        )
    if report:
        write_experiment_report(folder, result)
    if as_json:
        print_json(result.to_dict() | {"folder": str(folder)})
        return
    print_table(result.summary, f"The experiment {recipe.name}")
    print(result.status)
    say(f"The experiment is in {folder}" + (f", its report is {folder / 'report.html'}." if report else "."))
