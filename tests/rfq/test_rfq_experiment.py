"""The experiment with requests: every method beside the truth, a folder that is read back, a report."""

import numpy as np
import pytest

from simcal.calibration import load_recipe
from simcal.calibration.recipe import check_recipe
from simcal.errors import DataError, ParameterError
from simcal.rfq import load_rfq_experiment, run_rfq_experiment, write_rfq_experiment_report


def short(name="rfq-experiment"):
    values = load_recipe(name).model_dump()
    values["requests"]["experiment"] |= {"n_requests": 2000}
    return check_recipe(values)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiment")
    return run_rfq_experiment(short(), out=folder, replications=2, iterations=15, jobs=1), folder


def test_every_method_stands_beside_the_truth_in_every_replication(result):
    found, _ = result
    assert found.methods == ["likelihood", "moments", "adversarial"]
    assert len(found.estimates) == 2 * 3 * 6
    summary = found.summary
    assert np.isfinite(summary.drop(columns=["method", "parameter"]).to_numpy(dtype=float)).all()
    likelihood = summary[summary["method"] == "likelihood"]
    assert (likelihood["largest error (s.e.)"] < 4).all()
    assert found.fits[0][0].values[0] != found.fits[1][0].values[0]  # fresh requests in each
    assert "standard errors" in found.status


def test_an_experiment_is_read_back_and_reported(result):
    found, folder = result
    back = load_rfq_experiment(folder)
    np.testing.assert_allclose(
        back.summary["mean estimate"].to_numpy(), found.summary["mean estimate"].to_numpy(), rtol=1e-12
    )
    assert back.status == found.status
    page = write_rfq_experiment_report(folder).read_text()
    assert "What can be told from which data" in page
    with pytest.raises(DataError, match="not the folder of a finished experiment"):
        load_rfq_experiment(folder / "nothing")


def test_an_experiment_goes_on_from_its_checkpoints(result):
    found, folder = result
    again = run_rfq_experiment(short(), out=folder, replications=2, iterations=15, jobs=1)
    for one, other in zip(found.fits, again.fits, strict=True):
        np.testing.assert_array_equal(one[-1].values, other[-1].values)


def test_recipes_without_an_experiment_or_with_a_hidden_skew_are_refused():
    with pytest.raises(ParameterError, match=r"no section \[requests.experiment\]"):
        run_rfq_experiment("rfq")
    values = short().model_dump()
    values["changes"] = {"inventory_skew": 0.1}
    with pytest.raises(ParameterError, match="inventory_skew that is not among its trainable"):
        run_rfq_experiment(check_recipe(values))
