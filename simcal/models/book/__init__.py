"""The order book market: traders who send orders to a limit order book."""

from simcal.models.book.market import BookMarket as BookMarket
from simcal.models.book.order_book import OrderBook as OrderBook
from simcal.models.book.order_book import Receipt as Receipt
