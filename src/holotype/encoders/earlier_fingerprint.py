"""Fingerprints as holotype 0.1.0 made them, which indexes and aliases of that time hold.

They also counted files and settings that decide no vector, such as `vocab.txt` beside a
`tokenizer.json`, and left out a few that do.
"""

from __future__ import annotations

from typing import Any

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.checkpoints.routes import module_folders
from holotype.encoders.checkpoints.safetensors import weight_files
from holotype.encoders.fingerprint import (
    IDLE_KEYS,
    Deciding,
    deciding,
    digest_of,
)
from holotype.encoders.kinds.plan import AnyPlan

_TOKENIZER_FILES = frozenset(
    {
        "tokenizer.json",
        "vocab.txt",
        "vocab.json",
        "merges.txt",
        "added_tokens.json",
        "sentencepiece.bpe.model",
        "spiece.model",
        "tokenizer.model",
    }
)
_SETTINGS = frozenset({"config.json", "tokenizer_config.json"})


def has_fingerprint(
    plan: AnyPlan, stated: str, *, dim: int | None, with_code: bool = False
) -> bool:
    """Whether a fingerprint is that of an encoder, in today's form or in that of 0.1.0.

    Raises:
        CheckpointError: a file is damaged.
        OSError: a file cannot be read.
    """
    digests = plan.checkpoint.digests
    now = deciding(plan, with_code=with_code)
    if stated == digest_of(plan, now, dim=dim, digests=digests):
        return True
    then = _deciding_then(plan.checkpoint, with_code=with_code)
    return stated == digest_of(plan, then, dim=dim, digests=digests)


def _deciding_then(checkpoint: Checkpoint, *, with_code: bool) -> Deciding:
    """Return what 0.1.0 took for the files and settings that decide."""
    files: set[str] = set()
    settings: dict[str, Any] = {}
    for module in module_folders(checkpoint):
        folder = checkpoint.part(module)
        if not folder.folder.is_dir():
            continue
        names = sorted(path.name for path in folder.folder.iterdir() if path.is_file())
        kept = {*weight_files(names), *(_TOKENIZER_FILES & {*names})}
        files |= {folder.part(name).inside for name in kept}
        for name in names:
            if name in _SETTINGS:
                values = folder.json(name).values
                kept_values = {key: values[key] for key in values if key not in IDLE_KEYS}
                settings[folder.part(name).inside] = kept_values
            elif name.startswith("sentence_") and name.endswith("_config.json"):
                lower_case = folder.json(name).boolean("do_lower_case")
                if lower_case is not None and lower_case.value:
                    settings["lower_case"] = True
    if with_code and "auto_map" in checkpoint.json("config.json", optional=True).values:
        files |= {path.name for path in checkpoint.folder.glob("*.py")}
    return Deciding(frozenset(files), settings)
