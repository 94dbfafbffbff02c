"""The local cache of downloaded artifacts, by digest."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "HOLOTYPE_CACHE"


def cached_artifact(digest: str) -> Path:
    """Return the cache folder of the artifact with a digest, whether it exists or not.

    The cache is the folder that HOLOTYPE_CACHE names, else `holotype` in XDG_CACHE_HOME, else
    `~/.cache/holotype`.

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
