"""The order book market: traders who send orders to a limit order book."""
