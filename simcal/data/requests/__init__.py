"""Request tables: one dealer's requests for quotes, from files of any naming, checked row by row."""

from simcal.data.requests.columns import looks_like_requests, parse_map
from simcal.data.requests.load import load_requests
from simcal.data.requests.status import AWAY, QUOTED, Status
from simcal.data.requests.table import Requests

__all__ = ["AWAY", "QUOTED", "Requests", "Status", "load_requests", "looks_like_requests", "parse_map"]
