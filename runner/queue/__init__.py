"""The queue: many requests for the few models that one machine can hold."""
