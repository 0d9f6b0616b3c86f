"""Forty-eight prompts for four experts, with graders that run the answers."""
