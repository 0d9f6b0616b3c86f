"""The scratchpad server: short-lived working notes of agents."""
