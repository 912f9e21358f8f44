"""Request tables: one dealer's requests for quotes, from files of any naming, checked row by row."""

from simcal.rfq.table.columns import looks_like_requests, parse_map
from simcal.rfq.table.load import load_requests
from simcal.rfq.table.requests import Requests
from simcal.rfq.table.words import AWAY, QUOTED, Status

__all__ = ["AWAY", "QUOTED", "Requests", "Status", "load_requests", "looks_like_requests", "parse_map"]
