"""The order book market: one limit order book, its engine, and traders by rule who meet in it.

`BookMarket` is the market that all verbs take, `OrderBook` a book to send orders to by hand, `simcal.book.engine` the
compiled functions that both stand on, for other compiled loops.
"""

from simcal.book.episodes import LAGS as LAGS
from simcal.book.episodes import clock_closes as clock_closes
from simcal.book.episodes import episode_statistics as episode_statistics
from simcal.book.episodes import size_autocorrelation as size_autocorrelation
from simcal.book.episodes import trade_time_closes as trade_time_closes
from simcal.book.episodes import z_scores as z_scores
from simcal.book.market import BookMarket as BookMarket
from simcal.book.order_book import OrderBook as OrderBook
from simcal.book.order_book import Receipt as Receipt
from simcal.fields import check_fields as check_fields
from simcal.fields import parameter as parameter
from simcal.fields import parameters_of as parameters_of
