"""Runners of MCP agents side by side: one scripted model, one echo server, the same work for each."""
