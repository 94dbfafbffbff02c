"""BGE-M3's checkpoints: a dense model, and a linear layer beside it for each further mode.

The layer of late interaction maps every token vector but the first, which stands for the whole text
in the dense mode (Chen et al., M3-Embedding, 2024, https://arxiv.org/abs/2402.03216).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.late_interaction import LateInteraction
from holotype.encoders.checkpoints.modules import LinearSpec
from holotype.encoders.checkpoints.settings import CheckpointSettings, read_checkpoint
from holotype.errors import CheckpointError, TensorError, UnsafeCheckpointError

PROJECTION_STEM = "colbert_linear"
PROJECTION_FILE = f"{PROJECTION_STEM}.safetensors"


def read_colbert_checkpoint(checkpoint: Checkpoint) -> CheckpointSettings:
    """Read what the files of a late-interaction checkpoint say, in any format; no weights.

    Raises:
        CheckpointError: a file is missing or damaged, or says something that is not supported.
        WrongKindError: it is a model of another kind.
    """
    settings = read_checkpoint(checkpoint)
    beside = _has_layer(checkpoint, PROJECTION_STEM)
    if settings.late_interaction is not None or not beside:
        return settings
    # The files of sides and of the library speak of the dense model.
    return replace(
        settings,
        format="bge-m3",
        modules=None,
        similarity=None,
        query_prompt=None,
        document_prompt=None,
        default_prompt=None,
        truncate_dim=None,
        late_interaction=LateInteraction(skips_first=True, always_normalized=True),
    )


def find_layer(checkpoint: Checkpoint, stem: str) -> str:
    """Return the name of the file of a layer beside the transformer.

    Raises:
        CheckpointError: there is none.
        UnsafeCheckpointError: there is only a pickled one.
    """
    name = f"{stem}.safetensors"
    if checkpoint.has(name):
        return name
    pickled = _has_layer(checkpoint, stem)
    raise (UnsafeCheckpointError if pickled else CheckpointError)(
        checkpoint.location,
        f"{f'has {stem} only as a pickle' if pickled else f'has no {name}'}, and unpickling can "
        "run any code, so pickles are neither fetched nor read. Convert it where that does no harm, "
        f"with torch.load('{stem}.pt', weights_only=True) and safetensors.torch.save_file(tensors, "
        f"{name!r})",
    )


def read_projection(checkpoint: Checkpoint) -> Setting[LinearSpec]:
    """Return what the layer of late interaction is, and the file that holds it; no weights.

    Raises:
        CheckpointError: the file is missing or damaged.
        TensorError: it holds something else than a linear layer.
        UnsafeCheckpointError: there is only a pickled file.
    """
    name = find_layer(checkpoint, PROJECTION_STEM)
    header = checkpoint.header(name)
    missing, unexpected = (
        sorted({"weight", "bias"} - {*header}),
        sorted({*header} - {"weight", "bias"}),
    )
    if missing or unexpected or len(header["weight"].shape) != 2:
        raise TensorError(checkpoint.where(name), missing, unexpected)
    out_dim, in_dim = header["weight"].shape
    spec = LinearSpec(
        folder=checkpoint,
        in_dim=in_dim,
        out_dim=out_dim,
        bias=True,
        activation="torch.nn.Identity",
        residual=False,
    )
    return Setting(spec, name)


def _has_layer(checkpoint: Checkpoint, stem: str) -> bool:
    """Whether there is a file of a layer in any format."""
    return any(PurePosixPath(name).stem == stem and "/" not in name for name in checkpoint.names)
