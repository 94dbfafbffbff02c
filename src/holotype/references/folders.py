"""The local folder of a reference to files."""

from __future__ import annotations

from pathlib import Path

from holotype.errors import ArtifactNotFoundError
from holotype.references.aliases import resolve_alias
from holotype.references.hashing import OnTotal
from holotype.references.ref import ModelRef


def find_folder(ref: ModelRef, *, on_total: OnTotal = lambda _: None) -> Path:
    """Return the folder of a reference with the scheme local, s3, gs or memory.

    If the source fails, no other is tried.

    Args:
        ref: the reference.
        on_total: shows the progress of a download.

    Raises:
        ArtifactNotFoundError: there is no such folder, alias or object.
        ArtifactError: it cannot be read or downloaded.
        ValueError: the reference names the Hub or the catalogue.
    """
    if ref.scheme in ("hf", "catalogue"):
        raise ValueError(f"{ref} names no folder of files")
    if ref.scheme == "local":
        return _folder(ref) if ref.alias is None else resolve_alias(ref.path, ref.alias)
    from holotype.references.pulling import fetch_to_cache

    return fetch_to_cache(ref, on_total=on_total)


def _folder(ref: ModelRef) -> Path:
    if not ref.path.is_dir():
        # The reference names the folder already, unless it depends on the current one.
        what = (
            "such folder"
            if Path(ref.location).is_absolute()
            else f"folder {str(ref.path.absolute())!r}"
        )
        raise ArtifactNotFoundError(str(ref), f"there is no {what}; no other place is tried")
    return ref.path
