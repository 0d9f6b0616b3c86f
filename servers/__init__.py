"""The MCP servers: one capability each, and the machine room that they share."""
