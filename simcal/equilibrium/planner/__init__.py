"""The equilibrium as a planner's problem: rates of least risk and cost; the multiplier of clearing is the price."""
