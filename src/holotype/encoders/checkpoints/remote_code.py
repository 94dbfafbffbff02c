"""Code that a checkpoint brings along: refused unless it is trusted, and never from elsewhere.

A checkpoint may name Python files of its own for an architecture that transformers knows, too. The
two may compute different things from the same tensors (attention in both directions in place of
one, say), so that transformers' class stands in only where the catalogue says that it may.
"""

from __future__ import annotations

from holotype.encoders.checkpoints.checkpoint import CodePolicy
from holotype.encoders.checkpoints.json_file import JsonFile
from holotype.errors import UnsafeCheckpointError
from holotype.records import ModelInfo


def code_policy(record: ModelInfo, *, trusted: bool) -> CodePolicy:
    """Return what becomes of a checkpoint's own code."""
    if record.requires_remote_code is False:
        return "ignore"
    return "run" if trusted else "refuse"


def runs_own_code(file: JsonFile, kind: str, policy: CodePolicy) -> bool:
    """Return whether a file names a class of the checkpoint's own that is to be run.

    Args:
        file: `config.json` or `tokenizer_config.json`.
        kind: the class in question, such as ``AutoModel``.
        policy: what becomes of such code.

    Raises:
        UnsafeCheckpointError: it names one, and that is refused.
    """
    classes = file.part("auto_map")
    reference = classes.values.get(kind) if classes else None
    if reference is None or policy == "ignore":
        return False
    if policy == "refuse":
        raise UnsafeCheckpointError(
            file.location,
            f"{kind} is Python code of the checkpoint ({reference!r}), which runs with all your "
            "rights; it is refused. Read it and pass trust_remote_code=True, or, where "
            "transformers' own class is known to do the same, load a record with "
            "requires_remote_code=False",
        )
    if "--" in str(reference):
        raise UnsafeCheckpointError(
            file.location,
            f"{kind} is code of another repository ({reference!r}), whose revision nothing pins; "
            "it is refused even with trust_remote_code=True",
        )
    return True
