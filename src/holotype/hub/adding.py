"""Make a catalogue entry from a checkpoint; what the checkpoint does not say stays null."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.open_clip import OPEN_CLIP_FILE
from holotype.encoders.kinds.derived_record import recognise_kind
from holotype.errors import CatalogueFileError, UnsupportedCheckpointError
from holotype.hub import json_text
from holotype.hub.checkpoint_files import CheckpointFiles
from holotype.hub.fields import POINTERS, empty_record
from holotype.hub.fixing import FOLDER, HUB, entries, with_source
from holotype.hub.network_names import network_name
from holotype.hub.reading import compare_with_checkpoint
from holotype.naming import kebab_case
from holotype.references.entry import RECORDS

_ENCODINGS = {
    "dense": ("pooling", "normalize", "similarity", "query_prompt", "document_prompt"),
    "colbert": (
        *("normalize", "similarity", "query_prompt", "document_prompt"),
        *("query_length", "document_length", "query_marker", "document_marker"),
        *("query_expansion", "attend_to_expansion_tokens", "skiplist"),
    ),
    "sparse": ("pooling", "activation", "similarity", "query_prompt", "document_prompt"),
    "cross-encoder": ("activation", "query_prompt", "document_prompt"),
    "classifier": ("activation", "labels", "multi_label"),
    "image-text": (
        *("normalize", "similarity", "query_prompt", "document_prompt", "text_padding"),
        *("text_length", "lower_case", "remove_punctuation", "logit_scale", "logit_bias"),
    ),
    "captioner": (
        *("prompt", "num_beams", "max_new_tokens", "max_length", "min_length"),
        *("length_penalty", "repetition_penalty"),
    ),
}
_WITH_VECTORS = ("dense", "colbert", "sparse", "image-text")
_DESCRIPTIONS = {
    "dense": "Dense embedding model",
    "colbert": "Late-interaction retriever",
    "sparse": "Learned sparse retriever",
    "cross-encoder": "Reranker that scores a query and a document together",
    "classifier": "Text classifier",
    "image-text": "Embedding model for images and text",
    "captioner": "Captioner that writes text for images",
}
_DERIVED = "derived from the kind of model"


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry that is not in a catalogue yet.

    Attributes:
        values: the entry.
        notes: the parts of the checkpoint that could not be read, and why.
    """

    values: Mapping[str, Any]
    notes: tuple[str, ...]


def statements(
    files: CheckpointFiles, huggingface_id: str, kind: str
) -> tuple[dict[str, Setting[Any]], tuple[str, ...]]:
    """Return what a checkpoint says, by record field, and notes on what could not be read.

    Raises:
        CheckpointError: a file is damaged.
    """
    reading = compare_with_checkpoint(empty_record(huggingface_id, kind), files)
    said = {each.field: each.theirs for each in reading.comparisons if each.theirs is not None}
    notes = (*([] if reading.refusal is None else [reading.refusal]), *reading.notes)
    return {field: said[field] for field in POINTERS if field in said}, notes


def make_entry(
    files: CheckpointFiles,
    huggingface_id: str,
    *,
    id: str,
    kind: str | None,
    revision: str | None,
) -> NewEntry:
    """Make an entry from a checkpoint.

    Args:
        files: the checkpoint.
        huggingface_id: its repository.
        id: the id of the entry.
        kind: the kind of model; None detects it.
        revision: the commit of the files; None uses the repository's. A folder of no commit is
            not on the Hub, and its files are a source of their own.

    Raises:
        CheckpointError: a file is damaged.
        UnsupportedCheckpointError: the files lack a fact that an entry requires.
    """
    kind = kind or recognise_kind(files.checkpoint)
    if kind not in RECORDS:
        raise UnsupportedCheckpointError(
            files.location, f"{kind!r} is not a known kind; use one of {', '.join(RECORDS)}"
        )
    said, notes = statements(files, huggingface_id, kind)
    if kind in _WITH_VECTORS and "embedding_dim" not in said:
        raise UnsupportedCheckpointError(
            files.location,
            f"does not state the vector size that an entry of the kind {kind} requires; "
            "write the entry by hand" + "".join(f". {note}" for note in notes),
        )
    source = FOLDER if files.repository is None and revision is None else HUB
    entry = _skeleton(huggingface_id, id, kind, source)
    provenance = entry["provenance"]
    if files.checkpoint.is_open_clip:
        provenance["*"] = f"{source}: {OPEN_CLIP_FILE}"
    if kind == "colbert":
        entry["encoding"]["similarity"] = "maxsim"
        provenance["/encoding/similarity"] = f"{source}: {_DERIVED}"
    for field, setting in said.items():
        *groups, key = POINTERS[field]
        target: dict[str, Any] = entry
        for group in groups:
            target = target.setdefault(group, {})
        target[key] = _as_json(setting.value)
        provenance["/" + "/".join(POINTERS[field])] = f"{source}: {setting.file}"
    commit = files.repository.commit if files.repository else revision
    entry["revision"] = commit
    if commit is not None:
        provenance["/revision"] = f"{HUB}: the newest commit" if revision is None else HUB
    if "image" in entry or kind in ("image-text", "captioner"):
        entry["capabilities"]["modalities"] = ["image", "text"]
    entry["description"] = _description(kind, said)
    ordered = {key: entry[key] for key in _ORDER if key in entry}
    return NewEntry(ordered, notes)


def propose_id(huggingface_id: str, kind: str, models: Sequence[Mapping[str, Any]]) -> str:
    """Propose an unused id: the name of the repository in kebab-case.

    If another mode of the repository has it, the kind follows; if another model has it, the
    organization goes in front.
    """
    organization, _, name = huggingface_id.rpartition("/")
    short = kebab_case(name)
    own = f"{kebab_case(organization)}-{short}"
    repositories = {str(model.get("huggingface_id")).lower() for model in models}
    more = (f"{short}-{kind}", own) if huggingface_id.lower() in repositories else (own,)
    taken = taken_names(models)
    return next((each for each in (short, *more) if each not in taken), f"{own}-{kind}")


def taken_names(models: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the ids and aliases of a catalogue's entries."""
    ids = {str(model.get("id")) for model in models}
    aliases = {
        str(alias) for model in models for alias in (model.get("lineage") or {}).get("aliases", ())
    }
    return frozenset(ids | aliases)


def require_new(
    models: Sequence[Mapping[str, Any]], huggingface_id: str, kind: str, id: str | None
) -> None:
    """Refuse a model that the catalogue already has.

    Raises:
        CatalogueFileError: the catalogue has the model, or the id is taken.
    """
    for model in models:
        name = str(model.get("huggingface_id"))
        if name.lower() == huggingface_id.lower() and model.get("type") == kind:
            raise CatalogueFileError(
                "",
                f"the catalogue already has {huggingface_id} as {model.get('id')}, of the kind {kind}; "
                f"compare it with: holotype verify {model.get('id')}",
            )
    if id is not None and id in taken_names(models):
        raise CatalogueFileError("", f"the id {id!r} is taken; choose another with --id")


EMPTY_CATALOGUE = '{\n  "version": "0.1.0",\n  "sources": {},\n  "models": []\n}\n'
"""A catalogue that waits for its first entry."""

_MEMBERS: Mapping[str, Any] = {"version": "0.1.0", "sources": {}, "models": []}


def completed(text: str) -> str:
    """Return a catalogue with every member that it must have, also if it was an empty file.

    A text that is not the beginning of a catalogue is returned as it is.
    """
    if not text.strip():
        return EMPTY_CATALOGUE
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(values, dict) or not set(values) <= {"$schema", *_MEMBERS}:
        return text
    for key, value in _MEMBERS.items():
        if key not in values:
            text = json_text.insert_member(text, (), key, value)
    return text


def with_entry(text: str, entry: Mapping[str, Any]) -> str:
    """Insert an entry into a catalogue, after the last one of its kind or at the end.

    A catalogue without models, or the beginning of one, gets what it lacks.

    Raises:
        CatalogueFileError: the text is not a catalogue.
    """
    text = completed(text)
    source = str(entry["provenance"]["*"]).partition(":")[0]
    kinds = [model.get("type") for model in entries(text)]
    if not kinds:
        return with_source(json_text.replace(text, ("models",), [entry]), source)
    same = [at for at, kind in enumerate(kinds) if kind == entry["type"]]
    at = same[-1] + 1 if same else len(kinds)
    return with_source(json_text.insert_item(text, ("models",), at, entry), source)


_ORDER = (
    *("id", "type", "name", "huggingface_id", "organization", "release_date", "license"),
    *("description", "architecture", "specs", "image", "files", "capabilities", "performance"),
    *("dependencies", "revision", "encoding", "provenance"),
)


def _skeleton(huggingface_id: str, id: str, kind: str, source: str) -> dict[str, Any]:
    organization, _, name = huggingface_id.rpartition("/")
    named = f"{source}: {'the name of the repository' if source == HUB else 'named by hand'}"
    sizes = ("parameters", "embedding_dim", "hidden_dim", "context_length")
    return {
        "id": id,
        "type": kind,
        "name": name,
        "huggingface_id": huggingface_id,
        "organization": organization,
        "release_date": None,
        "license": None,
        "architecture": {"type": None, "variant": None, "has_projection": None},
        "specs": dict.fromkeys((*sizes, "max_position_embeddings", "vocab_size")),
        "files": {
            "tokenizer": None,
            "config": None,
            "weights": {"safetensors": None, "pytorch": None, "onnx": None},
        },
        "capabilities": {
            "languages": None,
            "modalities": ["text"],
            "multi_vector": kind == "colbert",
            "quantization": None,
        },
        "performance": {"beir_avg": None, "ms_marco_mrr10": None},
        "encoding": dict.fromkeys(_ENCODINGS[kind]),
        "provenance": {
            "*": f"{source}: config.json",
            "/id": named,
            "/name": named,
            "/huggingface_id": named,
            "/organization": named,
            "/description": f"{source}: composed of the other values",
            "/capabilities": f"{source}: {_DERIVED}",
        },
    }


def _description(kind: str, said: Mapping[str, Setting[Any]]) -> str:
    def value(field: str) -> Any:
        return said[field].value if field in said else None

    first = _DESCRIPTIONS[kind]
    if kind in ("dense", "colbert", "image-text"):
        each = " for every token" if kind == "colbert" else ""
        first += f" with {value('embedding_dim')}-dimensional vectors{each}"
    elif kind == "sparse":
        first += f" with a weight for each of {value('embedding_dim'):,} vocabulary entries"
    elif kind == "classifier" and value("labels"):
        first += f" with {len(value('labels'))} labels"
    if value("architecture_type") in (None, "static"):
        table = " It is a table of token vectors without a network."
        return f"{first}." + (table if value("architecture_type") else "")
    stated = value("architecture_type")
    second = f" {network_name(stated) or f'A {stated}'} network"
    if (value("parameters") or 0) >= 1_000_000:
        second += f" of {value('parameters') / 1e6:,.0f} million parameters"
    if value("context_length"):
        second += f" that reads up to {value('context_length'):,} tokens"
    return f"{first}.{second}."


def _as_json(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
