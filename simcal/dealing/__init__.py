"""What dealers measure from their requests for quotes: hit ratios, curves, distances, mark-outs, profit; no market.

`measure` does all of it; the others give one thing each.
"""

from simcal.dealing.curves import ends_by_margin, hit_curve
from simcal.dealing.distances import cover_distances, missed_by
from simcal.dealing.facts import DealingFacts, measure
from simcal.dealing.hits import hit_ratios, hit_ratios_by_group
from simcal.dealing.markouts import mark_outs
from simcal.dealing.profit import inventory_carry, profit_and_loss, spread_captured
from simcal.dealing.report import write_dealing_report

__all__ = [
    "DealingFacts",
    "cover_distances",
    "ends_by_margin",
    "hit_curve",
    "hit_ratios",
    "hit_ratios_by_group",
    "inventory_carry",
    "mark_outs",
    "measure",
    "missed_by",
    "profit_and_loss",
    "spread_captured",
    "write_dealing_report",
]
