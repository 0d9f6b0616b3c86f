"""The words that the folders share: frozen pydantic models that import nothing of ours."""
