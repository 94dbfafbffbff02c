"""Which models the catalogue holds, and what they are called.

What a maintainer selected by hand comes with its own id. Every other open model of mteb's registry
that reads text, or text and images, is selected by rule and named after its repository. An id, once
given, stays: the previous catalogue is asked first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from catalogue.facts import mteb_kind
from holotype_codegen.naming import kebab_case

KINDS = (
    *("colbert", "dense", "sparse", "cross-encoder", "classifier"),
    *("image-text", "captioner"),
)
"""The kinds, in the order in which the catalogue lists them."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_JOINED_WORDS = re.compile(r"(?<=[A-Za-z][a-z]{3})(?=[A-Z][A-Za-z]{3})")
"""Where a name joins two long words by a capital, as ModernBERT does."""

_READS = {"text", "image"}

Model = Mapping[str, Any]
Rows = Mapping[str, Mapping[str, Any]]
Ids = Mapping[tuple[str, str], str]


def complete(selection: Mapping[str, Any], mteb: Rows, previous: Ids) -> list[dict[str, Any]]:
    """Return all models of the catalogue, in its order.

    Args:
        selection: `models`, selected by hand, and `excluded`, repositories and why they stay out.
        mteb: the registry, by repository.
        previous: the ids that were given before, by kind and repository.
    """
    by_hand = [dict(model) for model in selection["models"]]
    taken = {(model["type"], model["huggingface_id"]) for model in by_hand}
    repositories = {model["huggingface_id"] for model in by_hand} | set(selection["excluded"])
    rows = (row for name, row in sorted(mteb.items()) if name not in repositories)
    by_rule = [
        {"id": previous.get(key), "type": key[0], "huggingface_id": key[1]}
        for row in rows
        if _is_usable(row) and (key := (mteb_kind(row) or "", row["huggingface_id"])) not in taken
    ]
    _name(by_rule, by_hand)
    return sorted(by_hand + by_rule, key=place)


def plain_id(repository: str) -> str:
    """Return the id that a repository's name gives: lower case, words joined by hyphens."""
    return kebab_case(repository.partition("/")[2])


def _is_usable(row: Mapping[str, Any]) -> bool:
    """Whether a model reads text and at most images, and has a known kind, width and commit."""
    kind = mteb_kind(row)
    if row["is_baseline"] or kind is None or not _READS >= set(row["modalities"]) >= {"text"}:
        return False
    if not _COMMIT.fullmatch(row["revision"] or ""):
        return False
    return kind in ("cross-encoder", "captioner") or row["embed_dim"] is not None


def _name(by_rule: list[dict[str, Any]], by_hand: list[dict[str, Any]]) -> None:
    """Give every model that has none an id; the organization stands before a name that is taken."""
    named = [model for model in (*by_hand, *by_rule) if model["id"]]
    names = [name for model in named for name in (model["id"], *model.get("aliases", ()))]
    unnamed = [model for model in by_rule if not model["id"]]
    wanted = Counter(_spoken(plain_id(model["huggingface_id"])) for model in unnamed)
    taken = {_spoken(name) for name in names}
    for model in unnamed:
        name = plain_id(model["huggingface_id"])
        if _spoken(name) in taken or wanted[_spoken(name)] > 1:
            organization = model["huggingface_id"].partition("/")[0]
            name = f"{plain_id(f'/{organization}')}-{name}"
        model["id"] = name
    taken |= {_spoken(model["id"]) for model in by_rule}
    for model in by_rule:
        alias = plain_id(_JOINED_WORDS.sub("-", model["huggingface_id"]))
        if alias != plain_id(model["huggingface_id"]) and _spoken(alias) not in taken:
            model["aliases"] = [alias]
            taken.add(_spoken(alias))


def _spoken(name: str) -> str:
    """Return what two names must not share: they become constants, which have no dots."""
    return name.replace(".", "-")


def place(model: Model) -> tuple[int, list[tuple[int, int, str]], str]:
    """Return a key that puts models in the catalogue's order: by kind, then by repository."""
    parts = re.split(r"(\d+)", model["huggingface_id"].lower().replace("_", "-"))
    numbered = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part]
    kind = KINDS.index(model["type"]) if model["type"] in KINDS else len(KINDS)
    return kind, numbered, model["huggingface_id"]


def ids_of(entries: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Return the ids of a catalogue's entries, by kind and repository."""
    return {(entry["type"], entry["huggingface_id"]): entry["id"] for entry in entries}
