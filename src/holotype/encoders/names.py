"""What a name means that somebody types: an entry of the catalogue, a reference, or a folder.

`load`, `export`, the functions for artifacts and the command line all ask here, so that a name
means the same everywhere. A name that could mean two things is refused.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from holotype.errors import (
    AmbiguousModelError,
    AmbiguousNameError,
    ArtifactError,
    InvalidArgumentError,
    ModelNotFoundError,
)
from holotype.records import ModelInfo
from holotype.references.ref import ModelRef

if TYPE_CHECKING:
    from holotype.catalogue import Catalogue

_PATHS = ("./", "../", "/", "~/")
# Any of these makes a folder a model; a folder of the same name as an entry may hold anything.
_MODEL_FILES = (
    *("config.json", "modules.json", "artifact.json", "holotype_export.json"),
    "open_clip_config.json",
)


def resolve(
    name: str,
    catalogue: Catalogue[Any] | None = None,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
) -> ModelInfo | ModelRef:
    """Return the record or the reference that a name means.

    Args:
        name: a reference such as ``hf:org/model``, the path of a folder, or an id, an alias or a
            Hugging Face id of the catalogue, in any letter case.
        catalogue: the catalogue; None means holotype's own.
        checkpoint: the folder that the caller has already said to hold the files; a folder of
            that name then does not matter.

    Raises:
        InvalidReferenceError: a text with a colon or a backslash is not a reference.
        AmbiguousNameError: the name is an entry and a folder that holds a model.
        AmbiguousModelError: it is a Hugging Face id with several entries.
        ModelNotFoundError: it is nothing of all this; the error names what to write.
    """
    if ":" in name or "\\" in name:
        return ModelRef.parse(name)
    if name.startswith(_PATHS) or name in (".", "..", "~"):
        return ModelRef.parse(f"local:{name}")
    known = catalogue or _own_catalogue()
    try:
        record = known.find_model(name)
    except AmbiguousModelError as error:
        _refuse_folder_of(name, error.ids, checkpoint)
        raise
    if record is not None:
        _refuse_folder_of(name, [record.id], checkpoint)
        return record
    if checkpoint is None and name and _is_folder(Path(name)):
        return reference_to_folder(name)
    raise _not_found(name, known, checkpoint)


def as_reference(
    model: ModelRef | ModelInfo | str | os.PathLike[str], catalogue: Catalogue[Any] | None = None
) -> ModelRef:
    """Return the reference that a record, a name, a path or a reference means; see `resolve`.

    Args:
        model: the record, the name, the path or the reference.
        catalogue: the catalogue that names are looked up in first; those that it lacks are looked
            up in holotype's own. None means only that.
    """
    if isinstance(model, os.PathLike):
        return reference_to_folder(os.fspath(model))
    found = resolve(model, completed(catalogue)) if isinstance(model, str) else model
    if isinstance(found, ModelInfo):
        own = _own_catalogue().holds(found)
        return ModelRef(scheme="catalogue", location=found.id, record=None if own else found)
    if not isinstance(found, ModelRef):
        raise InvalidArgumentError(
            f"the model is {found!r}; expected a record, an id, a reference such as "
            "'hf:org/model', or a path"
        )
    return described_in(found, catalogue)


def described_in(ref: ModelRef, catalogue: Catalogue[Any] | None) -> ModelRef:
    """Return a reference with the entry of a catalogue that describes it, where there is one.

    All that opens the reference uses that entry, in this process and in others that get it. What
    the catalogue lacks is holotype's own, and needs no entry with it.

    Raises:
        ArtifactError: the catalogue has several records of the repository.
    """
    if catalogue is None or ref.record is not None or ref.scheme not in ("catalogue", "hf"):
        return ref
    if ref.scheme == "catalogue":
        record = catalogue.find_model(ref.location)
    else:
        record = entry_of_repository(ref, catalogue)
    if record is None or _own_catalogue().holds(record):
        return ref
    return replace(ref, record=record)


def entry_of_repository(ref: ModelRef, catalogue: Catalogue[Any] | None = None) -> ModelInfo | None:
    """Return a catalogue's record of a repository; None if there is none.

    Raises:
        ArtifactError: the catalogue has several records of this repository.
    """
    try:
        return (catalogue or _own_catalogue()).get_model_by_hf_id(ref.location)
    except ModelNotFoundError:
        return None
    except AmbiguousModelError as error:
        spelt = " or ".join(f"catalogue:{id}" for id in error.ids)
        raise ArtifactError(
            str(ref), f"is run in several ways, and the reference does not say which; name {spelt}"
        ) from None


def completed(catalogue: Catalogue[Any] | None) -> Catalogue[Any]:
    """Return where names are looked up: in a catalogue, and what it lacks in holotype's own."""
    own = _own_catalogue()
    return own if catalogue is None or catalogue is own else _together(catalogue, own)


@lru_cache(maxsize=4)
def _together(first: Catalogue[Any], second: Catalogue[Any]) -> Catalogue[Any]:
    return first.followed_by(second)


def reference_to_folder(path: str) -> ModelRef:
    """Return the reference to a folder, whatever characters its path contains."""
    location = PurePath(path).as_posix()
    # "./" makes a leading tilde an ordinary name; the final slash keeps "@" from naming an alias.
    here = "./" if location.startswith("~") else ""
    return ModelRef.parse(f"local:{here}{location.rstrip('/')}/")


def _own_catalogue() -> Catalogue[Any]:
    from holotype.models import CATALOGUE

    return CATALOGUE


def _refuse_folder_of(
    name: str, ids: list[str] | tuple[str, ...], checkpoint: str | os.PathLike[str] | None
) -> None:
    """Refuse a name of entries that is the path of a model's folder, too."""
    if checkpoint is not None:
        return
    folder = Path(name)
    if any((folder / file).is_file() for file in _MODEL_FILES):
        spellings = [*(f"catalogue:{id}" for id in ids), str(reference_to_folder(name))]
        raise AmbiguousNameError(name, str(folder.absolute()), spellings)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        # The name is longer than the system allows.
        return False


def _not_found(
    name: str, catalogue: Catalogue[Any], checkpoint: str | os.PathLike[str] | None
) -> ModelNotFoundError:
    what = "Hugging Face id" if "/" in name else "id"
    if checkpoint is not None:
        own = str(reference_to_folder(os.fspath(checkpoint)))
        instead = f"to run a folder as its own files say, write load({own!r})"
    elif name.partition("@")[0].count("/") == 1:
        instead = (
            f"there is no such folder here either; write 'hf:{name}' for the repository on the Hub"
        )
    else:
        instead = "there is no such folder here either; write 'local:PATH' for one elsewhere"
    return ModelNotFoundError(name, catalogue.suggestions(name), what=what, instead=instead)
