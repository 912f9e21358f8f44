"""The stock market: noise, technical and fundamental traders around a Heston fundamental value."""

from simcal.models.stock.market import StockMarket as StockMarket
