"""What the verbs do with calibrations to requests for quotes, and with experiments on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simcal import rfq
from simcal.calibration.recipe import Recipe
from simcal.calibration.runs import RunKind
from simcal.errors import ParameterError
from simcal.subjects import Shown


class RequestRuns(RunKind):
    """A dealer market calibrated to a request table."""

    word = "a calibration to requests"

    def calibrate(self, market: Any, data: Any, recipe: Recipe, **options: Any) -> Any:
        """See `simcal.calibrate`."""
        from simcal.rfq.estimators.calibrate import calibrate_rfq

        return calibrate_rfq(market, data, recipe, **options)

    def of(self, recipe: Recipe) -> RunKind:
        """Experiments have a kind of their own."""
        return EXPERIMENT if recipe.requests.experiment is not None else self

    def show(self, result: Any) -> Shown:
        """Estimates side by side, the status of every method."""
        title = f"Client and rivals, from {result.requests.name}: estimates (standard errors)"
        said = [f"{fit.method}: {fit.status}" for fit in result.fits]
        said.append(f"The market has the estimates of the method {result.chosen}.")
        return Shown({title: result.summary}, said, "simcal backtest {folder} --strategy optimal")

    def show_certificate(self, certificate: Any) -> Shown:
        """The verdict; the facts stand in the report."""
        return Shown({}, certificate.verdict)

    def conclude(self, result: Any, folder: Path, *, jobs: int | None = None, listen: Any = None,
                 say: Callable[[str], object] = print) -> Any:  # fmt: skip
        """The certificate and the report."""
        validation = rfq.judge_rfq_run(folder, requests=result.requests)
        rfq.write_rfq_report(folder, requests=result.requests)
        return validation

    def judge(self, folder: Path, *, n_samples: int, seed: int, train_share: float | None = None, **_: Any) -> Any:
        """The certificate of a run by its own table."""
        if train_share is not None:
            raise ParameterError("A run is judged with its own training share; leave --train-share out, or give DATA.")
        return rfq.judge_rfq_run(folder, n_samples=n_samples, seed=seed)

    def report(self, folder: Path, data: Any = None, mapping: Mapping[str, str] | None = None) -> Path:
        """The report of a calibration."""
        return rfq.write_rfq_report(folder, requests=None if data is None else rfq.load_requests(data, mapping))


class RequestExperiments(RunKind):
    """A dealer market found again from its own requests."""

    word = "an experiment with requests"
    units = "replication"

    def play(self, recipe: Recipe, **options: Any) -> Any:
        """The experiment of the recipe."""
        return rfq.run_rfq_experiment(recipe, **options)

    def bars(self, recipe: Recipe) -> tuple[int, int]:
        """One bar for each replication."""
        return recipe.requests.experiment.replications, recipe.game.iterations

    def show(self, result: Any) -> Shown:
        """Mean estimates of every method, and what could be told at all."""
        n = result.recipe.requests.experiment.replications
        title = f"{result.recipe.name}, {n} replications: mean estimates (root mean square errors)"
        tables = {title: result.overview}
        if result.identification is not None:
            seen = result.identification.set_index("what is seen").T.rename_axis("standard error").reset_index()
            tables["What could be told from what is seen of the requests"] = seen
        return Shown(tables, [result.status])

    def check_readable(self, folder: Path) -> None:
        """It has no data of its own."""
        self.judge(folder)

    def report(self, folder: Path, data: Any = None, mapping: Mapping[str, str] | None = None) -> Path:
        """The report of an experiment."""
        return rfq.write_rfq_experiment_report(folder)


RUN, EXPERIMENT = RequestRuns(), RequestExperiments()
