"""Routing: who should answer a prompt, and where."""
