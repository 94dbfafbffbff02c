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

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemBody(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str = ""
    suggestions: list[str] = []
    errors: list[dict[str, str]] = []


class FoundBody(Answer):
    """What a check found wrong."""

    check: str
    message: str


class CheckBody(Answer):
    """The last check of a version."""

    outcome: Literal["passed", "failed"]
    at: datetime
    problems: list[FoundBody]
    facts: dict[str, Any]

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
    outcome: Literal["passed", "failed", "skipped"]
    message: str

    @classmethod
    def of(cls, result: CheckResult) -> ResultBody:
        """Describe a result."""
        return cls(name=result.name, outcome=result.outcome, message=result.message)


class VersionBody(Answer):
    """A version of a model."""

    id: int
    kind: str
    type: str
    model_id: str
    version_id: str
    name: str
    reference: str
    source_repo: str
    checkpoint_hash: str
    fingerprint: str | None
    embedding_dim: int | None
    inference_config: dict[str, Any]
    created_at: datetime
    created_by: str
    active: bool
    last_check: CheckBody | None
    catalogue_id: str | None

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
    generation: int
    version: VersionBody
    action: Literal["activate", "rollback"]
    returns_to: int | None
    new_vector_space: bool
    actor: str
    reason: str
    request_id: str
    at: datetime

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
    type: str
    active: ActivationBody | None
    n_versions: int
    since: datetime | None = Field(description="Since when the active version is active.")


class KindsBody(Answer):
    """All kinds."""

    items: list[KindSummaryBody]


class KindBody(Answer):
    """A kind, and a page of its versions, the newest first."""

    kind: str
    type: str
    active: ActivationBody | None
    items: list[VersionBody]
    next: int | None = Field(description="The value of before for the next page.")


class HistoryBody(Answer):
    """A page of activations, the newest first."""

    items: list[ActivationBody]
    next: int | None = Field(description="The value of before for the next page.")


class MemoryBody(Answer):
    """Whether something fits beside what is loaded."""

    fits: Literal["now", "after_unloading", "never"]
    need_bytes: int
    free_bytes: int
    would_unload: list[str]

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
