"""Price series: named ones, files in the usual shapes, all checked at the door."""

from simcal.data.catalogue import CatalogueEntry, RequestEntry, catalogue, request_catalogue
from simcal.data.checks import MINIMUM_PRICES
from simcal.data.load import load_series
from simcal.data.series import PriceSeries

__all__ = [
    "MINIMUM_PRICES",
    "CatalogueEntry",
    "PriceSeries",
    "RequestEntry",
    "catalogue",
    "load_series",
    "request_catalogue",
]
