"""Versions of models and their activations, as values; and the names that they may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import Row, Select, select

from holotype.errors import InvalidArgumentError
from holotype.registry.tables import (
    LONGEST_KIND,
    LONGEST_MODEL_ID,
    LONGEST_TEXT,
    LONGEST_VERSION_ID,
    activation,
    model,
    model_kind,
    model_version,
)

Action: TypeAlias = Literal["activate", "rollback"]

WITH_VECTORS = frozenset({"dense", "colbert", "sparse", "image-text"})
"""The types of models whose results are kept in indexes."""

_KIND = re.compile(rf"[a-z][a-z0-9_]{{0,{LONGEST_KIND - 1}}}")
_MODEL_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_MODEL_ID - 1}}}")
_VERSION_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._+-]{{0,{LONGEST_VERSION_ID - 1}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A version of a model; it never changes.

    Attributes:
        id: its number in the database.
        kind: what programs ask for, such as ``text_embedding``; each kind has one active version.
        type: the type of its model, such as ``dense``; all versions of a kind have the same.
        model_id: the model that it is a version of, such as ``bge-m3``.
        version_id: its name within the model, such as ``v1.0.0``.
        reference: the reference of its files, at a commit or in a folder of an artifact.
        source_repo: the repository on the Hub, or the reference that its artifact was made from.
        checkpoint_hash: the SHA-256 of its manifest, which has that of each file; 64 hexadecimal
            digits.
        fingerprint: the fingerprint of its vectors; None if it makes none.
        embedding_dim: the size of its vectors; None if it makes none.
        inference_config: the options of `load` that belong to the version, such as ``dim``.
        created_at: when it was registered, in UTC.
        created_by: who registered it.
    """

    id: int
    kind: str
    type: str
    model_id: str
    version_id: str
    reference: str
    source_repo: str
    checkpoint_hash: str
    fingerprint: str | None
    embedding_dim: int | None
    inference_config: Mapping[str, Any] = field(hash=False)
    created_at: datetime
    created_by: str

    @property
    def name(self) -> str:
        """The model and the version, such as ``bge-m3/v1.0.0``: one version of a kind."""
        return f"{self.model_id}/{self.version_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """One switch of a kind to a version; it never changes.

    Attributes:
        kind: the kind.
        generation: 1 for the first activation of the kind, then one more for each.
        version: the version that was active from then on.
        action: ``activate`` for a named version, or ``rollback`` to an earlier one.
        returns_to: the generation that a rollback goes back to; None if there is none.
        new_vector_space: whether the version before made other vectors.
        actor: who asked for it.
        reason: why; can be empty.
        request_id: the id of the request; the same request again is this activation.
        at: when, in UTC; never before the activation before.
    """

    kind: str
    generation: int
    version: ModelVersion
    action: Action
    returns_to: int | None
    new_vector_space: bool
    actor: str
    reason: str
    request_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPage:
    """Some versions, the newest first.

    Attributes:
        versions: the versions.
        next: what to pass as `before` for the next page; None on the last one.
    """

    versions: tuple[ModelVersion, ...]
    next: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSummary:
    """A kind at one moment.

    Attributes:
        kind: its name.
        type: the type of the models of its versions, such as ``dense``.
        n_versions: how many versions it has.
        active: the activation that it is at; None if none.
    """

    kind: str
    type: str
    n_versions: int
    active: Activation | None


def select_versions() -> Select[Any]:
    """Return the query of all versions; `version_of` reads its rows."""
    return (
        select(model_version, model.c.model_id, model_kind.c.type)
        .join(model, model.c.id == model_version.c.model)
        .join(model_kind, model_kind.c.name == model_version.c.kind)
    )


def select_activations() -> Select[Any]:
    """Return the query of all activations with their versions; `activation_of` reads its rows."""
    columns = [each.label(f"a_{each.name}") for each in activation.c]
    return (
        select_versions()
        .add_columns(*columns)
        .join(activation, activation.c.version == model_version.c.id)
    )


def version_of(row: Row[Any]) -> ModelVersion:
    """Return the version of a row of `select_versions`."""
    names = ModelVersion.__slots__
    return ModelVersion(**{name: getattr(row, name) for name in names})


def activation_of(row: Row[Any]) -> Activation:
    """Return the activation of a row of `select_activations`."""
    values = {name: getattr(row, f"a_{name}") for name in Activation.__slots__}
    return Activation(**{**values, "version": version_of(row)})


def check_kind(kind: str) -> str:
    """Return a name of a kind.

    Raises:
        InvalidArgumentError: it is none.
    """
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise InvalidArgumentError(
            f"kind is {kind!r}; expected a name such as 'text_embedding', of up to {LONGEST_KIND} "
            "small letters, digits and underscores, with a letter first"
        )
    return kind


def check_model_id(model_id: str) -> str:
    """Return a name of a model; see `check_kind`."""
    return _checked("model_id", model_id, _MODEL_ID, LONGEST_MODEL_ID)


def check_version_id(version_id: str) -> str:
    """Return a name of a version; see `check_kind`."""
    return _checked("version_id", version_id, _VERSION_ID, LONGEST_VERSION_ID)


def check_line(name: str, text: str, *, may_be_empty: bool = False) -> str:
    """Return a text of one line that fits its column.

    Raises:
        InvalidArgumentError: it is longer, has characters that do not show, or is empty.
    """
    fits = isinstance(text, str) and len(text) <= LONGEST_TEXT and text.isprintable()
    if not fits or not (may_be_empty or text.strip()):
        shown = text if not isinstance(text, str) or len(text) < 60 else f"{text[:60]}..."
        raise InvalidArgumentError(
            f"{name} is {shown!r}; expected one line of {'up to' if may_be_empty else '1 to'} "
            f"{LONGEST_TEXT} characters that show"
        )
    return text


def check_moment(name: str, moment: datetime) -> datetime:
    """Return a time in UTC.

    Raises:
        InvalidArgumentError: it has no zone, or is out of the range of years.
    """
    if moment.tzinfo is None:
        raise InvalidArgumentError(
            f"{name} {moment.isoformat()} has no zone; write {moment.isoformat()}+00:00 for UTC"
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidArgumentError(
            f"{name} is {moment.isoformat()}; expected a year from 1 to 9999 in UTC"
        ) from None


def _checked(name: str, text: str, pattern: re.Pattern[str], longest: int) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise InvalidArgumentError(
            f"{name} is {text!r}; expected up to {longest} letters, digits, dots, dashes and "
            "underscores, with a letter or a digit first"
        )
    return text
