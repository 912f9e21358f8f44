"""`simcal train MARKET`: traders who learn one shared policy, and whether there is a market then."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simcal.cli.output import Json, game_progress, print_json, print_table, say

if TYPE_CHECKING:
    from simcal.learning import TrainedMarket

_SHOWN = ("reward", "buy_share", "fills", "mispricing")


def command(
    market: Annotated[
        str,
        typer.Argument(metavar="MARKET", help="book-learning, or a TOML file of that kind; or learning-emergence."),
    ],
    arm: Annotated[
        str, typer.Option(help="both, learning-only, or a trait's name with -only after it or without- before it.")
    ] = "both",
    seed: Annotated[int, typer.Option(help="Seed of weights and episodes.")] = 0,
    iterations: Annotated[int | None, typer.Option(help="Updates of the policy; 80 when absent.")] = None,
    episodes: Annotated[int | None, typer.Option(help="Episodes of each update; 32 when absent.")] = None,
    width: Annotated[int | None, typer.Option(help="Of the networks' hidden layers; 64 when absent.")] = None,
    published: Annotated[
        bool, typer.Option("--published", help="The settings of the published code instead of simcal's.")
    ] = False,
    budget: Annotated[float | None, typer.Option(help="Seconds after which the training stops.")] = None,
    with_tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write the numbers of each update for TensorBoard, too.")
    ] = False,
    seeds: Annotated[int | None, typer.Option(help="Of an experiment: runs of each arm.")] = None,
    steps: Annotated[int | None, typer.Option(help="Of an experiment: decisions of each training.")] = None,
    days: Annotated[int | None, typer.Option(help="Of an experiment: episodes that a run is measured on.")] = None,
    data: Annotated[str | None, typer.Option(help="Of an experiment: prices to measure the distance to.")] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Of an experiment: runs at a time; one per core when absent.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; runs/MARKET-ARM-SEED when absent.")] = None,
    as_json: Json = False,
) -> None:
    """Train the traders of an order-book market, and tell whether they still trade.

    A training that was interrupted or killed continues when the same command is given again, and ends as it would have
    without the interruption. To begin anew, give another --out.

    `simcal train learning-emergence` trains and compares the arms of an experiment, over several seeds.
    """
    from simcal.cli.train_experiment import is_experiment, refuse_training_options, train_experiment

    choices = {"seeds": seeds, "steps": steps, "days": days, "data": data}
    if is_experiment(market, {**choices, "jobs": jobs}):
        single = {"--arm": arm != "both", "--seed": seed != 0, "--iterations": iterations is not None,
                  "--episodes": episodes is not None, "--width": width is not None, "--published": published,
                  "--tensorboard": with_tensorboard}  # fmt: skip
        refuse_training_options(market, single)
        train_experiment(market, choices, jobs, budget, out, as_json)
        return
    from simcal.learning import PpoSettings, load_market, tensorboard, train
    from simcal.learning import arm as arm_of

    found = arm_of(load_market(market), arm)
    given = {"iterations": iterations, "episodes": episodes, "width": width}
    settings = PpoSettings.published() if published else PpoSettings()
    settings = settings.replace(**{name: value for name, value in given.items() if value is not None})
    folder = out or Path("runs") / f"{Path(market).stem}-{arm}-{seed}"
    said = f"{Path(market).stem}, {arm}, seed {seed}: {settings.iterations} updates of {settings.episodes} episodes"
    board = tensorboard(folder / "tensorboard") if with_tensorboard else nullcontext(lambda row: None)
    with board as write, game_progress(1, settings.iterations, first="training", announce=said) as told:

        def listen(row: Mapping[str, float]) -> None:
            write(row)
            told(0, {"iteration": row["iteration"], **{name: row[name] for name in _SHOWN}})

        trained = train(found, settings, seed=seed, budget=budget, out=folder, listen=listen)
    if as_json:
        print_json(trained.to_dict())
    else:
        _show(trained)
    say(f"{trained.status} {trained.seconds:.0f} s.")
    say(f"The run is in {folder}.")


def _show(trained: TrainedMarket) -> None:
    history = trained.history
    if len(history) == 0:
        return
    places = sorted({0, len(history) // 2, len(history) - 1})
    columns = ["iteration", "reward", "buy_share", "fills", "mispricing", "one_sided"]
    print_table(history.iloc[places][columns].reset_index(drop=True), "Training")
