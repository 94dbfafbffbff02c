"""Where fetched artifacts are kept on this machine, by their digests."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "HOLOTYPE_CACHE"


def cached_artifact(digest: str) -> Path:
    """Return where the artifact with a digest is kept, whether it is there or not.

    The cache is in the folder that HOLOTYPE_CACHE names, else in `holotype` of XDG_CACHE_HOME, else
    in `~/.cache/holotype`.

    Args:
        digest: the digest of a manifest, such as ``sha256:9f86...``.
    """
    return _cache() / "artifacts" / digest.replace(":", "-")


def _cache() -> Path:
    own = os.environ.get(CACHE_VARIABLE)
    if own:
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return Path(shared) / "holotype" if shared else Path.home() / ".cache" / "holotype"
