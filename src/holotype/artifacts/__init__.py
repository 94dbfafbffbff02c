"""Artifacts: folders that hold all that is needed to run a model, and say what that is."""
