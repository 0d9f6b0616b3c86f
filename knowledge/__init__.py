"""What is true, as data and pure functions."""
