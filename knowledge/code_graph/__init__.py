"""Source code as a graph: routines, labels, calls, reads and writes of disassemblies and hacks, with file and line."""
