"""The 65C816: one opcode table and all that follows from it, from decoding to proof."""
