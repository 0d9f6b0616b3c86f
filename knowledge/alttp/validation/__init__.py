"""Checks of what a text says about the game, the console and the 65816, each against a fact."""
