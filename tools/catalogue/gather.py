"""All that the fact files say of a model, also through the model that it was made from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalogue.claims import Claims, from_claims
from catalogue.decoders import shapes_of_decoders
from catalogue.facts import (
    MTEB,
    Candidates,
    Fact,
    best,
    from_encoding_facts,
    from_mteb,
    from_scores,
    mteb_kind,
)
from catalogue.families import (
    Body,
    bases,
    bodies,
    from_bodies,
    inherited,
    is_larger,
    vocabularies_of,
    without_changed_modules,
)
from catalogue.files import from_counts_of_files, from_read_files
from catalogue.provenance import key_of
from catalogue.reconcile import reconcile
from catalogue.shapes import SHAPES, from_counts

Rows = Mapping[str, Mapping[str, Any]]
ByHand = Mapping[tuple[str, str], Mapping[str, Fact]]

_BASE = "/lineage/adapted_from"
_NETWORK = "/architecture/type"
_LENGTH = "/specs/context_length"
_OF_A_COMMIT = re.compile(r"hub: .* @ [0-9a-f]{7,40}$")
_SETTINGS = (
    "/architecture/has_projection",
    "/encoding/document_prompt",
    "/encoding/normalize",
    "/encoding/pooling",
    "/encoding/query_prompt",
    _LENGTH,
)
"""What authors change in a repository without training the model again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatherer:
    """The fact files, and what was set by hand by kind and repository."""

    encoding: Rows
    mteb: Rows
    scores: Rows
    by_hand: ByHand
    claims: Claims = field(default_factory=dict)
    bodies: list[Body] = field(init=False)
    bases: dict[str, dict[str, Fact]] = field(init=False)
    stated: frozenset[int] = field(init=False)
    shared: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        """Learn the transformers and the vocabularies that the files describe."""
        object.__setattr__(self, "bodies", bodies(self.encoding, self.mteb))
        object.__setattr__(self, "bases", bases(self.encoding))
        object.__setattr__(self, "stated", _vocabularies(self.encoding))
        object.__setattr__(self, "shared", vocabularies_of(self.mteb))

    def said(self, repository: str, kind: str, *, secondary: bool = False) -> Candidates:
        """Return all that is said of a model, run as a model of this kind.

        Args:
            repository: the model's repository.
            kind: the type of the entry.
            secondary: whether this is a further mode of the repository, which has no scores.
        """
        return self._said(repository, kind, secondary=secondary, below=())

    def _said(
        self, repository: str, kind: str, *, secondary: bool, below: tuple[str, ...]
    ) -> Candidates:
        found = from_claims(self.claims.get(repository, ()), kind)
        if repository in self.encoding:
            _add(found, from_encoding_facts(self.encoding[repository], kind))
            _add(found, self._shape_of_base(self.encoding[repository]))
        row = self.mteb.get(repository)
        if row is not None and row["modalities"] != ["text"]:
            # The counts of a network for images beside the one for text prove no shape, and the
            # registry gives a language model that reads images its positions as length.
            told = from_mteb(row, kind)
            if kind != "image-text":
                told.pop(_LENGTH, None)
            _add(found, told)
        elif row is not None:
            counted = from_counts(row)
            _add(found, counted)
            if not counted:
                _add(found, from_bodies(row, self.bodies, self.stated, self.shared))
            _add(found, shapes_of_decoders(row))
            _add(found, from_mteb(row, kind))
            self._withdraw_smaller_bases(found)
            _add(found, self._from_base(row, kind, found, (*below, repository)))
            _add(found, from_counts_of_files(row, found))
        _add(found, from_read_files(found))
        if repository in self.scores and not secondary:
            _add(found, from_scores(self.scores[repository], kind))
        _prefer_the_pinned_commit(found)
        _withdraw_changed_values(found)
        return found

    def _shape_of_base(self, line: Mapping[str, Any]) -> Candidates:
        """A network trained further keeps its shape; a table of vectors made of it does not."""
        if line["model_kind"] == "static":
            return {}
        shape = self.bases.get(line["base_model"] or "", {})
        return {pointer: [fact] for pointer, fact in shape.items()}

    def _withdraw_smaller_bases(self, found: Candidates) -> None:
        found[_BASE] = [
            fact
            for fact in found.get(_BASE, [])
            if key_of(fact.source) != MTEB
            or not is_larger(found, fact.value, self.bases.get(fact.value, {}))
        ]

    def _from_base(
        self, row: Mapping[str, Any], kind: str, found: Candidates, below: tuple[str, ...]
    ) -> Candidates:
        named = best(found.get(_BASE, []))
        if named is None or named.value in below or named.value not in self.mteb:
            return {}
        base: str = named.value
        base_kind = mteb_kind(self.mteb[base]) or kind
        said = self._said(base, base_kind, secondary=False, below=below)
        reconcile(said, base_kind)
        facts = {p: fact for p, facts in said.items() if (fact := best(facts)) is not None}
        facts = without_changed_modules(facts, said)
        facts |= self.by_hand.get((base_kind, base), {})
        known = {p: fact for p, fact in facts.items() if fact.value is not None}
        own, other = best(found.get(_NETWORK, [])), known.get(_NETWORK)
        if own is not None and other is not None and own.value != other.value:
            # A student of another network: it learnt from the base and is not made of it.
            return {}
        return inherited(row, base, self.mteb[base], known)


def _vocabularies(encoding: Rows) -> frozenset[int]:
    """Return the vocabularies that a file or a proven shape gives."""
    stated = {
        row["vocab_size"]
        for row in encoding.values()
        if row.get("vocab_size") and "memory" not in row["sources"].get("vocab_size", "memory")
    }
    return frozenset(stated | {shape.vocab for shape in SHAPES})


def _prefer_the_pinned_commit(found: Candidates) -> None:
    """Put what a file says at the commit of the entry before what it says at another one."""
    pinned = best(found.get("/revision", []))
    if pinned is None:
        return
    for facts in found.values():
        facts.sort(key=lambda fact: not _is_at(fact.source, pinned.value))


def _withdraw_changed_values(found: Candidates) -> None:
    """Withdraw settings on which files of other commits disagree, if none is of the pinned one.

    Authors add a normalisation later, and nothing tells on which side of it the pinned commit lies.
    """
    pinned = best(found.get("/revision", []))
    for pointer in _SETTINGS:
        facts = found.get(pointer, [])
        dated = [fact for fact in facts if _OF_A_COMMIT.match(fact.source)]
        changed = any(fact.value != dated[0].value for fact in dated)
        read = pinned is not None and any(_is_at(fact.source, pinned.value) for fact in dated)
        if changed and not read:
            found[pointer] = [fact for fact in facts if fact not in dated]


def _is_at(source: str, revision: str) -> bool:
    _, _, commit = source.partition(" @ ")
    return bool(commit) and revision.startswith(commit)


def _add(found: Candidates, more: Candidates) -> None:
    for pointer, facts in more.items():
        found.setdefault(pointer, []).extend(facts)
