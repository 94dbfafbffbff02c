"""The Hugging Face Hub's rules for repository ids."""

from __future__ import annotations

import re

MAX_LENGTH = 96
"""The longest organization and the longest name that the Hub accepts, in characters."""

_PART = re.compile(r"[A-Za-z0-9_.-]+")


def fault(name: str) -> str | None:
    """Return what the Hub would refuse in an id, or None if it is well-formed.

    The rules are those of `validate_repo_id` in huggingface_hub, with an organization required.
    """
    parts = name.split("/")
    if len(parts) != 2:
        return "it has no organization" if len(parts) == 1 else "it has more than one slash"
    for part in parts:
        if not part:
            return "one side of its slash is empty"
        if not _PART.fullmatch(part):
            return "it contains characters other than ASCII letters, digits, '-', '_' and '.'"
        if part[0] in "-." or part[-1] in "-.":
            return "a part begins or ends with '-' or '.'"
        if len(part) > MAX_LENGTH:
            return f"a part has {len(part)} characters, and the Hub allows {MAX_LENGTH}"
    for forbidden in ("--", ".."):
        if forbidden in name:
            return f"it contains {forbidden!r}"
    return "it ends in '.git'" if name.endswith(".git") else None
