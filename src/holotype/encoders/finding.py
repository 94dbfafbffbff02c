"""Where the files of a model are: a folder, the Hub's cache, the Hub, or an export."""

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
    """The files that a config means.

    Attributes:
        checkpoint: what says how the model is run.
        graph: the graph that a backend opens; None on torch.
    """

    checkpoint: Checkpoint
    graph: Path | None = None


def find_files(config: ModelConfig[Any], known: Checkpoint | None = None) -> ModelFiles:
    """Return the files of a model, fetched at the pinned revision where need be.

    Args:
        config: the record and how it is run.
        known: its files, where they have been read already.

    Raises:
        CheckpointNotFoundError: there is no such folder, or the files cannot be had.
        CheckpointError: the record pins no revision, or the graph of a backend is missing, damaged,
            of another type, or of another revision.
        UnsupportedModelError: a backend needs a graph, and the record knows none.
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
        # What a graph was made from is part of it, whatever code that was.
        policy = code_policy(record, trusted=False)
    if known is not None and known.folder == folder:
        return ModelFiles(checkpoint=known.with_policy(policy), graph=graph)
    return ModelFiles(checkpoint=Checkpoint(folder, policy=policy), graph=graph)
