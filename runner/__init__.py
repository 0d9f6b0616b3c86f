"""The thin part: a model, a toolbox, a loop."""
