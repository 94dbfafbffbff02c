"""BGE-M3's checkpoints: a dense model, and a linear layer beside it for each further mode.

The layer of late interaction maps every token vector but the first, which stands for the whole text
in the dense mode (Chen et al., M3-Embedding, 2024, https://arxiv.org/abs/2402.03216).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.late_interaction import LateInteraction
from holotype.encoders.checkpoints.modules import LinearSpec
from holotype.encoders.checkpoints.safetensors import read_header
from holotype.encoders.checkpoints.settings import CheckpointSettings, read_checkpoint
from holotype.errors import CheckpointError, TensorError, UnsafeCheckpointError

PROJECTION_STEM = "colbert_linear"


def read_colbert_checkpoint(folder: Path) -> CheckpointSettings:
    """Read what the files of a late-interaction checkpoint say, in any format; no weights.

    Raises:
        CheckpointError: a file is missing or damaged, or says something that is not supported.
        WrongKindError: it is a model of another kind.
    """
    settings = read_checkpoint(folder)
    beside = any(folder.glob(f"{PROJECTION_STEM}.*"))
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


def find_layer(folder: Path, stem: str) -> Path:
    """Return the file of a layer beside the transformer.

    Raises:
        CheckpointError: there is none.
        UnsafeCheckpointError: there is only a pickled one.
    """
    path = folder / f"{stem}.safetensors"
    if path.is_file():
        return path
    pickled = any(folder.glob(f"{stem}.*"))
    raise (UnsafeCheckpointError if pickled else CheckpointError)(
        str(folder),
        f"{f'has {stem} only as a pickle' if pickled else f'has no {path.name}'}, and unpickling can "
        "run any code, so pickles are neither fetched nor read. Convert it where that does no harm, "
        f"with torch.load('{stem}.pt', weights_only=True) and safetensors.torch.save_file(tensors, "
        f"{path.name!r})",
    )


def read_projection(folder: Path) -> Setting[LinearSpec]:
    """Return what the layer of late interaction is, and the file that holds it; no weights.

    Raises:
        CheckpointError: the file is missing or damaged.
        TensorError: it holds something else than a linear layer.
        UnsafeCheckpointError: there is only a pickled file.
    """
    path = find_layer(folder, PROJECTION_STEM)
    header = read_header(path)
    missing, unexpected = (
        sorted({"weight", "bias"} - {*header}),
        sorted({*header} - {"weight", "bias"}),
    )
    if missing or unexpected or len(header["weight"].shape) != 2:
        raise TensorError(str(path), missing, unexpected)
    out_dim, in_dim = header["weight"].shape
    spec = LinearSpec(
        folder=folder,
        in_dim=in_dim,
        out_dim=out_dim,
        bias=True,
        activation="torch.nn.Identity",
        residual=False,
    )
    return Setting(spec, path.name)
