"""Find the files of a model: in a folder, the Hub's cache, the Hub, or an export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holotype.encoders.artifact import ComparedArtifact, compare_artifact, is_artifact
from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.remote_code import code_policy
from holotype.encoders.checkpoints.source import find_checkpoint
from holotype.encoders.config import ModelConfig

if TYPE_CHECKING:
    from holotype.encoders.opening import OpenedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """The files of a configured model.

    Attributes:
        checkpoint: the files that say how to run the model.
        graph: the graph that the backend opens; None on torch.
        artifact: the artifact that they are; None if they are none.
    """

    checkpoint: Checkpoint
    graph: Path | None = None
    artifact: ComparedArtifact | None = None

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Refuse weights that differ from the manifest of an artifact, whenever they are read.

        Raises:
            ArtifactError: the files have changed since they were compared, or do meanwhile.
        """
        if self.artifact is None:
            yield
            return
        artifact = self.artifact.as_it_is_now()
        yield
        artifact.require_unchanged()


def find_files(
    config: ModelConfig[Any],
    known: OpenedModel | None = None,
    *,
    import_backend: Callable[[], object] = lambda: None,
) -> ModelFiles:
    """Return the files of a model, fetching the pinned revision if necessary.

    Every byte of an artifact is compared with its manifest, unless it has been opened already.

    Args:
        config: the record and how to run it.
        known: the model, if it has been opened already.
        import_backend: imports what will run a graph, while the bytes of the graph are compared.

    Raises:
        ArtifactError: the folder is an artifact, and differs from its manifest.
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

        found = find_graph(config, import_backend)
        folder, graph = found.folder, found.graph
        # The export has baked the checkpoint's code into the graph; nothing here runs it.
        policy = code_policy(record, trusted=False)
    if known is not None and known.checkpoint is not None and known.checkpoint.folder == folder:
        checkpoint = known.checkpoint.with_policy(policy)
        return ModelFiles(checkpoint=checkpoint, graph=graph, artifact=known.artifact)
    if not is_artifact(folder):
        return ModelFiles(checkpoint=Checkpoint(folder, policy=policy), graph=graph)
    artifact = compare_artifact(folder, verify="full")
    checkpoint = Checkpoint(folder, policy=policy, digests=artifact.digests)
    return ModelFiles(checkpoint=checkpoint, graph=graph, artifact=artifact)
