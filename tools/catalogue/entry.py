"""Candidates, the selection and what was set by hand → the entries of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalogue.describe import describe
from catalogue.facts import DERIVED, Candidates, Fact, best
from catalogue.provenance import compact, key_of
from holotype_codegen.schema import load_schema

MAINTAINERS = "maintainers"

_DEFINITIONS = load_schema()["$defs"]
_FIELDS_OF_GROUPS = {
    group: schema["properties"]
    for group, schema in _DEFINITIONS["model"]["properties"].items()
    if "properties" in schema and group != "lineage"
}
"""The fields of each group that every entry has, in their order."""

_OPTIONAL = frozenset(
    f"/{group}/{field}"
    for group, fields in _FIELDS_OF_GROUPS.items()
    for field in fields
    if field not in _DEFINITIONS["model"]["properties"][group].get("required", ())
)
"""Fields that are left out where nothing is known of them."""

_OF_PICTURES = ("image_prompt", "query_suffix")
"""Fields of the encoding that are left out of models that read text only."""

_NULLABLE = ("license", "revision", "release_date")
"""Fields of the entry itself whose key is required, also where nothing is known."""


def choose(candidates: Candidates, by_hand: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return one fact for every pointer: what was set by hand, else the best-founded candidate.

    A value that was set to null by hand withdraws what the fact files say.
    """
    chosen = {pointer: best(facts) for pointer, facts in candidates.items()}
    chosen |= by_hand
    return {p: fact for p, fact in chosen.items() if fact is not None and fact.value is not None}


def build(
    selected: Mapping[str, Any],
    facts: dict[str, Fact],
    organizations: Mapping[str, str],
) -> dict[str, Any]:
    """Return the entry of one selected model.

    Args:
        selected: the model's line in the selection: `id`, `type`, `huggingface_id`, and where
            they are wanted `name`, `aliases`, `focus`.
        facts: one fact for every known pointer.
        organizations: how an organization of the Hub is called, where its account name differs.
    """
    kind = selected["type"]
    facts = facts | _derived(kind, facts)
    values = {pointer: fact.value for pointer, fact in facts.items()}
    account, _, repository = selected["huggingface_id"].partition("/")
    entry: dict[str, Any] = {
        "id": selected["id"],
        "type": kind,
        "name": selected.get("name", repository),
        "huggingface_id": selected["huggingface_id"],
        "organization": organizations.get(account, account),
        "release_date": values.get("/release_date"),
        "license": values.get("/license"),
        "description": describe(kind, values, selected.get("focus")),
    }
    for group, fields in _FIELDS_OF_GROUPS.items():
        entry[group] = _group(group, tuple(fields), values)
    entry["files"]["weights"] = _weights(values)
    entry["variants"] = values.get("/variants")
    entry["revision"] = values.get("/revision")
    entry["encoding"] = {
        field: values.get(f"/encoding/{field}")
        for field in _DEFINITIONS[f"{kind}-encoding"]["properties"]
        if field not in _OF_PICTURES or f"/encoding/{field}" in values
    }
    entry["lineage"] = _lineage(selected, values)
    entry["provenance"] = compact(_sources(entry, facts))
    return {key: value for key, value in entry.items() if value or key in _NULLABLE}


def _derived(kind: str, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return the facts that follow from others, or from the kind alone."""
    derived: dict[str, Any] = {"/capabilities/multi_vector": kind == "colbert"}
    if "/capabilities/modalities" not in facts:
        reads = ["image", "text"] if kind in ("image-text", "captioner") else ["text"]
        derived["/capabilities/modalities"] = reads
    if any(f"/architecture/matryoshka_{name}" in facts for name in ("dims", "range")):
        derived["/capabilities/matryoshka"] = True
    if kind == "colbert" and "/encoding/similarity" not in facts:
        derived["/encoding/similarity"] = "maxsim"
    if kind == "sparse" and "/specs/vocab_size" in facts:
        derived["/specs/embedding_dim"] = facts["/specs/vocab_size"].value
    return {pointer: Fact(value, DERIVED) for pointer, value in derived.items()}


def _group(group: str, fields: tuple[str, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    pointers = {field: f"/{group}/{field}" for field in fields}
    return {
        field: values.get(pointer)
        for field, pointer in pointers.items()
        if pointer in values or pointer not in _OPTIONAL
    }


def _weights(values: Mapping[str, Any]) -> dict[str, Any]:
    formats = ("safetensors", "pytorch", "onnx")
    return {f: values.get(f"/files/weights/{f}") for f in formats}


def _lineage(selected: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    lineage = {
        "aliases": selected.get("aliases"),
        "adapted_from": values.get("/lineage/adapted_from"),
        "superseded_by": values.get("/lineage/superseded_by"),
    }
    return {field: value for field, value in lineage.items() if value}


def _sources(entry: Mapping[str, Any], facts: Mapping[str, Fact]) -> dict[str, str]:
    """Return the source of every value that the entry holds."""
    ours = ["/id", "/name", "/organization", "/description"]
    if "aliases" in entry["lineage"]:
        ours.append("/lineage/aliases")
    sources = {p: fact.source for p, fact in facts.items() if _holds(entry, p)}
    return sources | dict.fromkeys(ours, MAINTAINERS)


def _holds(entry: Mapping[str, Any], pointer: str) -> bool:
    value: Any = entry
    for part in pointer.split("/")[1:]:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return value is not None


def used_sources(entries: list[dict[str, Any]]) -> list[str]:
    """Return the keys of the sources that the entries name, in the order of the alphabet."""
    return sorted({key_of(text) for entry in entries for text in entry["provenance"].values()})
