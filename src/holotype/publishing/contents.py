"""The options of an artifact, and the gathered files of a model."""

from __future__ import annotations

from dataclasses import dataclass

from holotype.records import ModelInfo
from holotype.references.manifest import FileEntry

MAX_BYTES = 200_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationOptions:
    """What an artifact may include, and how.

    Attributes:
        entry: the record that describes a folder, of any catalogue, or an id of holotype's own;
            None derives a record from the folder's files.
        link: whether to make hard links instead of copies if the file system can; writing to one
            of the two then changes the other.
        convert_pickles: whether to read weights that exist only as pickles, with torch's
            restricted unpickler, and store them as safetensors.
        trust_remote_code: whether to include the Python files of a model that needs them.
        max_bytes: the largest download from the Hub, in bytes.
    """

    entry: ModelInfo | str | None = None
    link: bool = False
    convert_pickles: bool = False
    trust_remote_code: bool = False
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The files of a model, gathered in one folder.

    Attributes:
        location: where they come from, for errors: a folder, or ``org/model@commit``.
        record: the catalogue's record; None if the files must describe the model.
        commit: the commit of the files; None if the source has none.
        files: the files, by path.
    """

    location: str
    record: ModelInfo | None
    commit: str | None
    files: tuple[FileEntry, ...]
