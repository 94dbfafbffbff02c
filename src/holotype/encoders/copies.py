"""Tell a folder that holds a model of the catalogue, whose prompts its own files may not state.

A prompt is a fact that often stands on a model's card alone, so that a copy of the files loses it.
What proves where files come from makes the folder the catalogue's model: the layout of the Hub's
cache, what a download noted beside the files, or the manifest of an export. A name in a
configuration or on a card proves nothing, because a model that was tuned from another one has it,
too; it is worth a warning. `docs/decisions/0025` has the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from holotype.encoders.checkpoints.checkpoint import EXPORT_FILE, Checkpoint
from holotype.encoders.checkpoints.hub_cache import find_snapshot
from holotype.encoders.checkpoints.settings import CONFIG_FILE
from holotype.encoders.kinds.derived_record import recognise_kind
from holotype.encoders.kinds.plan import AnyPlan
from holotype.records import ModelInfo

_PROMPTS = ("query_prompt", "document_prompt")
_SHAPE = (
    *("embedding_dim", "hidden_dim", "vocab_size", "layers", "max_position_embeddings"),
    *("architecture_type", "pooling", "normalize"),
)
_DOWNLOADS = Path(".cache/huggingface/download")
"""Where `hf download --local-dir` notes the commit of each file."""
_MOST_TEXT = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Resemblance:
    """A model of the catalogue that a folder seems to hold.

    Attributes:
        record: the model.
        evidence: what names it, as in "its config.json names 'org/model'".
    """

    record: ModelInfo
    evidence: str

    @property
    def loss(self) -> str:
        """What is lost without the record, as what follows the name of the folder."""
        prompts = ", ".join(
            f"{field}={getattr(self.record, field)!r}"
            for field in _PROMPTS
            if getattr(self.record, field, None)
        )
        return (
            f"states no prompts and is run without any, but {self.evidence}, and the catalogue runs "
            f"{self.record.id!r} with {prompts}"
        )


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


def find_resemblance(plan: AnyPlan) -> Resemblance | None:
    """Return the model of the catalogue that a plan without prompts seems to be of; None if none.

    The shape must agree, and something must name the model: a configuration, the folder, or the
    card. Models of the catalogue without prompts do not count, since nothing is lost of them.

    Args:
        plan: how the folder is run, by its own files.
    """
    encoding: Any = plan.encoding
    lost = [
        field
        for field in _PROMPTS
        if hasattr(encoding, field) and not getattr(encoding, field).text.strip()
    ]
    if len(lost) < len(_PROMPTS):
        return None
    stated = {found.field: found.theirs.value for found in plan.comparisons if found.theirs}
    similar = [
        record
        for record in _records()
        if record.type == plan.record.type
        and any(getattr(record, field, None) for field in lost)
        and all(
            getattr(record, field, None) in (None, stated[field])
            for field in _SHAPE
            if field in stated
        )
    ]
    if not similar:
        return None
    for evidence, names in _evidence(plan.checkpoint):
        named = [record for record in similar if names(record)]
        if named:
            return Resemblance(record=named[0], evidence=evidence(named[0]))
    return None


def _records() -> tuple[ModelInfo, ...]:
    from holotype.models import MODEL_REGISTRY

    return MODEL_REGISTRY


def _by_export(checkpoint: Checkpoint) -> list[ModelInfo]:
    """Return the record that an export of holotype's says it was made by."""
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
    """Return the records at whose revision all files were downloaded, and not changed since."""
    noted = _noted_commits(checkpoint.folder, unchanged=True)
    weights = checkpoint.weight_names()
    commits = {noted.get(name) for name in (CONFIG_FILE, *weights)}
    if not weights or len(commits) != 1 or None in commits:
        return []
    return [record for record in _records() if record.revision in commits]


def _noted_commits(folder: Path, *, unchanged: bool) -> dict[str, str]:
    """Return the commit of each file that a download noted, by the name of the file."""
    commits: dict[str, str] = {}
    notes = folder / _DOWNLOADS
    for note in sorted(notes.rglob("*.metadata")) if notes.is_dir() else ():
        name = note.relative_to(notes).with_suffix("").as_posix()
        try:
            commit, _, time = note.read_text(encoding="utf-8").split("\n")[:3]
            # huggingface_hub allows the same second between the file and its note.
            is_as_noted = (folder / name).stat().st_mtime - 1 <= float(time)
        except (OSError, ValueError):
            continue
        if is_as_noted or not unchanged:
            commits[name] = commit.strip()
    return commits


def _evidence(
    checkpoint: Checkpoint,
) -> Iterator[tuple[Callable[[ModelInfo], str], Callable[[ModelInfo], bool]]]:
    """Yield what may name a model: how to say it, and whether it names a record."""
    commits = set(_noted_commits(checkpoint.folder, unchanged=False).values())
    yield (
        lambda record: f"it was downloaded from {record.huggingface_id!r}",
        lambda record: record.revision in commits,
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
    for file in ("README.md", ".git/config"):
        text = _text(checkpoint.folder / file)
        yield _names_repository(file), _contains_repository(text)


def _names_repository(file: str) -> Callable[[ModelInfo], str]:
    return lambda record: f"its {file} names {record.huggingface_id!r}"


def _contains_repository(text: str) -> Callable[[ModelInfo], bool]:
    return lambda record: record.huggingface_id.lower() in text


def _says(text: str) -> Callable[[ModelInfo], str]:
    return lambda _: text


def _named(name: str) -> Callable[[ModelInfo], bool]:
    """Return whether a name, or the last part of a path, is that of a record."""
    last = PurePosixPath(name.replace("\\", "/")).name.lower()
    last = last.removeprefix("models--").replace("--", "/").replace("__", "/").rpartition("/")[2]

    def names(record: ModelInfo) -> bool:
        own = record.huggingface_id.rpartition("/")[2].lower(), record.id, *record.aliases
        return last in own

    return names


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_TEXT).lower()
    except OSError:
        return ""
