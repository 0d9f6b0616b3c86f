"""Finds what is wrong with 65816 code, and what could be shorter: rules over its flow, its bytes and its text."""
