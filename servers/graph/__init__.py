"""The graph server: what is known and how it hangs together. Its face is `server.py`."""
