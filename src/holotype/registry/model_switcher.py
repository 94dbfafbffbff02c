"""Switches a kind to another version where models run: checked, loaded and recorded, or not at all.

The version is loaded beside the one that serves, and checked. Then it is recorded as the active
one, and takes over. If anything fails before it is recorded, nothing has changed; if it does not
take over after that, the record is undone by a rollback.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from holotype.errors import DifferentVectorsError, HolotypeError
from holotype.registry.errors import (
    RequestReusedError,
    StaleGenerationError,
    SwitchFailedError,
    VersionRejectedError,
)
from holotype.registry.model_registry import ModelRegistry
from holotype.registry.serving import Prepared, Serving
from holotype.registry.switch_plan import SwitchPlan, plan_switch, vectors_differ
from holotype.registry.validating import LoadedVersion, ModelValidator
from holotype.registry.versions import Action, Activation, ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a switch has come.

    Attributes:
        name: the step: ``load``, ``check``, ``record``, ``switch``, or ``undo``.
        state: whether it runs, or how it ended.
        message: what happens, or came of it.
        at: when, in UTC.
    """

    name: str
    state: Literal["running", "succeeded", "failed"]
    message: str
    at: datetime


OnStep: TypeAlias = Callable[[Step], None]
"""Is called at the beginning and the end of each step, on the thread of the switch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Switch:
    action: Action
    kind: str
    version: ModelVersion
    current: Activation | None
    actor: str
    reason: str
    request_id: str
    allow_different_vectors: bool

    @property
    def generation(self) -> int:
        return 0 if self.current is None else self.current.generation


class ModelSwitcher:
    """Switches kinds, and goes back. Safe to share between threads."""

    def __init__(
        self,
        registry: ModelRegistry,
        *,
        serving: Serving | None = None,
        validator: ModelValidator | None = None,
    ) -> None:
        """Switch the kinds of a registry.

        Args:
            registry: the registry.
            serving: what runs the models; None where nothing does, and versions are only checked.
            validator: checks versions; None takes one of its own.
        """
        self._registry = registry
        self._serving = serving
        self._validator = ModelValidator(registry) if validator is None else validator

    def plan(
        self,
        kind: str,
        version: str,
        *,
        expected_generation: int | None = None,
        allow_different_vectors: bool = False,
    ) -> SwitchPlan:
        """Say what a switch would do, as far as it can be known without loading the version.

        Args:
            kind: the kind.
            version: its name; see `ModelRegistry.get`.
            expected_generation: see `ModelRegistry.activate`.
            allow_different_vectors: see there.

        Raises:
            VersionNotFoundError: there is no such version.
            DatabaseUnavailableError: the database does not answer.
        """
        return plan_switch(
            self._registry,
            self._serving,
            kind,
            version,
            expected_generation=expected_generation,
            allow_different_vectors=allow_different_vectors,
        )

    def switch(
        self,
        kind: str,
        version: str,
        *,
        actor: str,
        reason: str = "",
        expected_generation: int | None = None,
        request_id: str | None = None,
        allow_different_vectors: bool = False,
        on_step: OnStep = lambda _: None,
    ) -> Activation:
        """Load a version, check it, make it the active one, and let it serve.

        The generation that is active at the beginning must still be active in the end: who switches
        in the meantime wins. Where the version is active and serves already, nothing is done but what
        `ModelRegistry.activate` does.

        Args:
            kind: the kind.
            version: its name; see `ModelRegistry.get`.
            actor: see `ModelRegistry.activate`, as the arguments that follow.
            reason: why.
            expected_generation: the generation that must be active.
            request_id: the same request again returns its activation, and loads nothing.
            allow_different_vectors: whether the version may make other vectors than the active one,
                or have other labels.
            on_step: is told how far the switch has come.

        Raises:
            VersionNotFoundError: there is no such version.
            StaleGenerationError: another generation is active than the expected one.
            DifferentVectorsError: the vectors would change, and that is not allowed.
            VersionRejectedError: the version failed its checks.
            SwitchFailedError: it was recorded and did not take over; the error says what is active.
            RequestReusedError: another request had this id.
            DatabaseUnavailableError: the database does not answer; nothing has changed, or the
                version was recorded: repeat the request with the same `request_id`.
            HolotypeError: the version could not be loaded beside what serves; nothing has changed.
        """
        found = self._registry.get(kind, version)
        if done := self._done(request_id, kind, "activate", found):
            return done
        if request_id is None and (
            kept := self.find_kept(
                kind, version, expected_generation=expected_generation, on_step=on_step
            )
        ):
            return kept
        return self._run(
            _Switch(
                action="activate",
                kind=kind,
                version=found,
                current=self._current(kind, expected_generation),
                actor=actor,
                reason=reason,
                request_id=request_id or str(uuid.uuid4()),
                allow_different_vectors=allow_different_vectors,
            ),
            on_step,
        )

    def rollback(
        self,
        kind: str,
        *,
        actor: str,
        reason: str = "",
        expected_generation: int | None = None,
        request_id: str | None = None,
        allow_different_vectors: bool = False,
        on_step: OnStep = lambda _: None,
    ) -> Activation:
        """Return to the version before in the same way; see `switch` and `ModelRegistry.rollback`.

        Raises:
            VersionNotFoundError: nothing is active, or there is no version before.
        """
        if done := self._done(request_id, kind, "rollback", None):
            return done
        self._current(kind, expected_generation)
        current, target = self._registry.rollback_target(kind)
        return self._run(
            _Switch(
                action="rollback",
                kind=kind,
                version=target.version,
                current=current,
                actor=actor,
                reason=reason,
                request_id=request_id or str(uuid.uuid4()),
                allow_different_vectors=allow_different_vectors,
            ),
            on_step,
        )

    def find_kept(
        self,
        kind: str,
        version: str,
        *,
        expected_generation: int | None = None,
        on_step: OnStep = lambda _: None,
    ) -> Activation | None:
        """Return the activation that a switch would leave as it is; None if it would change something.

        Nothing changes where the version is active, and what follows its kind here serves it.

        Raises:
            HolotypeError: see `switch`.
        """
        found = self._registry.get(kind, version)
        current = self._current(kind, expected_generation)
        if current is None or current.version.id != found.id:
            return None
        if self._serving is not None and not self._serving.serves_version(found):
            return None
        with _step(on_step, "record", "looking what is active") as say:
            say(f"nothing has changed: generation {current.generation} is {found.name} already")
        return current

    def refuse(
        self,
        kind: str,
        version: str | None,
        *,
        expected_generation: int | None = None,
        request_id: str | None = None,
        allow_different_vectors: bool = False,
    ) -> None:
        """Raise what `switch` would raise before it loads anything, or `rollback` for no version.

        Who carries out switches in the background asks first, to refuse what is refused anyway.
        Nothing is raised for a request that has been carried out.

        Raises:
            HolotypeError: see `switch`.
        """
        action: Action = "rollback" if version is None else "activate"
        found = None if version is None else self._registry.get(kind, version)
        if self._done(request_id, kind, action, found) is not None:
            return
        current = self._current(kind, expected_generation)
        if found is None:
            current, target = self._registry.rollback_target(kind)
            found = target.version
        if current is not None and not allow_different_vectors:
            self._refuse_other_vectors(kind, current.version, found)

    def _refuse_other_vectors(
        self, kind: str, current: ModelVersion, version: ModelVersion
    ) -> None:
        if vectors_differ(version, current):
            raise DifferentVectorsError(
                f"{self._registry.database.location} {kind}",
                current.fingerprint,
                version.fingerprint,
            )

    def _done(
        self, request_id: str | None, kind: str, action: Action, version: ModelVersion | None
    ) -> Activation | None:
        """Return what the request did before, if it is this request."""
        done = None if request_id is None else self._registry.requested(request_id)
        if done is None:
            return None
        same = version is None or version.id == done.version.id
        if (done.kind, done.action) != (kind, action) or not same:
            raise RequestReusedError(
                f"{self._registry.database.location} {kind}",
                f"the request {request_id!r} was {done.action} of {done.kind} to "
                f"{done.version.name}, generation {done.generation}; give another request an id of "
                "its own",
            )
        return done

    def _current(self, kind: str, expected: int | None) -> Activation | None:
        current = self._registry.active(kind)
        found = 0 if current is None else current.generation
        if expected is not None and expected != found:
            by = "" if current is None else current.actor
            location = f"{self._registry.database.location} {kind}"
            raise StaleGenerationError(location, expected, found, by)
        return current

    def _run(self, switch: _Switch, on_step: OnStep) -> Activation:
        current = None if switch.current is None else switch.current.version
        if current is not None and not switch.allow_different_vectors:
            # Known before anything is loaded.
            self._refuse_other_vectors(switch.kind, current, switch.version)
        prepared: Prepared | None = None
        if self._serving is not None:
            with _step(on_step, "load", f"loading {switch.version.name} beside what serves") as say:
                prepared = self._serving.prepare(switch.version)
                say(_seconds(prepared.loaded))
        try:
            with _step(on_step, "check", "checking files, vectors and a first call") as say:
                loaded = None if prepared is None else next(iter(prepared.loaded), None)
                check = self._validator.validate(
                    switch.version,
                    against=current,
                    allow_different_vectors=switch.allow_different_vectors,
                    loaded=loaded,
                )
                if check.outcome == "failed":
                    raise VersionRejectedError(
                        f"{self._registry.database.location} {switch.kind}",
                        switch.version.name,
                        [(each.name, each.message) for each in check.problems],
                    )
                say(f"{sum(each.outcome == 'passed' for each in check.checks)} checks passed")
            with _step(on_step, "record", "recording the activation") as say:
                done = self._record(switch)
                say(f"generation {done.generation}")
        except BaseException:
            if prepared is not None:
                prepared.discard()
            raise
        if prepared is not None:
            try:
                with _step(on_step, "switch", "letting it take over"):
                    prepared.commit(done)
            except Exception as error:
                self._undo(switch, done, error, on_step)
        return done

    def _record(self, switch: _Switch) -> Activation:
        if switch.action == "activate":
            return self._registry.activate(
                switch.kind,
                switch.version.name,
                actor=switch.actor,
                reason=switch.reason,
                expected_generation=switch.generation,
                request_id=switch.request_id,
                allow_different_vectors=switch.allow_different_vectors,
            )
        return self._registry.rollback(
            switch.kind,
            actor=switch.actor,
            reason=switch.reason,
            expected_generation=switch.generation,
            request_id=switch.request_id,
            allow_different_vectors=switch.allow_different_vectors,
        )

    def _undo(self, switch: _Switch, done: Activation, error: Exception, on_step: OnStep) -> None:
        """Return the record to the version that goes on serving, and say what happened."""
        location = f"{self._registry.database.location} {switch.kind}"
        what = f"{switch.version.name} was recorded as generation {done.generation} and did not "
        what += f"take over: {error}; "
        before = switch.current
        if before is None:
            raise SwitchFailedError(
                location,
                f"{what}no version was active before, so that the record stays; repeat the switch, or "
                "restart the server",
                undone=False,
            ) from error
        try:
            with _step(on_step, "undo", f"returning to {before.version.name}"):
                undone = self._return_to(before, switch, done)
        except HolotypeError as second:
            raise SwitchFailedError(
                location,
                f"{what}the record could not be undone either: {second}. {before.version.name} goes "
                "on serving here; activate it again, or repeat the switch",
                undone=False,
            ) from error
        raise SwitchFailedError(
            location,
            f"{what}{before.version.name} goes on serving, and is active again as generation "
            f"{undone.generation}",
            undone=True,
        ) from error

    def _return_to(self, before: Activation, switch: _Switch, done: Activation) -> Activation:
        reason = f"generation {done.generation} did not take over"
        expected, kind, actor = done.generation, switch.kind, switch.actor
        if switch.action == "activate" and before.version.id != switch.version.id:
            return self._registry.rollback(
                kind,
                actor=actor,
                reason=reason,
                expected_generation=expected,
                allow_different_vectors=True,
            )
        return self._registry.activate(
            kind,
            before.version.name,
            actor=actor,
            reason=reason,
            expected_generation=expected,
            allow_different_vectors=True,
        )


@contextmanager
def _step(on_step: OnStep, name: str, message: str) -> Iterator[Callable[[str], None]]:
    """Tell of the beginning and the end of a step; the block may say what came of it."""
    said = [message]
    on_step(Step(name=name, state="running", message=message, at=datetime.now(UTC)))
    try:
        yield said.append
    except BaseException as error:
        shown = str(error) or type(error).__name__
        on_step(Step(name=name, state="failed", message=shown, at=datetime.now(UTC)))
        raise
    on_step(Step(name=name, state="succeeded", message=said[-1], at=datetime.now(UTC)))


def _seconds(loaded: Sequence[LoadedVersion]) -> str:
    if not loaded:
        return "nothing here serves the kind"
    return f"loaded in {sum(each.load_s for each in loaded):.2f} s"
