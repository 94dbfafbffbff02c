"""The number, the names and the activation of the scores that a checkpoint gives."""

from __future__ import annotations

import re
from pathlib import Path

from holotype.encoders.checkpoints.json_file import JsonFile, Setting
from holotype.encoders.checkpoints.modules import LinearSpec, ModuleList
from holotype.errors import CheckpointError, UnsupportedCheckpointError

_PLACEHOLDER = re.compile(r"LABEL_\d+")
# transformers leaves both keys out where a model has this many.
_USUAL_NUMBER = 2
_ACTIVATIONS = {
    "torch.nn.modules.linear.Identity": "identity",
    "torch.nn.modules.activation.Sigmoid": "sigmoid",
    "torch.nn.Identity": "identity",
    "torch.nn.Sigmoid": "sigmoid",
}


def read_labels(config: JsonFile) -> tuple[Setting[int], Setting[tuple[str, ...]] | None]:
    """Return how many labels `config.json` has, and their names where they are more than numbers.

    Raises:
        CheckpointError: the labels are not numbered from 0 without a gap.
    """
    stated, names = config.integer("num_labels"), config.part("id2label")
    if names is None:
        return stated or Setting(_USUAL_NUMBER, config.name), None
    labels = [names.values.get(str(at)) for at in range(len(names.values))]
    if not labels or not all(isinstance(label, str) for label in labels):
        raise config.wrong("id2label", dict(names.values), "names by numbers from 0 on")
    known = tuple(map(str, labels))
    if all(_PLACEHOLDER.fullmatch(label) for label in known):
        return Setting(len(known), config.name), None
    return Setting(len(known), config.name), Setting(known, config.name)


def read_activation(library: JsonFile, config: JsonFile) -> Setting[str] | None:
    """Return what sentence-transformers applies to logits; three places may say it.

    Raises:
        UnsupportedCheckpointError: it is none of the known ones.
    """
    own = config.part("sentence_transformers")
    found = (
        library.text("activation_fn")
        or (own.text("activation_fn") if own else None)
        or config.text("sbert_ce_default_activation_function")
    )
    if found is None:
        return None
    if found.value not in _ACTIVATIONS:
        raise UnsupportedCheckpointError(
            found.file,
            f"turns logits into scores by {found.value!r}; supported are {', '.join(_ACTIVATIONS)}",
        )
    return Setting(_ACTIVATIONS[found.value], found.file)


def last_width(folder: Path, modules: ModuleList) -> Setting[int]:
    """Return how many scores the last of several modules gives.

    Raises:
        CheckpointError: it is no linear layer.
    """
    if not modules.steps or not isinstance(modules.steps[-1], LinearSpec):
        raise CheckpointError(str(folder), "its last module is no linear layer that gives scores")
    return Setting(modules.steps[-1].out_dim, modules.files[-1])
