"""The verb `backtest_family`: many strategies, several calibrated markets, and held-out prices as the judge."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from simcal.data import PriceSeries
from simcal.errors import NumericalWarning, ParameterError
from simcal.noise import check_integer, check_seed
from simcal.trading.backtest import BURN_IN
from simcal.trading.bands import Noise, check_level, check_number
from simcal.trading.families.family import family_of
from simcal.trading.families.markets import markets_of
from simcal.trading.families.places import (
    FamilyPlace,
    agreement_table,
    measures_of,
    place_of,
    places_table,
    selection_table,
    strategies_table,
)
from simcal.trading.families.prices import FEWEST, PEERS, RealPrices, peer_prices, split, without_skill
from simcal.trading.families.result import CALIBRATED, HELD_OUT, FamilyBacktest
from simcal.trading.orders import RecordedPrices, Strategy, Terms, recorded, terms_of

UNNOTICED, TRAINING = "calibrated, without impact", "training prices"
STEPS = 1000  # where there are no held-out prices whose length to take


def backtest_family(
    strategies: Any,
    markets: Any,
    prices: PriceSeries | str | Path | Any | None = None,
    *,
    train_share: float | None = None,
    drift: bool = True,
    n_paths: int = 200,
    n_steps: int | None = None,
    seed: int = 0,
    size: float = 0.0,
    execution: Literal["next", "last", "mid"] = "next",
    fixed_cost: float = 0.0,
    proportional_cost: float = 0.0,
    quadratic_cost: float = 0.0,
    burn_in: int = BURN_IN,
    periods_per_year: float | None = None,
    peers: Sequence[str] = PEERS,
    level: float = 0.95,
    risk_level: float = 0.95,
    progress: Callable[[int, int], None] | None = None,
) -> FamilyBacktest:
    """Test a family of strategies in several calibrated markets: how sure is what they show, and is it true outside?

    Each strategy trades alone, all of a market on the same noise. With real prices the family trades on their held-out
    part too, and the rank correlation of the two says whether the market knows which strategies are better. Beside it
    stand a backtest on the training prices, and paths of simple models of them.

    Parameters
    ----------
    strategies
        ``"standard"`` (32 of them), ``"trend"``, ``"reversion"``, a TOML file with a grid, or a list of what
        `simcal.backtest` takes, or of pairs of a name and options; see `simcal.trading.families.family_of`.
    markets
        A market, the folder of a run (all its starts), or a list or mapping of these; see
        `simcal.trading.families.markets_of`. Each counts alike, as one that the calibration may have ended in.
    prices
        The series that the market was calibrated to, or what `simcal.load_series` takes.
    train_share
        Share of the returns that was trained on; the rest is held out. By default the run's own, else 0.7.
    drift
        Whether real prices and simple models keep their drift, and markets with a ``growth`` theirs. Who buys more
        earns it, and other markets do not know it; without it what is left is timing.

    Other Parameters
    ----------------
    n_paths
        Paths of each market and each simple model.
    n_steps
        Steps of each path: as many as are held out, or 1000 without prices.
    seed
        Of the noise of all markets, of simple models and of resamples.
    size
        Traders of the model that one unit counts as. At 0, the default, prices do not notice the strategy, as real ones
        in a replay do not; above 0 the market is played without its impact also.
    execution, fixed_cost, proportional_cost, quadratic_cost
        As of `simcal.backtest`; everywhere alike. Money is in each place's own unit of price.
    burn_in
        Steps that strategies see before they trade; as many training prices before held-out ones.
    periods_per_year
        For the Sharpe ratio and the like; that of the prices, else 252.
    peers
        Simple models to compare with, names in `simcal.facts.BASELINES`.
    level, risk_level
        Of bands, and of value at risk.
    progress
        Called with (places done, places to do).

    Raises
    ------
    ParameterError
        An argument is not allowed, or a strategy misbehaves: then with the path, the step and the remedy.
    DataError
        The prices cannot be read, or are too few before or after the split.
    NumericalError
        No path of a market is usable.

    Warns
    -----
    NumericalWarning
        Some paths left the range of prices; they are left out and counted in the notes.

    Examples
    --------
    >>> import simcal
    >>> family = ["hold", "random", ("reversion", {"window": 5})]
    >>> result = simcal.backtest_family(family, "stock-sp500", n_paths=5, n_steps=40, burn_in=10)
    >>> sorted(result.table.index), result.agreement is None
    (['hold', 'random', 'reversion (window 5)'], True)
    """
    data = None if prices is None else split(prices, train_share, markets, burn_in, drift)
    if n_steps is None:
        n_steps = STEPS if data is None else data.n_held_out
    paths, steps = check_integer("n_paths", n_paths, 2, 2**31 - 1), check_integer("n_steps", n_steps, FEWEST, 2**31 - 1)
    noise = Noise(check_seed(seed), 0, paths, steps, check_integer("burn_in", burn_in, 0, 2**31 - 1))
    check_level("level", level)
    check_level("risk_level", risk_level)
    found = markets_of(markets)
    if not drift:
        found = {n: m.replace(growth=0.0) if getattr(m, "growth", 0.0) else m for n, m in found.items()}
    family = family_of(strategies, next(iter(found.values())), noise)
    terms = terms_of(
        size, 1, execution=execution, fixed=fixed_cost, proportional=proportional_cost, quadratic=quadratic_cost
    )  # fmt: skip
    per_year = 252.0 if data is None else data.periods_per_year
    if periods_per_year is not None:
        per_year = check_number("periods_per_year", periods_per_year, positive=True)
    rivals, names = {}, [s.name for s in family]
    if data is not None:
        length = noise.burn_in + steps
        rivals = {peer: peer_prices(peer, data.log_returns, paths, length, seed, drift=drift) for peer in peers}
    total = len(found) * (1 + (size > 0)) + (0 if data is None else 3 + len(peers))
    tour = _Tour(family, noise, terms, per_year, risk_level, lambda done: progress and progress(done, total))
    unnoticed, noticed = {}, {}
    for number, (name, market) in enumerate(found.items()):
        # Other paths for each market: what markets share would hide how much they differ by chance.
        given = isinstance(market, RecordedPrices)
        own = noise if given else replace(noise, first_path=number * paths)
        unnoticed[name] = tour.replayed(name, market if given else recorded(market, own))
        noticed[name] = unnoticed[name] if size == 0 else tour.played(name, market, own)
    places = {CALIBRATED: list(noticed.values())}
    if size > 0:
        places[UNNOTICED] = list(unnoticed.values())
    agreement, single = None, {}
    if data is not None:
        if len(found) > 1:
            places |= {name: [place] for name, place in noticed.items()}
        held_out = tour.replayed(HELD_OUT, RecordedPrices(data.held_out))
        single = {"training": tour.replayed(TRAINING, RecordedPrices(data.training)), "held_out": held_out}
        places[TRAINING] = [single["training"]]
        places |= {name: [tour.replayed(name, rival)] for name, rival in rivals.items()}
        lucky = without_skill(data.held_out, paths, seed, pinned=0 if drift else data.n_held_out)
        agreement = agreement_table(
            places, held_out, tour.replayed("no skill", lucky), names, level=level, seed=seed
        )  # fmt: skip
    measures = measures_of(places[CALIBRATED], names, level)
    n_failed = sum(place.n_failed for parts in places.values() for place in parts)
    notes = _notes(n_failed, size, data, steps, len(found))
    if n_failed:
        warnings.warn(notes[0], NumericalWarning, stacklevel=2)
    if data is not None:
        places[HELD_OUT] = [single["held_out"]]
    seen = places_table(places, names, level, seed)
    return FamilyBacktest(
        table=strategies_table(measures, names, seen, single),
        agreement=agreement,
        selection=selection_table(places, names, single.get("held_out"), level),
        places=seen,
        measures=measures,
        paths=_paths(places, names, set(noticed) if len(found) > 1 else set()),
        markets={name: market.to_dict() if hasattr(market, "to_dict") else {} for name, market in found.items()},
        settings={
            "n_strategies": len(names), "n_markets": len(found), "n_paths": paths, "n_steps": steps, "seed": seed,
            "burn_in": burn_in, "level": level, "risk_level": risk_level, "periods_per_year": per_year, "size": size,
            **{k: v for k, v in asdict(terms).items() if k != "sizes"}, **({} if data is None else data.described),
        },
        notes=tuple(notes),
    )  # fmt: skip


@dataclass
class _Tour:
    """Plays the family in one place after the other, and says how many it has seen."""

    family: Sequence[Strategy]
    noise: Noise
    terms: Terms
    periods_per_year: float
    risk_level: float
    told: Callable[[int], object]
    done: int = 0

    def replayed(self, name: str, prices: RecordedPrices) -> FamilyPlace:
        """All paths of given prices, to their end, which notice nobody."""
        n_paths, n_times = prices.prices.shape
        steps = n_times - 1 - self.noise.burn_in
        if steps < FEWEST:
            raise ParameterError(
                f"{name} has {n_times} prices, too few for a burn-in of {self.noise.burn_in} and {FEWEST} steps; give "
                "more prices or a shorter burn-in."
            )
        own = replace(self.noise, first_path=prices.first_path, n_paths=n_paths, n_steps=steps)
        return self.played(name, prices, own, frozen=True)

    def played(self, name: str, market: Any, noise: Noise, *, frozen: bool = False) -> FamilyPlace:
        """Prices that notice the strategy, unless they are frozen."""
        place = place_of(
            name, self.family, market, noise, self.terms, frozen=frozen, periods_per_year=self.periods_per_year,
            risk_level=self.risk_level,
        )  # fmt: skip
        self.done += 1
        self.told(self.done)
        return place


def _paths(places: Mapping[str, Sequence[FamilyPlace]], names: Sequence[str], repeated: set[str]) -> pd.DataFrame:
    """A row per place, strategy and path; markets that stand alone again are not repeated."""
    frames = [
        place.tables[j].assign(place=label, market=place.name, strategy=name)
        for label, parts in places.items()
        if label not in repeated
        for place in parts
        for j, name in enumerate(names)
    ]
    frame = pd.concat(frames, ignore_index=True)
    first = ["place", "market", "strategy", "path"]
    return frame.loc[:, first + [column for column in frame.columns if column not in first]]


def _notes(n_failed: int, size: float, data: RealPrices | None, n_steps: int, n_markets: int) -> list[str]:
    notes = []
    if n_failed:
        notes.append(
            f"{n_failed} paths are left out because their price left the range of usable numbers; give other "
            "parameters of the market, a smaller size, or fewer steps."
        )
    if n_markets == 1:
        notes.append(
            "There is one market, so that bands do not show how uncertain the calibration is; give a run with several "
            "starts, or runs on resampled data."
        )
    if data is not None:
        years = data.n_held_out / data.periods_per_year
        notes.append(
            f"{data.n_held_out} steps are held out. A Sharpe ratio a year then has a standard error of about "
            f"{1 / np.sqrt(years):.2g} by chance alone; the ceiling says how well a perfect market could rank the "
            "family."
        )
        if n_steps != data.n_held_out:
            notes.append(f"The ceiling is that of paths of {n_steps} steps.")
        if not data.described["drift"]:
            notes.append(
                "Training and held-out prices have lost their own drift, which makes trends in them look worse than "
                "they are: p, no skill takes that into account, the ceiling does not."
            )
        if size > 0:
            notes.append("Held-out prices are replayed and notice nobody, so that impact is in the market alone.")
    return notes
