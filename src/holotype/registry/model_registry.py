"""The registry: versions of models, which of them is active, since when, by whom, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from holotype.catalogue import Catalogue
from holotype.errors import InvalidArgumentError
from holotype.records import ModelInfo
from holotype.references.ref import ModelRef
from holotype.registry.database import Database
from holotype.registry.errors import RequestReusedError
from holotype.registry.lookups import find_kinds, find_named, require_kind, require_version
from holotype.registry.registering import (
    add_version,
    check_same,
    make_kind,
    options_as_json,
    version_values,
)
from holotype.registry.resolving import ResolvedModel, resolve_model
from holotype.registry.schema import check
from holotype.registry.searching import find_versions
from holotype.registry.switching import (
    SwitchRequest,
    activate_version,
    find_active,
    find_target,
    roll_back,
)
from holotype.registry.tables import activation, active_version, model_kind, model_version
from holotype.registry.versions import (
    Activation,
    KindSummary,
    ModelVersion,
    VersionPage,
    activation_of,
    check_kind,
    check_line,
    check_model_id,
    check_moment,
    check_version_id,
    select_activations,
    select_versions,
    version_of,
)

_LARGEST_PAGE = 1000


class ModelRegistry:
    """The registry in a database; safe to share between threads, processes and machines."""

    def __init__(self, database: Database, *, catalogue: Catalogue[Any] | None = None) -> None:
        """Use a database whose tables are of this version.

        Args:
            database: the database.
            catalogue: where ids and repositories are looked up first, such as the `CATALOGUE` of a
                generated module; what it lacks is looked up in holotype's own. None means only
                that.

        Raises:
            SchemaVersionError: they are not; the error says the command.
            DatabaseUnavailableError: the database does not answer.
        """
        check(database)
        self.database = database
        self.catalogue = catalogue

    def register(
        self,
        kind: str,
        version_id: str,
        reference: str | ModelRef | ModelInfo | Path,
        *,
        actor: str,
        model_id: str | None = None,
        inference_config: Mapping[str, Any] | None = None,
    ) -> ModelVersion:
        """Add a version; nothing is activated.

        The reference is resolved now, to a commit, digests and the fingerprint of the vectors;
        every byte is read. To register the same again returns the version that there is.

        Args:
            kind: what programs ask for, such as ``text_embedding``; it is made if there is none.
            version_id: the name of the version, such as ``v1.0.0``.
            reference: a reference, a record of any catalogue, an id, or the path of an artifact.
            actor: who registers it.
            model_id: the name of the model; None takes the id of its record.
            inference_config: options of `load` that belong to the version, such as ``dim``.

        Raises:
            InvalidArgumentError: a name or an option is wrong.
            VersionExistsError: there is a version of this name, and it is another one.
            RegistryError: the versions of the kind are models of another type.
            DatabaseUnavailableError: the database does not answer.
            HolotypeError: the reference cannot be resolved; see `resolve_model`.
        """
        check_kind(kind)
        check_version_id(version_id)
        check_line("actor", actor)
        options = options_as_json(inference_config or {})
        resolved = resolve_model(reference, options, self.catalogue)
        model_id = check_model_id(resolved.record.id if model_id is None else model_id)
        with self.database.writing() as connection:
            self.database.take_turn(connection, kind)
            make_kind(connection, self.database.location, kind, str(resolved.record.type))
            values = version_values(resolved, kind, version_id, options, actor)
            add_version(connection, model_id, values)
        version = self.get(kind, f"{model_id}/{version_id}")
        check_same(self.database.location, version, resolved, options)
        return version

    def list(
        self,
        kind: str | None = None,
        *,
        limit: int = 50,
        before: int | None = None,
        containing: str = "",
    ) -> VersionPage:
        """Return versions, the newest first, one page at a time.

        Args:
            kind: only versions of this kind; None means all.
            limit: how many at most, 1 to 1,000.
            before: `VersionPage.next` of the page before; None means the first page.
            containing: only versions whose name, reference or source has this text, in any letter
                case.

        Raises:
            VersionNotFoundError: there is no such kind.
            InvalidArgumentError: `limit` is out of range.
            DatabaseUnavailableError: the database does not answer.
        """
        _check_limit(limit)
        query = select_versions().order_by(model_version.c.id.desc()).limit(limit + 1)
        if kind is not None:
            query = query.where(model_version.c.kind == check_kind(kind))
        if before is not None:
            query = query.where(model_version.c.id < before)
        check_line("containing", containing, may_be_empty=True)
        with self.database.reading() as connection:
            if kind is not None:
                require_kind(connection, self.database.location, kind)
            if containing:
                ids = find_versions(
                    connection, containing, kind=kind, before=before, limit=limit + 1
                )
                query = query.where(model_version.c.id.in_(ids))
            found = tuple(map(version_of, connection.execute(query)))
        more = len(found) > limit
        return VersionPage(versions=found[:limit], next=found[limit - 1].id if more else None)

    def get(self, kind: str, version: str) -> ModelVersion:
        """Return a version.

        Args:
            kind: its kind.
            version: its name, such as ``v1.0.0``; with its model, ``bge-m3/v1.0.0``, where several
                models of the kind have a version of that name.

        Raises:
            VersionNotFoundError: there is none; the error names similar ones.
            InvalidArgumentError: several models have one.
            DatabaseUnavailableError: the database does not answer.
        """
        with self.database.reading() as connection:
            return require_version(connection, self.database.location, kind, version)

    def kinds(self) -> tuple[str, ...]:
        """Return the names of all kinds, sorted.

        Raises:
            DatabaseUnavailableError: the database does not answer.
        """
        with self.database.reading() as connection:
            return find_kinds(connection)

    def check_new(
        self, kind: str, name: str, resolved: ResolvedModel, inference_config: Mapping[str, Any]
    ) -> None:
        """Check that a name is free, or that the version of that name is the same.

        Args:
            kind: the kind.
            name: the model and the version, such as ``bge-m3/v1.0.0``.
            resolved: what would be registered.
            inference_config: its options.

        Raises:
            VersionExistsError: there is a version of this name, and it is another one.
            DatabaseUnavailableError: the database does not answer.
        """
        model_id, _, version_id = name.rpartition("/")
        with self.database.reading() as connection:
            found = find_named(connection, check_kind(kind), model_id, version_id)
        for each in found:
            check_same(self.database.location, each, resolved, options_as_json(inference_config))

    def overview(self) -> tuple[KindSummary, ...]:
        """Return all kinds, sorted by name, with what is active and how many versions there are.

        Raises:
            DatabaseUnavailableError: the database does not answer.
        """
        # Counted before they are joined: the other way compares a name for each version.
        counts = (
            select(model_version.c.kind, func.count().label("n_versions"))
            .group_by(model_version.c.kind)
            .subquery()
        )
        query = (
            select(model_kind, func.coalesce(counts.c.n_versions, 0).label("n_versions"))
            .join(counts, counts.c.kind == model_kind.c.name, isouter=True)
            .order_by(model_kind.c.name)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        active = self.all_active()
        return tuple(
            KindSummary(
                kind=row.name,
                type=row.type,
                n_versions=row.n_versions,
                active=active.get(row.name),
            )
            for row in rows
        )

    def type_of(self, kind: str) -> str:
        """Return the type of the models of a kind, such as ``dense``.

        Raises:
            VersionNotFoundError: there is no such kind; the error names similar ones.
            DatabaseUnavailableError: the database does not answer.
        """
        query = select(model_kind.c.type).where(model_kind.c.name == check_kind(kind))
        with self.database.reading() as connection:
            found = connection.execute(query).scalar()
            if found is None:
                require_kind(connection, self.database.location, kind)
        return str(found)

    def active(self, kind: str) -> Activation | None:
        """Return the activation that a kind is at, with its version; None if none.

        Raises:
            DatabaseUnavailableError: the database does not answer.
        """
        with self.database.reading() as connection:
            return find_active(connection, check_kind(kind))

    def all_active(self) -> Mapping[str, Activation]:
        """Return the activations that all kinds are at, by kind; see `active`."""
        query = select_activations().join(
            active_version,
            (active_version.c.kind == activation.c.kind)
            & (active_version.c.generation == activation.c.generation),
        )
        with self.database.reading() as connection:
            found = map(activation_of, connection.execute(query.order_by(activation.c.kind)))
            return {each.kind: each for each in found}

    def activate(
        self,
        kind: str,
        version: str,
        *,
        actor: str,
        reason: str = "",
        expected_generation: int | None = None,
        request_id: str | None = None,
        allow_different_vectors: bool = False,
    ) -> Activation:
        """Make a version the active one of its kind.

        Where it is active already, nothing changes, and the activation that it is active by is
        returned. Only a request with a `request_id` is recorded even so: without a record, its
        repetition would undo what was activated since.

        Args:
            kind: the kind.
            version: its name; see `get`.
            actor: who asks for it.
            reason: why, for the history.
            expected_generation: the generation that must be active, 0 for none; None for any.
            request_id: any text that names this request; the same request again returns its
                activation and changes nothing, whatever was activated since. None for a request
                that is not repeated.
            allow_different_vectors: whether the version may make other vectors than the active one;
                you must then rebuild the indexes.

        Raises:
            VersionNotFoundError: there is no such version.
            StaleGenerationError: another generation is active than the expected one.
            DifferentVectorsError: the vectors would change, and that is not allowed.
            RequestReusedError: another request had this id.
            InvalidArgumentError: an argument is wrong.
            DatabaseUnavailableError: the database does not answer; nothing has changed, or all of
                it: repeat the request with the same `request_id`.
        """
        request = self._request(
            kind, actor, reason, expected_generation, request_id, allow_different_vectors
        )
        try:
            with self.database.writing() as connection:
                self.database.take_turn(connection, kind)
                found = require_version(connection, self.database.location, kind, version)
                return activate_version(connection, request, found)
        except IntegrityError as error:
            self._refuse_reuse(request, error)
            raise

    def rollback(
        self,
        kind: str,
        *,
        actor: str,
        reason: str = "",
        expected_generation: int | None = None,
        request_id: str | None = None,
        allow_different_vectors: bool = False,
    ) -> Activation:
        """Return to the version before; each rollback goes one step further back.

        Arguments and errors are those of `activate`.

        Raises:
            VersionNotFoundError: nothing is active, or there is no version before.
        """
        request = self._request(
            kind, actor, reason, expected_generation, request_id, allow_different_vectors
        )
        try:
            with self.database.writing() as connection:
                self.database.take_turn(connection, kind)
                return roll_back(connection, request)
        except IntegrityError as error:
            self._refuse_reuse(request, error)
            raise

    def requested(self, request_id: str) -> Activation | None:
        """Return the activation that a request made; None if it has made none.

        Raises:
            DatabaseUnavailableError: the database does not answer.
        """
        check_line("request_id", request_id)
        query = select_activations().where(activation.c.request_id == request_id)
        with self.database.reading() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else activation_of(row)

    def rollback_target(self, kind: str) -> tuple[Activation, Activation]:
        """Return the activation that a kind is at, and the one that a rollback returns to.

        Raises:
            VersionNotFoundError: nothing is active, or there is no version before.
            DatabaseUnavailableError: the database does not answer.
        """
        with self.database.reading() as connection:
            return find_target(connection, self.database.location, check_kind(kind))

    def history(
        self, kind: str, *, limit: int = 50, before: int | None = None
    ) -> tuple[Activation, ...]:
        """Return the activations of a kind, the newest first.

        Args:
            kind: the kind.
            limit: how many at most, 1 to 1,000.
            before: only generations before this one; None means all.

        Raises:
            VersionNotFoundError: there is no such kind.
            DatabaseUnavailableError: the database does not answer.
        """
        _check_limit(limit)
        query = select_activations().where(activation.c.kind == check_kind(kind))
        if before is not None:
            query = query.where(activation.c.generation < before)
        query = query.order_by(activation.c.generation.desc()).limit(limit)
        with self.database.reading() as connection:
            require_kind(connection, self.database.location, kind)
            return tuple(map(activation_of, connection.execute(query)))

    def active_at(self, kind: str, moment: datetime) -> Activation | None:
        """Return the activation that a kind was at, at a time that has a zone; None if none.

        Raises:
            InvalidArgumentError: the time has no zone, or is out of range.
            VersionNotFoundError: there is no such kind.
            DatabaseUnavailableError: the database does not answer.
        """
        moment = check_moment("the time", moment)
        query = (
            select_activations()
            .where(activation.c.kind == check_kind(kind), activation.c.at <= moment)
            .order_by(activation.c.at.desc(), activation.c.generation.desc())
            .limit(1)
        )
        with self.database.reading() as connection:
            require_kind(connection, self.database.location, kind)
            row = connection.execute(query).one_or_none()
            return None if row is None else activation_of(row)

    def _request(
        self,
        kind: str,
        actor: str,
        reason: str,
        expected_generation: int | None,
        request_id: str | None,
        allow_different_vectors: bool,
    ) -> SwitchRequest:
        return SwitchRequest(
            location=self.database.location,
            kind=check_kind(kind),
            actor=check_line("actor", actor),
            reason=check_line("reason", reason, may_be_empty=True),
            request_id=None if request_id is None else check_line("request_id", request_id),
            expected_generation=expected_generation,
            allow_different_vectors=allow_different_vectors,
        )

    def _refuse_reuse(self, request: SwitchRequest, error: IntegrityError) -> None:
        """Say so if a request of another kind, which did not wait, used the same id meanwhile."""
        query = select(activation.c.kind).where(activation.c.request_id == request.request_id)
        with self.database.reading() as connection:
            kind = connection.execute(query).scalar()
        if kind is not None:
            raise RequestReusedError(
                f"{request.location} {request.kind}",
                f"a request of the kind {kind!r} used the id {request.request_id!r} at the same "
                "time; give another request an id of its own",
            ) from error


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= _LARGEST_PAGE:
        raise InvalidArgumentError(f"limit is {limit!r}; expected 1 to {_LARGEST_PAGE}")
