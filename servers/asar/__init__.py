"""The asar server: assemble code, and prove, refute, count, explain and optimise it by running it."""
