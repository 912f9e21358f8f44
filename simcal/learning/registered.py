"""What `simcal.load` says of a market whose traders must learn first, and how it reads the folder where they did."""

from pathlib import Path

from simcal.models import Description, Market


def _learned(folder: Path) -> Market:
    from simcal.learning.learned import load_learned

    return load_learned(folder)


LEARNING = Description(
    "This describes a market whose traders must learn before it can be simulated: use `simcal train` or "
    "simcal.learning.train(...).",
    _learned,
)
LEARNED = Description(
    "This describes a market of traders who have learned, without what they learned; give the folder of their training."
)
