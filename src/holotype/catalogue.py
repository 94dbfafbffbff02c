"""Queries over the records of one catalogue; each costs no more than the size of its result.

A generated module builds one `Catalogue` from its records and exposes its methods as functions.
Indexes are built on first use, never at import.
"""

from __future__ import annotations

import re
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar, cast

from holotype.errors import (
    AmbiguousModelError,
    CriterionError,
    DeprecatedModelWarning,
    InvalidArgumentError,
    ModelNotFoundError,
)
from holotype.naming import nearest
from holotype.records import ModelInfo

IdT = TypeVar("IdT", bound=str)
Records: TypeAlias = tuple[ModelInfo, ...]

INDEXED = ("type", "organization", "language")
"""The criteria by which the records of a catalogue are indexed."""


class Catalogue(Generic[IdT]):
    """The records of one `models.json`, in file order, with indexes.

    Lookups by name find a deprecated model with a `DeprecatedModelWarning`; no list includes it.

    Args:
        records: all records, in file order.
    """

    def __init__(self, records: Iterable[ModelInfo]) -> None:
        """Keep the records; indexes are built on first use."""
        self.records = tuple(records)

    def __repr__(self) -> str:
        """Show how many models there are."""
        return f"{type(self).__name__}({len(self.records)} models)"

    def get_model(self, id: str) -> ModelInfo:
        """Return the record with this id, alias or Hugging Face id, in any letter case.

        Type checkers accept ids only; `find_model` takes any text.

        Raises:
            ModelNotFoundError: no record has it; the error suggests the nearest names.
            AmbiguousModelError: it is a Hugging Face id with several entries; the error names them.
        """
        try:
            # Most names are ids, which need no index over all names.
            record: ModelInfo | None = self._by_id[id]
        except (KeyError, TypeError):
            record = self._named(id)
        if record is None:
            raise ModelNotFoundError(id, self.suggestions(id))
        if record.deprecated:
            _warn_deprecated(record)
        return record

    def find_model(self, id: str) -> ModelInfo | None:
        """Return the record with this id, alias or Hugging Face id, in any letter case, or None.

        Raises:
            AmbiguousModelError: it is a Hugging Face id with several entries; the error names them.
        """
        record = self._named(id)
        if record is not None and record.deprecated:
            _warn_deprecated(record)
        return record

    def get_model_by_hf_id(self, hf_id: str, type: str | None = None) -> ModelInfo:
        """Return the record of a Hugging Face repository, `organization/name` in any case.

        Args:
            hf_id: the repository.
            type: the kind, for a repository with several modes.

        Raises:
            ModelNotFoundError: the catalogue has no such repository, or none of that kind.
            AmbiguousModelError: it has several entries and `type` is None.
            CriterionError: there is no such kind.
        """
        if type is not None and type not in self._by_type:
            from holotype.criteria import meant_kind

            type = meant_kind(type, self._by_type)
        entries = self._by_hf_id.get(hf_id.lower(), ())
        found = [record for record in entries if type is None or record.type == type]
        if not entries:
            near = nearest(hf_id, (record.huggingface_id for record in self.records))
            raise ModelNotFoundError(hf_id, near, what="Hugging Face id")
        if not found:
            ids = [record.id for record in entries]
            raise ModelNotFoundError(hf_id, ids, what=f"type {type!s} and the Hugging Face id")
        if len(found) > 1:
            raise AmbiguousModelError(hf_id, [record.id for record in found])
        if found[0].deprecated:
            _warn_deprecated(found[0])
        return found[0]

    def models_by_type(self, type: str) -> Records:
        """Return the records of one kind, in file order.

        Args:
            type: a member of `ModelType`, its name or its value.

        Raises:
            CriterionError: there is no such kind; the error suggests one.
        """
        found = self._by_type.get(type) if isinstance(type, str) else None
        if found is not None:
            return found
        from holotype.criteria import meant_kind

        return self._by_type.get(meant_kind(type, self._by_type), ())

    def models_by_organization(self, organization: str) -> Records:
        """Return the records of one organization, in any letter case, in file order.

        Raises:
            CriterionError: no record is by that organization; the error suggests one.
        """
        found = isinstance(organization, str) and self._by_organization.get(organization.lower())
        if found:
            return found
        from holotype.criteria import meant_organization

        key = meant_organization(organization, self._owners)
        return self._by_organization.get(key, ())

    def models_by_language(self, language: str) -> Records:
        """Return the records of models made for a language, in file order.

        Args:
            language: a BCP 47 tag in any letter case, or a name such as `German`. It matches
                itself and more specific tags (basic filtering of RFC 4647): `zh` finds `zh-Hans`,
                not the other way round.

        Raises:
            CriterionError: there is no such language; the error suggests one.
        """
        found = self._by_language.get(language) if isinstance(language, str) else None
        if found is not None:
            return found
        from holotype.criteria import text_of
        from holotype.languages import meant_language

        key = meant_language(text_of("language", language), self._by_language)
        return self._by_language.get(key, ())

    def models_by_max_embedding_dim(self, max_dim: int, *, truncated: bool = False) -> Records:
        """Return the records whose vectors have at most `max_dim` dimensions, narrowest first.

        Args:
            max_dim: the largest dimension.
            truncated: use a Matryoshka model's smallest size instead of its native one.

        Raises:
            CriterionError: the dimension is not a number from 0 upwards.
        """
        if type(max_dim) is not int or max_dim < 0:
            from holotype.criteria import number_of

            max_dim = int(number_of("max_dim", max_dim))
        widths, records = self._by_smallest_dim if truncated else self._by_embedding_dim
        return records[: bisect_right(widths, max_dim)]

    def models_with_matryoshka(self) -> Records:
        """Return the records whose vectors can be truncated, in file order."""
        return self._with_matryoshka

    def list_model_ids(self, pattern: str = "*") -> tuple[IdT, ...]:
        """Return the ids that match a shell pattern such as `bge-*`, in natural order.

        The letter case does not matter. No id may match a pattern with wildcards.

        Raises:
            CriterionError: the pattern has no wildcard and is no id; the error suggests one.
        """
        import fnmatch

        if not isinstance(pattern, str):
            from holotype.criteria import text_of

            text_of("pattern", pattern)
        pattern = pattern.lower()
        prefix = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
        start = bisect_left(self._sorted_ids, prefix)
        stop = bisect_left(self._sorted_ids, prefix + "\U0010ffff")
        matches = re.compile(fnmatch.translate(pattern)).match
        ids = [id for id in self._sorted_ids[start:stop] if matches(id)]
        if not ids and prefix == pattern and pattern not in self._by_id:
            raise CriterionError("pattern", pattern, f"is no id; {self._wider(pattern)}")
        return cast("tuple[IdT, ...]", tuple(sorted(ids, key=natural_key)))

    def holds(self, record: ModelInfo) -> bool:
        """Return whether a record is one of these, with all its values."""
        return self._by_id.get(record.id) == record

    def followed_by(self, other: Catalogue[Any]) -> Catalogue[str]:
        """Return a catalogue of these records, and of those of another with an id of their own."""
        own = self._by_id
        return Catalogue((*self.records, *(each for each in other.records if each.id not in own)))

    def having(self, criterion: str, value: str) -> Records:
        """Return the records with a value by which they are indexed, in file order.

        Args:
            criterion: one of `INDEXED`.
            value: the value in lower case.
        """
        index: dict[str, Records] = getattr(self, f"_by_{criterion}")
        return index.get(value, ())

    def suggestions(self, name: str) -> list[str]:
        """Return the ids, or for a name with a slash the Hugging Face ids, that are the nearest."""
        if "/" in name:
            return nearest(name, (record.huggingface_id for record in self.records))
        return nearest(name, self._by_id)

    @cached_property
    def listed(self) -> Records:
        """All records that are not deprecated, in file order."""
        return tuple(record for record in self.records if not record.deprecated)

    @cached_property
    def _by_id(self) -> dict[str, ModelInfo]:
        return {record.id: record for record in self.records}

    @cached_property
    def _by_name(self) -> dict[str, ModelInfo]:
        aliases = {alias.lower(): record for record in self.records for alias in record.aliases}
        return aliases | self._by_id

    @cached_property
    def _by_hf_id(self) -> dict[str, Records]:
        return _grouped(self.records, lambda record: (record.huggingface_id.lower(),))

    @cached_property
    def _by_type(self) -> dict[str, Records]:
        return _grouped(self.listed, lambda record: (record.type,))

    @cached_property
    def _by_organization(self) -> dict[str, Records]:
        return _grouped(self.listed, lambda record: (record.organization.lower(),))

    @cached_property
    def _by_language(self) -> dict[str, Records]:
        return _grouped(self.listed, language_ranges)

    @cached_property
    def _with_matryoshka(self) -> Records:
        return tuple(record for record in self.listed if record.matryoshka)

    @cached_property
    def _by_embedding_dim(self) -> tuple[tuple[int, ...], Records]:
        return _ordered(self.listed, lambda record: record.embedding_dim)

    @cached_property
    def _by_smallest_dim(self) -> tuple[tuple[int, ...], Records]:
        return _ordered(self.listed, lambda record: record.smallest_dim)

    @cached_property
    def _sorted_ids(self) -> list[str]:
        return sorted(record.id for record in self.listed)

    @cached_property
    def _owners(self) -> dict[str, str]:
        return owners(self.listed)

    def _wider(self, name: str) -> str:
        """Return the pattern that was probably meant by a name, as a hint."""
        wider = next((f for f in (f"{name}*", f"*{name}*") if self.list_model_ids(f)), None)
        if wider is not None:
            return f"write {wider!r}"
        record = self._by_name.get(name.lower())
        near = [record.id] if record is not None else self.suggestions(name)
        return f"did you mean {near[0]!r}?" if near else "'*' matches every id"

    def _named(self, name: str) -> ModelInfo | None:
        """Return the record with this id, alias or Hugging Face id, in any letter case, or None."""
        if not isinstance(name, str):
            raise InvalidArgumentError(f"the id is {name!r}; expected a text such as 'bge-m3'")
        record = self._by_name.get(name.lower())
        if record is not None:
            return record
        entries = self._by_hf_id.get(name.lower(), ())
        if len(entries) > 1:
            raise AmbiguousModelError(name, [entry.id for entry in entries])
        return entries[0] if entries else None


def language_ranges(record: ModelInfo) -> set[str]:
    """Return every language range that matches the record: its lower-case tags and their prefixes."""
    ranges: set[str] = set()
    for tag in record.languages:
        subtags = tag.lower().split("-")
        ranges.update("-".join(subtags[:n]) for n in range(1, len(subtags) + 1))
    return ranges


def owners(records: Iterable[ModelInfo]) -> dict[str, str]:
    """Return each organization, and the account on the Hub of one of its models."""
    return {record.organization: record.huggingface_id.partition("/")[0] for record in records}


def _grouped(records: Records, keys: Callable[[ModelInfo], Iterable[str]]) -> dict[str, Records]:
    groups: dict[str, list[ModelInfo]] = {}
    for record in records:
        for key in keys(record):
            groups.setdefault(key, []).append(record)
    return {key: tuple(group) for key, group in groups.items()}


def _ordered(
    records: Records, width: Callable[[ModelInfo], int | None]
) -> tuple[tuple[int, ...], Records]:
    pairs = [(dim, record) for record in records if (dim := width(record)) is not None]
    pairs.sort(key=lambda pair: pair[0])
    return tuple(dim for dim, _ in pairs), tuple(record for _, record in pairs)


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts `v2` before `v10`, however long the numbers are."""
    texts = re.split("[0-9]+", name)
    numbers = [digits.lstrip("0") for digits in re.findall("[0-9]+", name)]
    key = [(-1, texts[0])]
    for number, text in zip(numbers, texts[1:], strict=True):
        key += [(len(number), number), (-1, text)]
    return key


def _warn_deprecated(record: ModelInfo) -> None:
    instead = f"; use {record.superseded_by!r}" if record.superseded_by else ""
    warnings.warn(
        f"model {record.id!r} is deprecated{instead}", DeprecatedModelWarning, stacklevel=3
    )
