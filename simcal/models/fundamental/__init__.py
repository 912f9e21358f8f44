"""A fundamental value that reverts to its mean with a Heston variance: what price markets may share."""
