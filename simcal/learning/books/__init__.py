"""The order-book market of learning traders, one step at a time and many episodes side by side: `BookBatch`."""

from simcal.learning.books.batch import BookBatch as BookBatch
