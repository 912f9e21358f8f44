"""Request tables: one dealer's requests for quotes, from files of any naming, checked row by row."""

from simcal.data.requests.status import AWAY, QUOTED, Status
from simcal.data.requests.table import Requests

__all__ = ["AWAY", "QUOTED", "Requests", "Status"]
