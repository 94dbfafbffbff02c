"""Artifacts: folders that hold all that is needed to run a model, and say what that is."""

from holotype.artifacts.creating import create_artifact
from holotype.artifacts.gathering import CreationOptions
from holotype.artifacts.info import ReferencedModel, get_model_info, load_labels
from holotype.encoders.opening import open_artifact

__all__ = [
    "CreationOptions",
    "ReferencedModel",
    "create_artifact",
    "get_model_info",
    "load_labels",
    "open_artifact",
]
