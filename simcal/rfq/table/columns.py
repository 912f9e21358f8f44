"""Which column of a file holds what: our names, the usual other ones, and the user's own map."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from simcal.data.table import Table
from simcal.errors import DataError, ParameterError

HORIZON = r"[0-9]+[a-z]*|close|eod"
"""How the horizon of a later mid is written: 30s, 5m, 1d; a number alone counts requests; close and eod end the day."""

REQUIRED = ("side", "n_dealers", "bid", "ask", "quote", "status")
"""Columns without which a file is no request table."""

GROUPS = ("instrument", "client_tier", "client_id", "currency", "platform", "rating")
"""Groups that have columns of their own name; others are called group_<name>."""

MOST_RIVALS = 8

# Our name -> other names for it, without spaces, signs and capitals; the first that a file has counts.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "rfq_id": ("requestid", "quotereqid", "quoterequestid", "inquiryid", "enquiryid", "rfqno", "rfqnumber", "id"),
    "timestamp": ("datetime", "requesttime", "transacttime", "tradetime", "createdat", "time", "date"),
    "instrument": ("isin", "cusip", "figi", "symbol", "security", "securityid", "bond", "bondid", "ticker", "ric"),
    "client_tier": ("tier", "clientclass", "clientsegment", "clienttype", "segment"),
    "client_id": ("client", "clientname", "counterparty", "customer", "customerid"),
    "currency": ("ccy", "tradeccy"),
    "platform": ("venue",),
    "rating": ("creditrating",),
    "side": ("clientside", "sideclient", "direction", "clientdirection", "buysell", "bs", "verb", "way"),
    "dealer_side": ("sidedealer", "ourside", "dealerdirection"),
    "notional": (
        "size", "quantity", "qty", "orderqty", "tradequantity", "amount", "nominal", "facevalue", "notionalamount",
        "volume", "vol", "volmm", "notionalmm", "sizemm",
    ),
    "n_dealers": (
        "numdealers", "numberofdealers", "nodealers", "dealers", "dealercount", "dealersasked", "dealersinquiry",
        "panelsize", "rfqpanelsize", "panel", "ndealersasked", "numberdealers",
    ),
    "bid": ("compositebid", "bidcomposite", "cbbtbid", "bidcbbt", "cpbid", "bestbid", "marketbid", "bidprice", "bidpx"),
    "ask": (
        "offer", "compositeask", "askcomposite", "compositeoffer", "cbbtask", "askcbbt", "cbbtoffer", "cpask",
        "bestask", "bestoffer", "marketask", "marketoffer", "askprice", "offerprice", "askpx", "offerpx",
    ),
    "quote": (
        "ownquote", "quoteown", "ourquote", "myquote", "dealerquote", "quoteprice", "quotedprice", "quotepx", "quoted",
        "ownprice", "ourprice", "allinrate", "price", "px",
    ),
    "status": (
        "outcome", "rfqstatus", "quotestatus", "tradestatus", "quoteresptype", "responsetype", "result", "state",
        "won", "iswon", "win", "iswin", "iswinner", "done", "isdone",
    ),
    "cover_price": ("cover", "coverpx", "coverquote", "pricecover", "secondbest", "secondbestprice", "secondbestquote"),
    "traded_price": (
        "tradeprice", "tradepx", "tradedpx", "priceshown", "dealtprice", "dealprice", "executedprice",
        "executionprice", "execprice", "winningprice", "winningquote", "lastpx",
    ),
    "inventory_before": ("inventory", "position", "positionbefore", "inventorybefore", "inventoryatrequest"),
}  # fmt: skip


def find_columns(table: Table, mapping: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our name -> the file's name, for each column that is there; what is in no way ours is left out.

    Parameters
    ----------
    mapping
        Our name -> the file's, for those that the names do not tell; it goes before them.

    Raises
    ------
    DataError
        A mapped column or a required one is not there, or two columns have the same name but for capitals or spaces.
    ParameterError
        The mapping names something that is no column of ours.
    """
    named = isinstance(mapping, Mapping) and all(isinstance(x, str) for pair in mapping.items() for x in pair)
    if not (mapping is None or named):
        raise ParameterError(
            f"The map is {mapping!r:.80}. Give a mapping of our names to the file's: {{'quote': 'price'}}."
        )
    given = {_ours(ours, theirs, table): _theirs(table, ours, theirs) for ours, theirs in (mapping or {}).items()}
    doubled = next((theirs for theirs in given.values() if list(given.values()).count(theirs) > 1), None)
    if doubled is not None or {"side", "dealer_side"} <= given.keys():
        what = "both side and dealer_side" if doubled is None else f"two meanings to the column '{doubled}'"
        raise ParameterError(f"The map gives {what}. Give one.")
    free: dict[str, str] = {}
    for name in table.columns:
        if name in given.values() or not squeezed(name):
            continue
        if squeezed(name) in free:
            raise DataError(
                f"{table.source} has the columns '{free[squeezed(name)]}' and '{name}', which differ only in capitals, "
                "spaces or signs. Rename or remove one of them."
            )
        free[squeezed(name)] = name
    found = dict(given)
    for ours, synonyms in _SYNONYMS.items():
        theirs = next((free[key] for key in (squeezed(ours), *synonyms) if key in free), None)
        if ours not in found and theirs is not None:
            found[ours] = theirs
    for key, theirs in free.items():
        ours = _patterned(key, theirs)
        if ours is not None and theirs not in found.values():
            found.setdefault(ours, theirs)
    if "dealer_side" in found and "side" in found and "dealer_side" not in given:
        del found["dealer_side"]
    return found


def require_columns(table: Table, found: Mapping[str, str]) -> None:
    """Refuse a table that lacks a required column, naming what it has and how to map it."""
    missing = [name for name in REQUIRED if name not in found and not (name == "side" and "dealer_side" in found)]
    if not missing:
        return
    unused = [name for name in table.columns if name not in found.values()]
    left = f"its columns {_listed(unused)} have no meaning yet" if unused else "all its columns have another meaning"
    raise DataError(
        f"{table.source} has no column for {_listed(missing)}; {left}. Rename the columns, or say which is which by a "
        f"map of the form ours=theirs, such as {missing[0]}={unused[0] if unused else 'Their Name'}."
    )


def looks_like_requests(table: Table) -> bool:
    """Whether the names say that this is a request table rather than a price series."""
    try:
        found = find_columns(table)
    except DataError:
        return False
    known = found.keys() & {*REQUIRED, "dealer_side"}
    return len(known) >= 4 or ({"quote", "status"} < known and bool(known & {"side", "dealer_side", "n_dealers"}))


def parse_map(texts: Iterable[str]) -> dict[str, str]:
    """Our name -> theirs from texts such as ``quote=price,status=won``, each with one or more pairs.

    Raises
    ------
    ParameterError
        A pair is not of the form ours=theirs, or one of ours stands twice.
    """
    mapping: dict[str, str] = {}
    for text in texts:
        for pair in re.split(r",(?=[^,]*=)", text):
            ours, equals, theirs = (part.strip() for part in pair.partition("="))
            if not (ours and equals and theirs):
                raise ParameterError(
                    f"The map '{text}' is not understood. Write ours=theirs, with commas between the pairs: "
                    "quote=price,status=won."
                )
            if ours in mapping:
                raise ParameterError(f"The map gives two columns for '{ours}'. Give one.")
            mapping[ours] = theirs
    return mapping


def group_column(name: str) -> str:
    """The column in which a group is written."""
    return name if name in GROUPS else f"group_{name}"


def squeezed(name: str) -> str:
    """A name without capitals, spaces and signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _patterned(key: str, written: str) -> str | None:
    """Our name for a later mid, a rival's quote or a group of the user's own; None where it is none of these."""
    if mid := re.fullmatch(rf"mid(?:after|plus)?({HORIZON})", key):
        return f"mid_{mid[1]}"
    if rival := re.fullmatch(rf"(?:rival|dealer)?quote(?:dealer|rival)?([1-{MOST_RIVALS}])", key):
        return f"quote_{rival[1]}"
    if group := re.fullmatch(r"group[\s_\-.]+(.*\S)\s*", written.strip().lower()):
        return "group_" + re.sub(r"[^a-z0-9]+", "_", group[1]).strip("_")
    return None


def _known(name: str) -> str | None:
    """One of our names in whatever case and with whatever signs it is given; None where there is none such."""
    exact = next((ours for ours in _SYNONYMS if squeezed(ours) == squeezed(name)), None)
    return exact or _patterned(squeezed(name), name)


def _ours(ours: str, theirs: str, table: Table) -> str:
    known = _known(ours)
    if known is not None:
        return known
    if squeezed(ours) in map(squeezed, table.columns) and _known(theirs) is not None:
        raise ParameterError(
            f"'{ours}' is a column of {table.source} and '{theirs}' one of ours. A map is written ours=theirs: "
            f"{theirs}={ours}."
        )
    close = difflib.get_close_matches(ours.strip().lower(), list(_SYNONYMS), n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    raise ParameterError(
        f"'{ours}' is no column of a request table.{hint} There are {_listed(_SYNONYMS)}, mid_1m and the like, quote_1 "
        f"to quote_{MOST_RIVALS}, and group_ with a name of your own."
    )


def _theirs(table: Table, ours: str, theirs: str) -> str:
    if theirs in table.columns:
        return theirs
    same = [name for name in table.columns if squeezed(name) == squeezed(theirs)]
    if len(same) == 1:
        return same[0]
    close = difflib.get_close_matches(theirs, list(table.columns), n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    raise DataError(f"{table.source} has no column '{theirs}' for {ours}; it has {_listed(table.columns)}.{hint}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
