"""What goes into an artifact: the settings, and the files of a model in one folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from holotype.records import ModelInfo
from holotype.references.checking import OnBytes
from holotype.references.manifest import FileEntry

OnTotal: TypeAlias = Callable[[int], OnBytes | None]
"""Is told how many bytes will pass, and returns what is told of those that have."""

MAX_BYTES = 200_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationOptions:
    """What may be taken into an artifact, and how.

    Attributes:
        entry: the id of the catalogue's entry that describes a folder; None derives a record from
            the folder's own files.
        link: make hard links to the files of a folder where the file system can, in place of
            copies. Whoever writes to one of them changes the other, too.
        convert_pickles: read weights that are only there as pickles, with torch's restricted
            unpickler, and keep them as safetensors.
        trust_remote_code: take the Python files of a model that runs none without them.
        max_bytes: how much may be fetched from the Hub.
    """

    entry: str | None = None
    link: bool = False
    convert_pickles: bool = False
    trust_remote_code: bool = False
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The files of a model, gathered in one folder.

    Attributes:
        record: how the catalogue describes the model; None where the files must tell.
        commit: the commit that they are of; None where the source has none.
        files: what was gathered, by path.
    """

    record: ModelInfo | None
    commit: str | None
    files: tuple[FileEntry, ...]
