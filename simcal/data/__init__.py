"""Price series and request tables: named ones, files in the usual shapes, all checked at the door."""

from simcal.data.catalogue import CatalogueEntry, RequestEntry, catalogue, request_catalogue
from simcal.data.load import MINIMUM_PRICES, load_series
from simcal.data.requests import Requests, Status, load_requests
from simcal.data.series import PriceSeries
from simcal.data.table import is_table_file, read_table

__all__ = [
    "MINIMUM_PRICES",
    "CatalogueEntry",
    "PriceSeries",
    "RequestEntry",
    "Requests",
    "Status",
    "catalogue",
    "is_table_file",
    "load_requests",
    "load_series",
    "read_table",
    "request_catalogue",
]
