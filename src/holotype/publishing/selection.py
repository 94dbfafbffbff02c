"""Which files of a checkpoint an artifact needs."""

from __future__ import annotations

import re
from collections.abc import Collection

from holotype.encoders.checkpoints.safetensors import weight_files
from holotype.errors import CheckpointError, UnsafeCheckpointError
from holotype.references.paths import MANIFEST_FILE

_SETTINGS = (".json", ".txt", ".model", ".jinja")
_OTHERS = re.compile(r"artifact\.metadata|README\.md|(LICEN[CS]E|NOTICE|COPYING)(\.\w+)?")
_SAFE = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_SAFE_INDEX = "model.safetensors.index.json"
_PICKLED = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin")
_PICKLED_INDEX = "pytorch_model.bin.index.json"
# What describes weights in other formats, or the artifact that a folder was until now.
_NOT_NEEDED = re.compile(
    r"(tf_model|flax_model|pytorch_model|openvino_model)\b.*\.json|" + re.escape(MANIFEST_FILE)
)


def select_files(
    names: Collection[str],
    modules: Collection[str],
    *,
    location: str,
    with_pickles: bool = False,
    with_code: bool = False,
) -> tuple[str, ...]:
    """Return the files that a model needs, of all that lie in its repository or folder.

    Weights are taken as safetensors. The licence and the card come along.

    Args:
        names: the paths of all files.
        modules: the folders of its modules.
        location: where the files are, for errors.
        with_pickles: take pickled weights where a folder has no others.
        with_code: take Python files.

    Raises:
        CheckpointError: there are no weights.
        UnsafeCheckpointError: there are only pickled ones, and these are not wanted.
    """
    selected: list[str] = []
    pickled: list[str] = []
    for module in modules:
        inside = f"{module}/" if module else ""
        own = [name.removeprefix(inside) for name in names if name.startswith(inside)]
        own = [name for name in own if "/" not in name]
        chosen = [name for name in own if _is_setting(name) or (with_code and name.endswith(".py"))]
        weights = _weights(own)
        if not weights and (found := [name for name in own if _PICKLED.fullmatch(name)]):
            pickled += [f"{inside}{name}" for name in found]
            weights = [*found, *({_PICKLED_INDEX} & set(own))] if with_pickles else []
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


def _weights(names: Collection[str]) -> list[str]:
    found = weight_files([name for name in names if _SAFE.fullmatch(name)])
    return [*found, *({_SAFE_INDEX} & set(names))] if len(found) > 1 else list(found)


def _is_setting(name: str) -> bool:
    if _NOT_NEEDED.fullmatch(name) or name == _SAFE_INDEX or name.startswith("."):
        return False
    return name.endswith(_SETTINGS) or _OTHERS.fullmatch(name) is not None
