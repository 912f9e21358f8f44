"""Synthetic results of every kind that the report draws, and every figure drawn from them."""

import numpy as np
import pandas as pd

import simcal.report as report

N = 1000
DATES = pd.bdate_range("2010-01-01", periods=N + 1)


def returns(n_paths: int, n: int = N, seed: int = 0) -> np.ndarray:
    """Log returns with clustered volatility and heavy tails, shape (n_paths, n)."""
    rng = np.random.default_rng(seed)
    variance, out = np.ones(n_paths), np.empty((n_paths, n))
    for t in range(n):
        out[:, t] = np.sqrt(variance) * rng.standard_t(6, n_paths) * np.sqrt(4 / 6)
        variance = 0.02 + 0.09 * out[:, t] ** 2 + 0.89 * variance
    return 0.01 * out


def prices(r: np.ndarray) -> np.ndarray:
    return 50.0 * np.exp(np.concatenate([np.zeros((*r.shape[:-1], 1)), np.cumsum(r, axis=-1)], axis=-1))


def facts() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    names = ["standard deviation", "excess kurtosis", "Hill index of |r|", "autocorrelation of |r|, lag 1"]
    names += [f"autocorrelation of |r|, lag {lag}" for lag in (5, 10, 25, 50, 100)] + ["leverage, lags 1 to 10"]
    value = np.array([1.2, 8.2, 2.93, 0.24, 0.33, 0.29, 0.22, 0.17, 0.12, -22.0])
    error = np.abs(value) * 0.25
    simulated = value + error * rng.normal(0, 2.2, value.size)
    simulated[1] = 60.0
    return pd.DataFrame(
        {
            "label": names,
            "unit": ["%", *[""] * (len(names) - 1)],
            "data": value,
            "low": value - 1.96 * error,
            "high": value + 1.96 * error,
            "simulated": simulated,
            "simulated_low": simulated - error,
            "simulated_high": simulated + error,
        }
    )


def ladder() -> pd.DataFrame:
    auc = {"real (odd against even windows)": 0.47, "block bootstrap": 0.52, "simulated": 0.79, "GJR-GARCH-t": 0.83}
    frame = pd.DataFrame(index=pd.Index(auc, name="series"))
    for classifier, shift in (("logistic", 0.0), ("forest", 0.02)):
        frame[f"{classifier}_auc"] = pd.Series(auc) + shift
        frame[f"{classifier}_low"] = frame[f"{classifier}_auc"] - 0.08
        frame[f"{classifier}_high"] = (frame[f"{classifier}_auc"] + 0.08).clip(upper=1.0)
    return frame.assign(n_real=20)


def history(starts: int = 3) -> pd.DataFrame:
    rng, iteration, truth = np.random.default_rng(1), np.arange(0, 2000, 10), {"b": 1.0, "c": 1.0, "d": 0.5}
    frames = []
    for start in range(1, starts + 1):
        frame = pd.DataFrame({"start": start, "iteration": iteration})
        for name, value in truth.items():
            decay = np.exp(-iteration / rng.uniform(80, 500))
            frame[name] = value + (rng.normal() - value) * decay + 0.02 * rng.standard_normal(iteration.size)
        noise = 0.03 * rng.standard_normal((2, iteration.size))
        frame["discriminator_loss"] = 1.386 - 0.5 * np.exp(-iteration / 300) + noise[0]
        frame["generator_loss"] = 0.693 + 0.6 * np.exp(-iteration / 300) + noise[1]
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def errors() -> tuple[pd.DataFrame, dict[str, float]]:
    rng, bound = np.random.default_rng(2), {"|b|": 0.028, "|c|": 0.157, "d": 0.0092}
    frames = [
        pd.DataFrame({name: scale * factor * rng.standard_normal(20) for name, scale in bound.items()}).assign(
            recipe=recipe
        )
        for recipe, factor in (("ours", 1.1), ("the paper's", 3.0))
    ]
    return pd.concat(frames, ignore_index=True), bound


def drawings() -> dict:
    """Every figure function once, by name."""
    real, simulated = returns(1, seed=5)[0], returns(60)
    gaussian = 0.01 * np.random.default_rng(9).standard_normal((40, N))
    rng = np.random.default_rng(4)
    table, bound = errors()
    noisy = prices(real[:50])
    truth = {"b": 1.0, "c": 1.0, "d": 0.5}
    demand = {g: rng.uniform(-k, k, (50, k)) for g, k in (("noise", 7), ("technical", 5), ("fundamental", 3))}
    return {
        "price paths": report.plot_price_paths(prices(simulated), prices(real), dates=DATES),
        "log returns": report.plot_log_returns({"real": real, "simulated": simulated[0]}, dates=DATES[1:]),
        "tails": report.plot_tails(real, simulated, baselines={"iid Gaussian": gaussian}),
        "autocorrelation of returns": report.plot_autocorrelation(real, simulated, of="returns"),
        "autocorrelation": report.plot_autocorrelation(real, simulated, baselines={"iid Gaussian": gaussian}),
        "fact bands": report.plot_fact_bands(facts()),
        "ladder": report.plot_ladder(ladder()),
        "parameters": report.plot_parameters(history(), ["b", "c", "d"], truth=truth),
        "parameters of one start": report.plot_parameters(history(1), ["b", "c", "d", "generator_loss"]),
        "convergence": report.plot_convergence(history(), ["b", "c", "d"], truth),
        "losses": report.plot_losses(history(), chosen=1500),
        "errors against bound": report.plot_errors_against_bound(table, bound),
        "path with demand": report.plot_path_with_demand(noisy, demand),
        "path with summed demand": report.plot_path_with_demand(
            noisy, {g: q.sum(1) for g, q in demand.items()}, fundamental=noisy + 1
        ),
        "same noise": report.plot_same_noise(noisy, noisy * 1.004, limit=0.015),
    }


def write_sample(path) -> None:
    """A whole report with every figure, as a run would write it."""
    table = facts()
    verdict = table[["label", "data", "low", "high", "simulated"]].assign(
        inside=table["simulated"].between(table["low"], table["high"])
    )
    figures = [
        report.Picture(drawing, f"Figure of the {name}: a sentence that says what is to be seen.")
        for name, drawing in drawings().items()
    ]
    sections = [
        report.Section(
            "What was found",
            [
                "The fit is <good> & honest.",
                "A second paragraph.",
            ],
        ),
        report.Section(
            "Facts",
            ["Each fact with its band."],
            [report.Table(verdict, "Stylised facts, band by block bootstrap")],
            figures[5:7],
        ),
        report.Section("Prices and returns", figures=figures[:5]),
        report.Section("Training", figures=figures[7:12]),
        report.Section("The experiment", figures=figures[12:]),
    ]
    report.write_report(
        path,
        "A market calibrated on the S&P 500",
        sections,
        subtitle="Synthetic example of the report.",
        key_numbers={
            "facts inside their band": "7 of 10",
            "AUC": 0.7912,
            "iterations": 2000,
            "AUC no worse than GJR-GARCH-t": True,
            "two thirds of the facts": False,
            "time": "42 s",
        },
        provenance={"seed": 0, "simcal": "0.1.0", "data": "4a860b52" * 8},
    )
