"""The local cache of downloaded artifacts, by digest."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from holotype.errors import MissingExtraError

CACHE_VARIABLE = "HOLOTYPE_CACHE"


def cached_artifact(digest: str) -> Path:
    """Return the cache folder of the artifact with a digest, whether it exists or not.

    The cache is in the folder that HOLOTYPE_CACHE names, else where the system keeps caches:
    `holotype` in XDG_CACHE_HOME or `~/.cache` on Linux, in `~/Library/Caches` on macOS, and in
    `%LOCALAPPDATA%` on Windows.

    Args:
        digest: the digest of a manifest, such as ``sha256:9f86...``.

    Raises:
        MissingExtraError: no variable names a folder, and platformdirs is not installed.
    """
    return cache_folder() / "artifacts" / digest.replace(":", "-")


def cache_folder() -> Path:
    """Return the folder of the cache; see `cached_artifact`."""
    own = os.environ.get(CACHE_VARIABLE)
    if own:
        return Path(own).expanduser()
    try:
        # By name, so that type checkers that read holotype do not need it.
        platformdirs = importlib.import_module("platformdirs")
    except ModuleNotFoundError:
        raise MissingExtraError("artifacts", "platformdirs", "finding the cache") from None
    return Path(platformdirs.user_cache_dir("holotype", appauthor=False))
