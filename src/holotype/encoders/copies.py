"""Tell a folder that holds a model of the catalogue, whose prompts its own files may not state.

A prompt is a fact that often stands on a model's card alone, so that a copy of the files loses it.
What proves where files come from makes the folder the catalogue's model: the layout of the Hub's
cache, what a download noted beside the files, or the manifest of an export. A name in a
configuration or on a card proves nothing, because a model that was tuned from another one has it,
too; it is worth a warning. `docs/decisions/0025` has the reasons.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import Any

from holotype.encoders.checkpoints.checkpoint import EXPORT_FILE, Checkpoint
from holotype.encoders.checkpoints.hub_cache import find_snapshot
from holotype.encoders.checkpoints.settings import CONFIG_FILE
from holotype.encoders.kinds.derived_record import recognise_kind
from holotype.encoders.kinds.plan import AnyPlan
from holotype.encoders.kinds.planning import make_draft
from holotype.records import ModelInfo

_PROMPTS = ("query_prompt", "document_prompt")
_SHAPE = (
    *("embedding_dim", "hidden_dim", "vocab_size", "layers", "max_position_embeddings"),
    *("architecture_type", "pooling", "normalize"),
)
_DOWNLOADS = Path(".cache/huggingface/download")
"""Where `hf download --local-dir` notes the commit of each file."""
_SETTINGS = (".json", ".model", ".txt")
_SHA256_DIGITS = 64
_MOST_TEXT = 200_000
_BASE_MODEL = re.compile(r"^base_model:.*(?:\n\s*- .*)*", re.MULTILINE)
"""What a card says that a model was tuned from: one name, or a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resemblance:
    """A model of the catalogue that a folder seems to hold.

    Attributes:
        record: the model.
        evidence: what names it, as in "its config.json names 'org/model'".
        prompts: the prompts that are lost without the record, by field.
        fits: whether the record describes the folder in everything else, too.
    """

    record: ModelInfo
    evidence: str
    prompts: Mapping[str, str]
    fits: bool

    @property
    def loss(self) -> str:
        """What is lost without the record, as what follows the name of the folder."""
        return (
            f"is run with no {' and no '.join(self.prompts)}, but {self.evidence}, and the catalogue "
            f"runs {self.record.id!r} with {self.as_options}"
        )

    @property
    def as_options(self) -> str:
        """The prompts as options of `load`."""
        return ", ".join(f"{field}={text!r}" for field, text in self.prompts.items())


def find_original(checkpoint: Checkpoint) -> ModelInfo | None:
    """Return the catalogue's record of a folder's model, where its origin is proven; else None.

    Raises:
        CheckpointError: a file is damaged, or the kind of model cannot be told.
    """
    for find in (_by_export, _by_cache, _by_download):
        records = find(checkpoint)
        if records:
            # The modes of a repository are run from the same files.
            kind = recognise_kind(checkpoint)
            of_kind = [record for record in records if record.type == kind]
            return of_kind[0] if len(of_kind) == 1 else None
    return None


def find_resemblance(plan: AnyPlan, *, given: Collection[str] = ()) -> Resemblance | None:
    """Return the model of the catalogue that a plan without prompts seems to be of; None if none.

    The shape must agree, and something must name the model: a configuration, the folder, or the
    card. Models of the catalogue without prompts do not count, since nothing is lost of them.

    Args:
        plan: how the folder is run, by its own files.
        given: the prompts that the caller has settled, by the names of their fields.
    """
    encoding: Any = plan.encoding
    if not all(hasattr(encoding, field) for field in _PROMPTS) or any(
        getattr(encoding, field).text.strip() for field in _PROMPTS if field not in given
    ):
        return None
    stated = {found.field: found.theirs.value for found in plan.comparisons if found.theirs}
    similar = [
        record
        for record in _records()
        if record.type == plan.record.type
        and _prompts_of(record, given)
        and all(
            getattr(record, field, None) in (None, stated[field])
            for field in _SHAPE
            if field in stated
        )
    ]
    if not similar:
        return None
    for evidence, place_of in _evidence(plan.checkpoint):
        places = [(place_of(record), record) for record in similar]
        named = [(place, record) for place, record in places if place is not None]
        if named:
            _, record = min(named, key=itemgetter(0))
            draft = make_draft(record, plan.checkpoint)
            return Resemblance(
                record=record,
                evidence=evidence(record),
                prompts=_prompts_of(record, given),
                fits=draft.plan is not None and not draft.differences,
            )
    return None


def _prompts_of(record: ModelInfo, given: Collection[str]) -> dict[str, str]:
    """Return the prompts of a record that the caller has not settled, but for empty ones."""
    stated = {field: getattr(record, field, None) for field in _PROMPTS if field not in given}
    return {field: text for field, text in stated.items() if text}


def _records() -> tuple[ModelInfo, ...]:
    from holotype.models import MODEL_REGISTRY

    return MODEL_REGISTRY


def _by_export(checkpoint: Checkpoint) -> list[ModelInfo]:
    """Return the record that an export of holotype's says it was made by."""
    if checkpoint.weight_names():
        # An export is a graph; weights beside it may be those of any model.
        return []
    file = checkpoint.json(EXPORT_FILE, optional=True)
    told = [file.text(name) for name in ("model_id", "huggingface_id")]
    id, repository = (None if text is None else text.value for text in told)
    if not repository:
        return []
    return [
        record for record in _records() if record.id == id and record.huggingface_id == repository
    ]


def _by_cache(checkpoint: Checkpoint) -> list[ModelInfo]:
    """Return the records of the repository in whose part of the Hub's cache the files lie."""
    snapshot = find_snapshot(checkpoint.folder)
    if snapshot is None:
        return []
    return [
        replace(record, revision=snapshot.commit)
        for record in _records()
        if record.huggingface_id.lower() == snapshot.huggingface_id.lower()
    ]


def _by_download(checkpoint: Checkpoint) -> list[ModelInfo]:
    """Return the records whose pinned files these are, by the digests that a download noted.

    What decides how the model runs must be there as noted, to the byte, and at one commit.
    """
    noted = _notes(checkpoint.folder)
    if not noted:
        return []
    weights = checkpoint.weight_names()
    settings = [
        name
        for name in checkpoint.names
        if PurePosixPath(name).suffix in _SETTINGS and not name.startswith(".cache/")
    ]
    found = [noted.get(name) for name in sorted({CONFIG_FILE, *settings, *weights})]
    commits = {None if note is None else note.commit for note in found}
    if not weights or len(commits) != 1 or None in commits:
        return []
    records = [record for record in _records() if record.revision in commits]
    # Weights take seconds to read, and only a copy of an entry is worth them.
    if not records or not all(note is not None and note.holds() for note in found):
        return []
    return records


@dataclass(frozen=True, slots=True)
class _Note:
    """What a download noted about a file.

    Attributes:
        path: the file.
        commit: the commit of the repository.
        digest: in hexadecimal digits, SHA-256 of a large file, and git's SHA-1 of another.
    """

    path: Path
    commit: str
    digest: str

    def holds(self) -> bool:
        """Whether the file is still the one that was downloaded."""
        try:
            with self.path.open("rb") as file:
                if len(self.digest) == _SHA256_DIGITS:
                    return hashlib.file_digest(file, "sha256").hexdigest() == self.digest
                content = file.read()
        except OSError:
            return False
        git = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
        git.update(content)
        return git.hexdigest() == self.digest


def _notes(folder: Path) -> dict[str, _Note]:
    """Return what downloads noted, by the name of the file."""
    notes: dict[str, _Note] = {}
    place = folder / _DOWNLOADS
    for path in sorted(place.rglob("*.metadata")) if place.is_dir() else ():
        name = path.relative_to(place).with_suffix("").as_posix()
        try:
            commit, digest = path.read_text(encoding="utf-8").split("\n")[:2]
        except (OSError, ValueError):
            continue
        notes[name] = _Note(folder / name, commit.strip(), digest.strip())
    return notes


def _evidence(
    checkpoint: Checkpoint,
) -> Iterator[tuple[Callable[[ModelInfo], str], Callable[[ModelInfo], int | None]]]:
    """Yield what may name a model: how to say it, and at which place it names a record."""
    commits = {note.commit for note in _notes(checkpoint.folder).values()}
    yield (
        lambda record: f"it was downloaded from {record.huggingface_id!r}",
        lambda record: 0 if record.revision in commits else None,
    )
    for file, key in ((CONFIG_FILE, "_name_or_path"), ("tokenizer_config.json", "name_or_path")):
        stated = checkpoint.json(file, optional=True).values.get(key)
        name = stated if isinstance(stated, str) else ""
        yield _says(f"its {file} names {name!r}"), _named(name)
    folder = checkpoint.folder.resolve()
    yield (
        _says(f"its folder is called {folder.name!r}"),
        _named(f"{folder.parent.name}/{folder.name}"),
    )
    card = _text(checkpoint.folder / "README.md")
    base = _BASE_MODEL.search(card)
    # What else a card names may be what the model was compared with.
    yield _names_repository("README.md"), _mentioned(base[0] if base else card)
    yield _names_repository(".git/config"), _mentioned(_text(checkpoint.folder / ".git/config"))


def _names_repository(file: str) -> Callable[[ModelInfo], str]:
    return lambda record: f"its {file} names {record.huggingface_id!r}"


def _mentioned(text: str) -> Callable[[ModelInfo], int | None]:
    """Return where a text first names a record's repository, and no longer name that begins so."""

    def place_of(record: ModelInfo) -> int | None:
        name = re.escape(record.huggingface_id.lower())
        found = re.search(rf"(?<![\w.-]){name}(?![\w-]|\.\w(?!it\b))", text)
        return None if found is None else found.start()

    return place_of


def _says(text: str) -> Callable[[ModelInfo], str]:
    return lambda _: text


def _named(name: str) -> Callable[[ModelInfo], int | None]:
    """Return whether a name, or the last part of a path, is that of a record."""
    parts = PurePosixPath(name.replace("\\", "/").lower()).parts
    # A path into the Hub's cache ends with the commit.
    cached = [part for part in parts if part.startswith("models--")]
    last = (cached or list(parts) or [""])[-1].removeprefix("models--")
    last = last.replace("--", "/").replace("__", "/").rpartition("/")[2]

    def place_of(record: ModelInfo) -> int | None:
        own = record.huggingface_id.rpartition("/")[2].lower(), record.id, *record.aliases
        return 0 if last in own else None

    return place_of


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_TEXT).lower()
    except OSError:
        return ""
