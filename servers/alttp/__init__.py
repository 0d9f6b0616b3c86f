"""The alttp server: facts about A Link to the Past and the SNES. Its face is `server.py`."""
