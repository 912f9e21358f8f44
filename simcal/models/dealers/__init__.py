"""The dealer market: requests for quotes, clients with a reserve price, dealers who quote around the mid."""

from simcal.models.dealers.market import RfqMarket as RfqMarket
