"""The `context` server: what agents know and leave for each other, and its command line."""
