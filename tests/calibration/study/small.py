"""A recovery that takes a second: two parameters, short samples."""

from simcal.calibration.recipe import Recipe, check_recipe


def small_recipe(**changes) -> Recipe:
    values = {
        "name": "small",
        "market": "herding",
        "trainable": ["fundamental_sd", "chartist_sd"],
        "recovery": {
            "n_steps": 1200, "replications": 2, "simulated": 2, "weight_samples": 100, "bound_samples": 100,
            "block": 100, "candidates": 3, "searches": 1,
        },
        "game": {
            "statistics": "experiment", "loss": "wasserstein", "normalise": "standardise", "hidden": [],
            "window": 300, "windows_per_path": 4, "warm_up": 100, "batch": 24, "iterations": 12,
            "generator_rate": 0.03, "discriminator_rate": 0.02, "beta1": 0.5, "beta2": 0.9, "average_from": 0.5,
            "difference": 0.05,
        },
    }  # fmt: skip
    for path, value in changes.items():
        *rooms, name = path.split("__")
        place = values
        for room in rooms:
            place = place[room]
        place[name] = value
    return check_recipe(values)
