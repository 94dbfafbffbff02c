"""The bodies of the management API's answers about versions, and how they are made of records.

Times are ISO 8601 in UTC; sizes, times and rates have their unit in the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from holotype.catalogue import Catalogue
from holotype.registry import Activation, MemoryPlan, ModelVersion, VersionCheck
from holotype.registry.checks import CheckResult


class Answer(BaseModel):
    """A body of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ProblemBody(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

    type: str
    """A URN that names the code, such as `urn:holotype:problem:queue_full`."""
    title: str
    """The name of the status."""
    status: int
    """The status of HTTP."""
    detail: str
    """What was found, what was expected, and what to do."""
    code: str
    """What went wrong, in one word, for programs."""
    request_id: str = ""
    """The id of the request, under which the server's log tells more."""
    suggestions: list[str] = []
    """What may have been meant, the best first."""
    errors: list[dict[str, str]] = []
    """The fields that are wrong: `field` and `message` of each."""


class FoundBody(Answer):
    """What a check found wrong."""

    check: str
    """The name of the check."""
    message: str
    """What it found."""


class CheckBody(Answer):
    """The last check of a version."""

    outcome: Literal["passed", "failed"]
    """`failed` if any check found something."""
    at: datetime
    """When, in UTC."""
    problems: list[FoundBody]
    """What was wrong; empty if nothing was."""
    facts: dict[str, Any]
    """What the loaded model said: `dim`, `fingerprint`, `memory_bytes`, `load_s` and the like."""

    @classmethod
    def of(cls, check: VersionCheck) -> CheckBody:
        """Describe a check."""
        return cls(
            outcome=check.outcome,
            at=check.at,
            problems=[FoundBody(check=e.name, message=e.message) for e in check.problems],
            facts=dict(check.facts),
        )


class ResultBody(Answer):
    """One thing that was looked at."""

    name: str
    """The name of the check."""
    outcome: Literal["passed", "failed", "skipped"]
    """Whether it passed; `skipped` where it could not be made."""
    message: str
    """What it found."""

    @classmethod
    def of(cls, result: CheckResult) -> ResultBody:
        """Describe a result."""
        return cls(name=result.name, outcome=result.outcome, message=result.message)


class VersionBody(Answer):
    """A version of a model."""

    id: int
    """Its number in the database."""
    kind: str
    """The kind that it is registered under."""
    type: str
    """The type of its model, such as `dense`; all versions of a kind have the same."""
    model_id: str
    """The model that it is a version of, such as `bge-m3`."""
    version_id: str
    """Its name within the model, such as `v1.0.0`."""
    name: str
    """Model and version, such as `bge-m3/v1.0.0`."""
    reference: str
    """Where its files are: a reference at a commit, or a folder of an artifact."""
    source_repo: str
    """The repository on the Hub, or the reference that its artifact was made from."""
    checkpoint_hash: str
    """The SHA-256 of its manifest, which has that of each file: 64 hexadecimal digits."""
    fingerprint: str | None
    """The fingerprint of its vectors; null if it makes none."""
    embedding_dim: int | None
    """The size of its vectors; null if it makes none."""
    inference_config: dict[str, Any]
    """The options of `load` that belong to the version, such as `dim`."""
    created_at: datetime
    """When it was registered, in UTC."""
    created_by: str
    """Who registered it."""
    active: bool
    """Whether it is the active version of its kind."""
    last_check: CheckBody | None
    """Its last check; null where none was made, or none was asked for."""
    catalogue_id: str | None
    """The entry of the catalogue that it is a version of; null if there is none."""

    @classmethod
    def of(
        cls, version: ModelVersion, *, active: bool = False, last_check: VersionCheck | None = None
    ) -> VersionBody:
        """Describe a version."""
        return cls(
            id=version.id,
            kind=version.kind,
            type=version.type,
            model_id=version.model_id,
            version_id=version.version_id,
            name=version.name,
            reference=version.reference,
            source_repo=version.source_repo,
            checkpoint_hash=version.checkpoint_hash,
            fingerprint=version.fingerprint,
            embedding_dim=version.embedding_dim,
            inference_config=dict(version.inference_config),
            created_at=version.created_at,
            created_by=version.created_by,
            active=active,
            last_check=None if last_check is None else CheckBody.of(last_check),
            catalogue_id=_catalogue_id(version),
        )


class ActivationBody(Answer):
    """One switch of a kind to a version."""

    kind: str
    """The kind."""
    generation: int
    """1 for the first switch of the kind, then one more for each."""
    version: VersionBody
    """The version that was active from then on."""
    action: Literal["activate", "rollback"]
    """`activate` for a version that was named, `rollback` for a return to an earlier one."""
    returns_to: int | None
    """The generation that a rollback goes back to; null if there is none."""
    new_vector_space: bool
    """Whether the version before made other vectors."""
    actor: str
    """Who asked for it."""
    reason: str
    """Why; it can be empty."""
    request_id: str
    """The request that asked for it, or its Idempotency-Key."""
    at: datetime
    """When, in UTC."""

    @classmethod
    def of(
        cls,
        activation: Activation,
        *,
        active: bool = False,
        last_check: VersionCheck | None = None,
    ) -> ActivationBody:
        """Describe an activation.

        Args:
            activation: the activation.
            active: whether its version is the active one.
            last_check: the last check of its version.
        """
        return cls(
            kind=activation.kind,
            generation=activation.generation,
            version=VersionBody.of(activation.version, active=active, last_check=last_check),
            action=activation.action,
            returns_to=activation.returns_to,
            new_vector_space=activation.new_vector_space,
            actor=activation.actor,
            reason=activation.reason,
            request_id=activation.request_id,
            at=activation.at,
        )


class KindSummaryBody(Answer):
    """A kind, and what is active."""

    kind: str
    """Its name: what programs ask for, such as `text_embedding`."""
    type: str
    """The type of its models, such as `dense`."""
    active: ActivationBody | None
    """The switch to the active version; null if none is active."""
    n_versions: int
    """How many versions are registered."""
    since: datetime | None = Field(description="Since when the active version is active.")


class KindsBody(Answer):
    """All kinds."""

    items: list[KindSummaryBody]
    """The kinds."""


class KindBody(Answer):
    """A kind, and a page of its versions, the newest first."""

    kind: str
    """Its name: what programs ask for, such as `text_embedding`."""
    type: str
    """The type of its models, such as `dense`."""
    active: ActivationBody | None
    """The switch to the active version; null if none is active."""
    items: list[VersionBody]
    """The versions of this page."""
    next: int | None = Field(description="The value of before for the next page.")


class HistoryBody(Answer):
    """A page of activations, the newest first."""

    items: list[ActivationBody]
    """The switches of this page."""
    next: int | None = Field(description="The value of before for the next page.")


class MemoryBody(Answer):
    """Whether something fits beside what is loaded."""

    fits: Literal["now", "after_unloading", "never"]
    """Whether it fits: `now`, `after_unloading` others, or `never`."""
    need_bytes: int
    """What it takes."""
    free_bytes: int
    """What is free."""
    would_unload: list[str]
    """The names of what would be unloaded for it."""

    @classmethod
    def of(cls, plan: MemoryPlan) -> MemoryBody:
        """Describe a plan."""
        return cls(
            fits=plan.fits,
            need_bytes=plan.need_bytes,
            free_bytes=plan.free_bytes,
            would_unload=list(plan.would_unload),
        )


def versions_of(
    versions: Iterable[ModelVersion],
    checks: Mapping[int, VersionCheck],
    active_ids: Iterable[int],
) -> list[VersionBody]:
    """Describe versions."""
    active = frozenset(active_ids)
    return [
        VersionBody.of(each, active=each.id in active, last_check=checks.get(each.id))
        for each in versions
    ]


def activations_of(
    activations: Sequence[Activation], active: Activation | None
) -> list[ActivationBody]:
    """Describe activations; those of the active version say so."""
    number = None if active is None else active.version.id
    return [ActivationBody.of(each, active=each.version.id == number) for each in activations]


def _catalogue_id(version: ModelVersion) -> str | None:
    """Return the id of the entry that a version is one of; None if the catalogue has none."""
    from holotype.models import CATALOGUE

    catalogue: Catalogue[Any] = CATALOGUE
    for name in (version.model_id, version.source_repo):
        found = catalogue.find_model(name)
        if found is not None and found.type == version.type:
            return str(found.id)
    return None
