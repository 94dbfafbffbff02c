"""Selects the files of a checkpoint that an artifact needs."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from holotype.encoders.checkpoints.checkpoint import INDEX_FILE, WEIGHTS_FILE, Checkpoint
from holotype.encoders.checkpoints.open_clip import OPEN_CLIP_PICKLE
from holotype.encoders.checkpoints.routes import module_folders
from holotype.errors import CheckpointError, UnsafeCheckpointError
from holotype.references.paths import MANIFEST_FILE

_SETTINGS = (".json", ".txt", ".model", ".jinja")
_OTHERS = re.compile(r"artifact\.metadata|README\.md|(LICEN[CS]E|NOTICE|COPYING)(\.\w+)?")
_PICKLED = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin")
_PICKLED_INDEX = "pytorch_model.bin.index.json"
# Files that describe weights in other formats, or the folder's previous artifact.
_NOT_NEEDED = re.compile(
    r"(tf_model|flax_model|pytorch_model|openvino_model)\b.*\.json|" + re.escape(MANIFEST_FILE)
)


def select_files(
    names: Collection[str],
    folder: Path,
    *,
    location: str,
    with_pickles: bool = False,
    with_code: bool = False,
) -> tuple[str, ...]:
    """Return the files that a model needs, out of all in its repository or folder.

    They include safetensors weights, the licence and the card.

    Args:
        names: the paths of all files.
        folder: where those files lie that list the modules and the shards of weights.
        location: the location of the files, for errors.
        with_pickles: whether to include pickled weights if a folder has no others.
        with_code: whether to include Python files.

    Raises:
        CheckpointError: there are no weights, or a shard is missing.
        UnsafeCheckpointError: there are only pickled weights, and those are not allowed; or a file
            names another that lies outside of the folder.
    """
    checkpoint = Checkpoint(folder, location=location, names=frozenset(names))
    selected: list[str] = []
    pickled: list[str] = []
    for module in module_folders(checkpoint):
        inside = f"{module}/" if module else ""
        own = [name.removeprefix(inside) for name in names if name.startswith(inside)]
        own = [name for name in own if "/" not in name]
        chosen = [name for name in own if _is_setting(name) or (with_code and name.endswith(".py"))]
        weights = _weights(checkpoint.part(module))
        pickles = [name for name in own if _PICKLED.fullmatch(name)]
        if checkpoint.part(module).is_open_clip:
            pickles = [name for name in own if name == OPEN_CLIP_PICKLE]
        if not weights and pickles:
            pickled += [f"{inside}{name}" for name in pickles]
            weights = [*pickles, *({_PICKLED_INDEX} & set(own))] if with_pickles else []
        selected += [f"{inside}{name}" for name in (*chosen, *weights)]
    if pickled and not with_pickles:
        raise UnsafeCheckpointError(
            location,
            f"has only pickled weights ({', '.join(pickled)}); unpickling can run any code, so they "
            "are refused. To have the tensors of this one model read by torch's restricted "
            "unpickler and kept as safetensors, pass --convert-pickles (convert_pickles=True)",
        )
    if not any(name.endswith((".safetensors", ".bin")) for name in selected):
        raise CheckpointError(
            location, "has no weights; expected model.safetensors, or its shards with their index"
        )
    return tuple(sorted(selected))


def _weights(module: Checkpoint) -> list[str]:
    found = module.weight_names()
    for name in found:
        if not module.has(name):
            raise CheckpointError(
                module.location, f"the file {name} is missing; expected a whole checkpoint"
            )
    in_shards = found not in ((), (WEIGHTS_FILE,)) and module.has(INDEX_FILE)
    return [*found, INDEX_FILE] if in_shards else [*found]


def _is_setting(name: str) -> bool:
    if _NOT_NEEDED.fullmatch(name) or name == INDEX_FILE or name.startswith("."):
        return False
    return name.endswith(_SETTINGS) or _OTHERS.fullmatch(name) is not None
