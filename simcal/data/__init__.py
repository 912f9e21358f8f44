"""Price series: named ones, files in the usual shapes, all checked at the door."""

from simcal.data.catalogue import CatalogueEntry, RequestEntry, catalogue, request_catalogue
from simcal.data.load import MINIMUM_PRICES, load_series
from simcal.data.series import PriceSeries
from simcal.data.table import is_table_file, read_table

__all__ = [
    "MINIMUM_PRICES",
    "CatalogueEntry",
    "PriceSeries",
    "RequestEntry",
    "catalogue",
    "is_table_file",
    "load_series",
    "read_table",
    "request_catalogue",
]
