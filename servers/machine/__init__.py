"""All that touches the machine: files, processes, the sandbox, what leaves on the wire."""
