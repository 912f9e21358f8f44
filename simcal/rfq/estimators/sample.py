"""What the estimators read of a request table: reduced values, and for each request the event that was observed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any, Literal

import numpy as np

from simcal.errors import DataError
from simcal.rfq.table import AWAY, QUOTED, Requests, Status

View = Literal["own", "platform"]


class Event(IntEnum):
    """What the dealer learned about one request; `..._AT` where the quote that traded was told too."""

    DONE = 0  # it traded, and was told no cover
    DONE_COVER = 1  # it traded, and was told the best rival's quote
    AWAY = 2  # a rival traded
    AWAY_AT = 3
    SECOND = 4  # a rival traded, and the own quote was the second best
    SECOND_AT = 5
    BEHIND = 6  # a rival traded, and another one too was better than the own quote
    BEHIND_AT = 7
    SHARED = 8  # a rival traded, and the own quote tied with another rival's for the second place
    NOT_TRADED = 9  # the client traded with nobody
    LOST = 10  # the own dealer did not trade


@dataclass(frozen=True, eq=False)
class Sample:
    """Requests that were quoted to their end, in reduced values (half spreads on the dealer's side of the mid).

    Attributes
    ----------
    margin
        The own dealer's quote, (n,).
    rivals
        Other dealers asked (on a platform: that quoted), (n,).
    event
        `Event` codes, (n,).
    other
        The rival's quote that was told with the event, (n,); NaN where none was.
    side, size
        +1 where the client buys, -1 where it sells, and how much, (n,).
    quotes
        All rivals' quotes where the platform is seen, (n, most rivals), NaN where there is none; None otherwise.
    """

    margin: np.ndarray
    rivals: np.ndarray
    event: np.ndarray
    other: np.ndarray
    side: np.ndarray
    size: np.ndarray
    quotes: np.ndarray | None = None

    @property
    def n(self) -> int:
        """Number of requests."""
        return self.margin.size

    @property
    def done(self) -> np.ndarray:
        """Which requests the own dealer traded, (n,)."""
        return self.event <= Event.DONE_COVER

    @property
    def away(self) -> np.ndarray:
        """Which requests a rival traded, (n,)."""
        return (self.event >= Event.AWAY) & (self.event <= Event.SHARED)

    @property
    def outcome_known(self) -> np.ndarray:
        """Of which requests it is known whether the client traded at all, (n,)."""
        return self.event != Event.LOST

    @property
    def best_rival(self) -> np.ndarray:
        """The best of the rivals' quotes where the platform is seen, NaN where there is none, (n,)."""
        assert self.quotes is not None
        return np.fmin.reduce(self.quotes, axis=1, initial=np.nan)

    @property
    def ordered(self) -> np.ndarray:
        """All quotes where the platform is seen, the own one among them, the best first and NaN last."""
        assert self.quotes is not None
        return np.sort(np.column_stack([self.margin, self.quotes]), axis=1)

    def take(self, rows: np.ndarray) -> Sample:
        """Some of the requests."""
        columns: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        taken: dict[str, Any] = {name: None if x is None else x[rows] for name, x in columns.items()}
        return Sample(**taken)

    def statuses_only(self) -> Sample:
        """The same requests with nothing known but done, away and not traded."""
        event = np.select([self.done, self.away], [Event.DONE, Event.AWAY], self.event)
        return replace(self, event=event, other=np.full(self.n, np.nan), quotes=None)


def sample_of(
    requests: Requests, *, view: View = "own", covers: bool = True, traded_prices: bool = True, ranks: bool = True
) -> Sample:
    """The sample that a request table holds.

    A table that never says COVER does not tell the second place from the others: all its requests that were traded
    away are one event. TIED says that a rival's quote was equal to the own one and the best: that is its price.
    Requests that expired or were passed are left out. The view "platform" also takes all rivals' quotes; `covers`,
    `traded_prices` and `ranks` say whether to use the cover prices, the prices of trades with rivals, and the second
    places that the table tells. `DataError` where nothing was quoted to its end, or a platform's quotes are missing.
    """
    rows = np.isin(requests.status, QUOTED)
    if not rows.any():
        raise DataError(
            f"The table {requests.name} holds no request that was quoted to its end; it needs requests with a quote "
            f"and one of the statuses {', '.join(status.name for status in QUOTED)}."
        )
    status, margin = requests.status[rows], requests.margin[rows]
    rivals = requests.n_dealers[rows] - 1
    quotes = None
    if view == "platform":
        if requests.quotes is None or requests.quotes.shape[1] < 2:
            raise DataError(
                f"The table {requests.name} has no quotes of other dealers, so it cannot be read as a platform's; give "
                "columns quote_1, quote_2, ..., or use the view 'own'."
            )
        quotes = np.stack([requests.reduced(q)[rows] for q in requests.quotes.T[1:]], axis=1)
        rivals = np.sum(np.isfinite(quotes), axis=1)
        # Who lost with the best quote lost to nobody.
        alone = (status == Status.LOST) & ~(np.fmin.reduce(quotes, axis=1) <= margin)
        status = np.where(alone, Status.NOT_TRADED, status)
    cover = requests.reduced(requests.cover_price)[rows]
    traded = requests.reduced(requests.traded_price)[rows]
    told = np.isfinite(traded) & (traded < margin) & traded_prices
    away = np.isin(status, AWAY)
    ranked = ranks and bool(np.isin(status, (Status.COVER, Status.TIED_COVER)).any())
    several = away & (rivals > 1) & ranked  # with one rival, the own quote is always the second
    second = several & np.isin(status, (Status.COVER, Status.TIED_COVER))
    events = {  # the first that holds
        Event.DONE_COVER: (status == Status.DONE) & np.isfinite(cover) & covers & (rivals > 0),
        Event.DONE: status == Status.DONE,
        Event.NOT_TRADED: status == Status.NOT_TRADED,
        Event.LOST: status == Status.LOST,
        Event.AWAY_AT: (status == Status.TIED) | (told & ~several),
        Event.SHARED: second & (status == Status.TIED_COVER),
        Event.SECOND_AT: second & told,
        Event.SECOND: second,
        Event.BEHIND_AT: several & told,
        Event.BEHIND: several,
    }
    event = np.select(list(events.values()), list(events), Event.AWAY)
    other = np.select(
        [event == Event.DONE_COVER, status == Status.TIED, np.isin(event, _PRICED)], [cover, margin, traded], np.nan
    )
    return Sample(margin, rivals, event, other, requests.side[rows].astype(float), requests.size[rows], quotes)


_PRICED = (Event.AWAY_AT, Event.SECOND_AT, Event.BEHIND_AT)
