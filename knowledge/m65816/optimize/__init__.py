"""The optimiser: rewrites that are proposed by rules and search, and accepted only by comparison."""
