"""The order book engine: compiled functions on the arrays of one book, to be called from other compiled loops.

A book is a `Book`, a named tuple of arrays: no trader, no random number, no price in currency is in it. Prices are
ticks 0 to n_ticks - 1, volumes whole shares, traders whole numbers, time a clock that `advance` moves by one. All costs
are linear in orders and do not grow with the book.

>>> from simcal.book import engine
>>> book = engine.new_book(n_ticks=1000, capacity=100)
>>> status, identity = engine.limit(book, engine.SELL, 500, 10, 0, engine.FOREVER)
>>> status, _ = engine.limit(book, engine.BUY, 501, 4, 1, engine.FOREVER)
>>> int(engine.n_fills(book)), int(book.fills[0]["tick"]), int(book.fills[0]["volume"])
(1, 500, 4)

Making books (Python)
    ``new_book(n_ticks, capacity, max_fills, n_traders, rule, self_trade, wheel)`` gives one,
    ``new_books(n_books, ...)`` a batch, whose arrays have an axis more in front.

Everything else is compiled and takes the book first:

=========================================================  ============================================================
``book_of(books, b)``                                      book b of a batch
``limit(book, side, tick, volume, trader, lifetime)``      -> status, identity
``market(book, side, volume, trader)``                     -> status, identity
``cancel(book, identity)``                                 -> status
``cancel_all(book, trader)``                               -> number of orders (with ``n_traders``)
``advance(book)``                                          the next step; -> number of orders that expired
``collect(book)``, ``trade(book)``                         sessions: orders only rest; orders trade (at the start)
``auction(book, reference)``                               -> status, tick, volume; call it between the two
``clearing_price(book, reference)``                        -> tick, volume, pairs: what an auction would do
``best_bid(book)``, ``best_ask(book)``                     -> tick or ``NO_TICK``; ``best(book, side)`` either
``next_level(book, side, tick)``                           -> the next tick with orders, away from the best
``volume_at(book, side, tick)``                            -> shares
``depth(book, side, ticks, volumes)``                      fills two arrays from the best outwards; -> levels
``first_at(book, side, tick)``                             -> slot; its order ``book.orders[slot]``; then ``.next``
``first_owned(book, trader)``                              -> slot; then ``.own_next`` (with ``n_traders``)
``slot_of(book, identity)``                                -> slot of a live order, or 0
``step_of``, ``last_tick``, ``n_fills``, ``n_live``        clock, last trade's tick, trades in the buffer, live orders
``is_crossed(book)``                                       -> whether resting orders could trade
``clear_fills(book)``, ``reset(book)``                     empties the buffer of trades; the whole book
``play(book, stream, begin, slots, statuses)``             plays an array of instructions; -> the row that comes next
``settle(fills, count, shares, cash, tick_size)``          books trades on the traders' accounts
=========================================================  ============================================================

- **Speed**: compile your own functions that take a book and allocate nothing with ``@njit(**engine.BORROWED)``. Without
  it Numba counts references to the book's arrays at every call, which costs several times what an order costs. Such a
  function returns no arrays and does not call ``book_of``, which does.
- **Batches**: take ``book_of(books, b)`` once per book, outside its loop over orders.
- **Trades** are the first ``n_fills(book)`` rows of ``book.fills`` (fields ``resting``, ``incoming``: identities;
  ``buyer``, ``seller``: traders; ``tick``, ``volume``, ``step``; ``side`` of the incoming order). The caller reads
  them and calls ``clear_fills``. A buffer as large as the capacity (as it is by default), emptied before each order,
  cannot overflow. Where it does, the status is ``FILLS_FULL``, what is not recorded has not traded, and the rest of
  the order is cancelled.
- **Priority** is price, then time. An identity is larger than all earlier ones, and one that is stale is refused.
- **Rules** (``rule``): ``EACH_LEVEL``, the standard of exchanges, where a pair trades at the price of its older order;
  ``ONE_PRICE``, where all pairs of a sweep trade at the price of the older order of the last pair.
- **Trades with oneself** (``self_trade``): ``ALLOW``; ``CANCEL_RESTING``, where the older order is cancelled and the
  newer goes on; ``CANCEL_INCOMING``, where what is left of the newer one is cancelled. An auction always allows them.
- **Lifetime**: an order sent at step s is alive at steps s to s + lifetime and removed by the ``advance`` that moves
  the clock to s + lifetime + 1. Prices are not told: who keeps a mid price decides whether expiry changes it.
- **Sessions**: after ``collect`` orders rest and the book may cross; market orders are refused (``NOT_TRADING``).
  Then an exchange calls ``auction`` and ``trade``. With ``trade`` alone, the crossed book trades with itself at the
  next order, by the book's rule: with ``ONE_PRICE`` that is an opening auction as well.
- **Statuses**: ``RESTING``, ``TRADED``, ``DROPPED``, ``CANCELLED``; negative ones refuse or cut short: ``BOOK_FULL``,
  ``FILLS_FULL``, ``UNKNOWN_ORDER``, ``BAD_SIDE``, ``BAD_TICK``, ``BAD_VOLUME``, ``BAD_TRADER``, ``NOT_TRADING``.
"""

# ruff: noqa: F401, I001 (names by idea, not one to a line)
from simcal.book.engine.layout import ALLOW, CANCEL_INCOMING, CANCEL_RESTING, EACH_LEVEL, ONE_PRICE
from simcal.book.engine.layout import BORROWED, BUY, FILL, FOREVER, NO_TICK, OPTIONS, SELL, SLOT_BITS
from simcal.book.engine.layout import CANCELLED, DROPPED, RESTING, TRADED
from simcal.book.engine.layout import BAD_SIDE, BAD_TICK, BAD_TRADER, BAD_VOLUME
from simcal.book.engine.layout import BOOK_FULL, FILLS_FULL, NOT_TRADING, UNKNOWN_ORDER
from simcal.book.engine.layout import Book, book_of, new_book, new_books
from simcal.book.engine.levels import best, best_ask, best_bid, depth, first_at, first_owned, next_level, volume_at
from simcal.book.engine.levels import last_tick, n_fills, n_live, step_of
from simcal.book.engine.orders import advance, cancel, cancel_all, clear_fills, collect, is_crossed, limit, market
from simcal.book.engine.orders import reset, slot_of, trade
from simcal.book.engine.auction import INSTRUCTION, auction, clearing_price, play, settle
