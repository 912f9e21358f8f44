"""Traders with preferences of their own who learn one shared policy in an order-book market."""
