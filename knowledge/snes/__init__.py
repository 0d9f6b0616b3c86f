"""The SNES: addresses, registers, symbols."""
