"""The words in which files say the side and the status of a request."""

from __future__ import annotations

import re

import numpy as np

from simcal.data.cells import is_missing, parse_number
from simcal.data.requests.status import Status
from simcal.data.table import Cells, Place
from simcal.errors import DataError

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
    sides = [_side(cell) for cell in cells]
    if None not in sides:
        return np.array(sides, dtype=np.int8)
    i = sides.index(None)
    cell = list(cells)[i]
    if is_missing(cell):
        raise DataError(f"{place(i)} has no side in '{name}'. Write B where the client buys and S where it sells.")
    raise DataError(
        f"{place(i)} has {str(cell)!r} in '{name}', which is no known side. Write B (or buy, 1) where the client buys "
        "and S (or sell, -1) where the client sells."
    )


def to_statuses(cells: Cells, name: str, place: Place) -> np.ndarray:
    """`Status` codes, (rows,), from our names, common words, FIX 694 codes, or true and false."""
    statuses = [_status(cell) for cell in cells]
    if None not in statuses:
        return np.array(statuses, dtype=np.int8)
    i = statuses.index(None)
    cell = list(cells)[i]
    if is_missing(cell):
        raise DataError(f"{place(i)} has no status in '{name}'. Fill it, or remove the row.")
    if parse_number(cell) == 2.0 or _squeezed(cell) in _COUNTER:
        raise DataError(
            f"{place(i)} has {str(cell)!r} in '{name}': a counter-offer is not the end of a request. Give the status "
            "with which it ended."
        )
    raise DataError(
        f"{place(i)} has {str(cell)!r} in '{name}', which is no known status. Write "
        f"{', '.join(code.name for code in Status)}, a code of FIX tag 694, or true and false for done and lost."
    )


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
