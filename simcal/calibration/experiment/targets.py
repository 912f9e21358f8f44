"""What an experiment is judged by."""

OURS, PLAIN = "ours", "plain"
#: the signals that these weigh are symmetric: with the sign of one changed, the market has the same law
UP_TO_SIGN = ("public_weight", "private_weight")
YARDSTICK = "experiment"  # the statistics whose efficient standard errors the estimates are judged by
LOST = 5.0  # standard errors
TARGET_RATIO = 1.25  # root mean square error in units of the bound
TARGET_SECONDS, TARGET_ITERATIONS = 60.0, 2000
TARGET_PATH_ERROR = 0.015  # of the price, throughout a path
