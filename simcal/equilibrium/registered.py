"""What `simcal.load` says of the descriptions of this room, which are no markets as they stand."""

from simcal.models import Description

PROBLEM = Description(
    "This describes an equilibrium with trading costs, which is solved and not simulated as it stands: use "
    "`simcal solve` or simcal.solve(...)."
)
SOLUTION = Description(
    "This describes the market of a solution that was in memory, without what its agents do: solve the problem again, "
    "and make the market with simcal.equilibrium.to_market."
)
