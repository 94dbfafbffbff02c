"""Find the files of a model: in a folder, the Hub's cache, the Hub, or an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.remote_code import code_policy
from holotype.encoders.checkpoints.source import find_checkpoint
from holotype.encoders.config import ModelConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """The files of a configured model.

    Attributes:
        checkpoint: the files that say how to run the model.
        graph: the graph that the backend opens; None on torch.
    """

    checkpoint: Checkpoint
    graph: Path | None = None


def find_files(config: ModelConfig[Any], known: Checkpoint | None = None) -> ModelFiles:
    """Return the files of a model, fetching the pinned revision if necessary.

    Args:
        config: the record and how to run it.
        known: its files, if they have been opened already.

    Raises:
        CheckpointNotFoundError: the folder does not exist, or the files cannot be fetched.
        CheckpointError: the record pins no revision, or the backend's graph is missing, damaged,
            of another data type, or of another revision.
        UnsupportedModelError: the backend needs a graph, and the record names none.
    """
    record, trusted = config.record, config.trust_remote_code
    policy = code_policy(record, trusted=trusted)
    graph = None
    if config.backend == "torch" or record.architecture_type == "static":
        folder = find_checkpoint(record, config.checkpoint, with_code=trusted)
    else:
        from holotype.encoders.graphs.files import find_graph

        found = find_graph(config)
        folder, graph = found.folder, found.graph
        # The export has baked the checkpoint's code into the graph; nothing here runs it.
        policy = code_policy(record, trusted=False)
    if known is not None and known.folder == folder:
        return ModelFiles(checkpoint=known.with_policy(policy), graph=graph)
    return ModelFiles(checkpoint=Checkpoint(folder, policy=policy), graph=graph)
