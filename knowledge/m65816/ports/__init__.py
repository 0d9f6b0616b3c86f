"""The hardware behind the registers: one module a family of ports."""
