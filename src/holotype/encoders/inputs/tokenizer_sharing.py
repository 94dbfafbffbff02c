"""One tokenizer for all encoders whose files make the same one.

Reading a tokenizer keeps the interpreter from every other thread: 30 ms for 30,000 words, in which
a server answers nobody. The versions of a model mostly differ in their weights alone, so that a
switch finds the tokenizer of the version that serves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from weakref import WeakValueDictionary

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.inputs.tokenizer_classes import (
    ADDED_FILE,
    MAP_FILE,
    SETTINGS_FILE,
    has_files_of_old,
)

# A tokenizer goes with the last encoder that holds it.
_READ: WeakValueDictionary[str, TextTokenizer] = WeakValueDictionary()


def share(
    checkpoint: Checkpoint,
    content: bytes,
    *,
    lower_case: bool,
    location: str,
    read: Callable[[], TextTokenizer],
) -> TextTokenizer:
    """Return the tokenizer of a checkpoint, read only if no encoder has the same.

    Args:
        checkpoint: the folder of the tokenizer's files.
        content: its `tokenizer.json`.
        lower_case: see `read_tokenizer`.
        location: the file, for errors.
        read: reads the tokenizer.
    """
    key = _digest(checkpoint, content, lower_case=lower_case)
    found = _READ.get(key)
    if found is None:
        # Two threads at once may both read; either of the two is kept.
        found = _READ[key] = read()
    return found.at(location)


def _digest(checkpoint: Checkpoint, content: bytes, *, lower_case: bool) -> str:
    """Return a digest of all that `read_tokenizer` reads."""
    settings = checkpoint.json(SETTINGS_FILE, optional=True)
    names = ["config.json", *((MAP_FILE, ADDED_FILE) if has_files_of_old(settings) else ())]
    files = [settings, *(checkpoint.json(name, optional=True) for name in names)]
    stated = json.dumps([lower_case, *(file.values for file in files)])
    return sha256(sha256(content).digest() + stated.encode()).hexdigest()
