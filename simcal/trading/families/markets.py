"""Where a family may be played: the markets that a calibration may end in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simcal import models
from simcal.errors import ParameterError
from simcal.trading.orders.engine import RecordedPrices

STARTS = "starts"  # folder of a run with the market of each start that ended well


def markets_of_run(folder: str | Path) -> dict[str, Any]:
    """The calibrated market of each start that ended well, by name: ``start-0``, ...

    A run that kept the chosen one alone has one market, named like its folder. (Playing the calibration again into the
    same folder continues its checkpoints at their end and so writes the starts within seconds.)
    """
    folder = Path(folder)
    files = {file.stem: file for file in (folder / STARTS).glob("start-*.toml")}
    kept = [name for number in _numbers(folder) if (name := f"start-{number}") in files]
    return {name: models.load(files[name]) for name in kept} if kept else {folder.name: models.load(folder)}


def markets_of(markets: Any) -> dict[str, Any]:
    """Markets by name, from whatever stands for one or several.

    Parameters
    ----------
    markets
        A market, what `simcal.load` takes, a run folder (all its starts; of ``FOLDER/market.toml`` the chosen one
        alone), prices (n_paths, n_times) of a simulator of one's own, a list of these, or a mapping from names to them.

    Raises
    ------
    ParameterError
        None, or one whose prices do not notice orders step by step (it has no ``stepper``).
    """
    listed = markets.items() if isinstance(markets, Mapping) else [(None, one) for one in several(markets)]
    found: dict[str, Any] = {}
    for label, one in listed:
        named = _one(one)
        for name, market in named.items():
            if not hasattr(market, "stepper"):
                kind = getattr(market, "kind", type(market).__name__)
                raise ParameterError(
                    f"There is no backtest of a family in a market of kind {kind!r}; give a stock market, such as "
                    "simcal.load('stock-sp500'), or the folder of a run that calibrated one."
                )
            wanted = name if label is None else str(label) if len(named) == 1 else f"{label} {name}"
            found[_free(wanted, found)] = market
    if not found:
        raise ParameterError("No market was given; give at least one, such as simcal.load('stock-sp500').")
    return found


def _numbers(folder: Path) -> list[int]:
    """The starts that the run's manifest lists; files of an earlier run into the same folder do not count."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return [int(start["start"]) for start in manifest["starts"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def several(markets: Any) -> list[Any]:
    """A list of one or several things."""
    return list(markets) if isinstance(markets, (list, tuple)) else [markets]


def _one(market: Any) -> dict[str, Any]:
    if isinstance(market, (str, Path)):
        folder = Path(market)
        if (folder / STARTS).is_dir():
            return markets_of_run(folder)
        return {folder.name.removesuffix(".toml") or str(market): models.load(market)}
    if isinstance(market, np.ndarray):
        return {"paths": RecordedPrices(market)}
    return {getattr(market, "kind", type(market).__name__): market}


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """The name, with a number where it is taken."""
    if name not in taken:
        return name
    return next(new for i in range(2, len(taken) + 3) if (new := f"{name} #{i}") not in taken)
