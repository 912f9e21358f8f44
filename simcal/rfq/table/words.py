"""What a dealer is told about a request (FIX tag 694, QuoteRespType), and the words in which files say it."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import numpy as np

from simcal.data.cells import is_missing, parse_number
from simcal.data.table import Cells, Place
from simcal.errors import DataError


class Status(IntEnum):
    """How a request ended for the dealer whose table it stands in."""

    DONE = 0
    """The client traded with this dealer."""
    COVER = 1
    """Traded with another dealer, and this one had the second-best quote."""
    TRADED_AWAY = 2
    """Traded with another dealer."""
    NOT_TRADED = 3
    """The client traded with nobody."""
    TIED = 4
    """Traded with another dealer whose quote was the same, the best one."""
    TIED_COVER = 5
    """Traded with another dealer, and this one shared the second-best quote."""
    EXPIRED = 6
    """The request or the quote ran out of time."""
    PASS = 7
    """The dealer did not quote, or the client passed; nothing is learnt of the price."""
    LOST = 8
    """The client did not trade with this dealer; whether with another is not known (a column `won` says no more)."""


AWAY = (Status.COVER, Status.TRADED_AWAY, Status.TIED, Status.TIED_COVER)
"""The statuses that say that another dealer traded."""

QUOTED = (Status.DONE, *AWAY, Status.NOT_TRADED, Status.LOST)
"""The statuses of requests that were quoted to their end; only these count in a hit ratio."""

# Without spaces, signs and capitals. Numbers: +1 and -1, or FIX tag 54 (1 buy, 2 sell).
_BUYS = ("b", "buy", "buys", "bought", "buyer", "clientbuy", "clientbuys", "long", "bid", "lift", "offerwanted", "owic")
_SELLS = (
    "s", "sell", "sells", "sold", "seller", "clientsell", "clientsells", "short", "offer", "ask", "hit", "bidwanted",
    "bwic",
)  # fmt: skip
_SIDES = {**dict.fromkeys(_BUYS, 1), **dict.fromkeys(_SELLS, -1)}
_SIDE_NUMBERS = {1.0: 1, -1.0: -1, 2.0: -1}

_STATUSES: dict[str, Status] = {
    **{re.sub("_", "", code.name.lower()): code for code in Status},
    **dict.fromkeys(
        ("won", "win", "hit", "lift", "lifted", "hitlift", "hitorlift", "filled", "executed", "dealt", "accepted",
         "true", "yes", "y", "t", "w"), Status.DONE
    ),
    **dict.fromkeys(("covered", "secondbest"), Status.COVER),
    **dict.fromkeys(("away", "doneaway", "lostaway", "tradedelsewhere", "tradeaway", "dealtaway"), Status.TRADED_AWAY),
    **dict.fromkeys(
        ("notrade", "nothingdone", "nothingtraded", "didnottrade", "dnt", "untraded", "nottradedatall"),
        Status.NOT_TRADED,
    ),
    **dict.fromkeys(("tie", "tiedbest"), Status.TIED),
    **dict.fromkeys(("coveredtied", "tiecover", "covertied"), Status.TIED_COVER),
    **dict.fromkeys(("timedout", "timeout", "expire"), Status.EXPIRED),
    **dict.fromkeys(("passed", "noquote", "notquoted", "didnotquote", "declined", "nobid"), Status.PASS),
    **dict.fromkeys(
        ("lose", "loss", "missed", "notdone", "notwon", "endtrade", "false", "no", "n", "f", "l"), Status.LOST
    ),
}  # fmt: skip

# FIX tag 694 (QuoteRespType). 0 besides is a false `won`; 7 ends the talk without a trade with this dealer and says
# nothing of others; 2 is a counter-offer, which is no end.
_STATUS_NUMBERS = {
    0: Status.LOST, 1: Status.DONE, 3: Status.EXPIRED, 4: Status.COVER, 5: Status.TRADED_AWAY, 6: Status.PASS,
    7: Status.LOST, 8: Status.EXPIRED, 9: Status.TIED, 10: Status.TIED_COVER,
}  # fmt: skip
_COUNTER = ("counter", "counteroffer")


def to_sides(cells: Cells, name: str, place: Place) -> np.ndarray:
    """+1 where the client buys and -1 where the client sells, (rows,); the words are the client's."""
    remedy = "Write B where the client buys and S where it sells."
    unknown = (
        "which is no known side. Write B (or buy, 1) where the client buys and S (or sell, -1) where the client sells."
    )
    return _codes(cells, name, place, "side", _side, lambda cell: unknown, remedy)


def to_statuses(cells: Cells, name: str, place: Place) -> np.ndarray:
    """`Status` codes, (rows,), from our names, common words, FIX 694 codes, or true and false."""

    def unknown(cell: object) -> str:
        if parse_number(cell) == 2.0 or _squeezed(cell) in _COUNTER:
            return "a counter-offer is not the end of a request. Give the status with which it ended."
        names = ", ".join(code.name for code in Status)
        return f"which is no known status. Write {names}, a code of FIX tag 694, or true and false for done and lost."

    return _codes(cells, name, place, "status", _status, unknown, "Fill it, or remove the row.")


def _codes(
    cells: Cells, name: str, place: Place, what: str, read: Callable[[object], Any], unknown: Callable[[object], str],
    remedy: str,
) -> np.ndarray:  # fmt: skip
    """Each cell as a code, (rows,), int8; the first that is none is refused with its row."""
    codes = [read(cell) for cell in cells]
    if None in codes:
        i = codes.index(None)
        cell = list(cells)[i]
        if is_missing(cell):
            raise DataError(f"{place(i)} has no {what} in '{name}'. {remedy}")
        said = unknown(cell)
        raise DataError(f"{place(i)} has {str(cell)!r} in '{name}'{', ' if said.startswith('which') else ': '}{said}")
    return np.array(codes, dtype=np.int8)


def _side(cell: object) -> int | None:
    number = parse_number(cell)
    return _SIDES.get(_squeezed(cell)) if number is None else _SIDE_NUMBERS.get(number)


def _status(cell: object) -> Status | None:
    if isinstance(cell, Status):
        return cell
    if isinstance(cell, (bool, np.bool_)):
        return Status.DONE if cell else Status.LOST
    number = parse_number(cell)
    return _STATUSES.get(_squeezed(cell)) if number is None else _STATUS_NUMBERS.get(number)  # type: ignore[call-overload]


def _squeezed(cell: object) -> str:
    return re.sub(r"[^a-z]", "", str(cell).lower())
