"""How a call by name is answered: by a variant, by what stands in for it, or by several together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from time import perf_counter
from typing import Any, Generic, TypeVar

from holotype.errors import NotFiniteError
from holotype.pool import ensembles
from holotype.pool.engine import Engine
from holotype.pool.errors import (
    ContradictionError,
    EnsembleError,
    LoadingTimeoutError,
    PoolClosedError,
    PoolError,
    SickModelError,
    UnknownNameError,
    WrongKindOfModelError,
)
from holotype.pool.generation import HAVE_VECTORS, Generation, ModelKind, Version
from holotype.pool.loading import LoadJob
from holotype.pool.routes import Copy, Route, Variant
from holotype.pool.routing import is_callers_mistake
from holotype.pool.slot import Slot

T_co = TypeVar("T_co", covariant=True)
Function = Callable[[Generation], Any]

ENCODES_TEXTS = ("encode_query", "encode_document", "encode")
METHODS: Mapping[ModelKind, tuple[str, ...]] = {
    "dense": (*ENCODES_TEXTS, "count_tokens", "similarity", "similarity_pairwise"),
    "colbert": (
        *ENCODES_TEXTS,
        "encode_image",
        "count_tokens",
        "similarity",
        "similarity_pairwise",
    ),
    "sparse": (*ENCODES_TEXTS, "count_tokens", "similarity", "similarity_pairwise", "decode"),
    "cross-encoder": ("predict", "rank", "count_tokens"),
    "classifier": ("classify", "predict_scores", "classify_zero_shot", "count_tokens"),
    "image-text": (
        *ENCODES_TEXTS,
        "encode_image",
        "classify_image",
        "count_tokens",
        "similarity",
        "similarity_pairwise",
    ),
    "captioner": ("caption",),
}
"""What can be called by name, for each kind of model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T_co]):
    """What a model returned, and which model it was.

    Attributes:
        value: what it returned.
        versions: the model, or the members of an ensemble.
        asked: the name that was called.
        because: why a fallback answered; None if none did.
        dropped: the members of an ensemble that failed and were left out.
        queue_s: how long it waited for its first batch, in seconds; 0 without batches.
        run_s: how long the model ran, in seconds, in batches together with other callers.
    """

    value: T_co
    versions: tuple[Version, ...]
    asked: str
    because: str | None = None
    dropped: tuple[str, ...] = ()
    queue_s: float = 0.0
    run_s: float = 0.0

    @property
    def version(self) -> Version:
        """The model; of an ensemble the first member."""
        return self.versions[0]


class Caller:
    """Answers calls by name.

    Attributes:
        routes: what answers under each name; replaced as a whole, never changed.
    """

    def __init__(self, engine: Engine) -> None:
        """Know no names yet."""
        self._engine = engine
        self.routes: Mapping[str, Route] = {}

    def route(self, name: str) -> Route:
        """Return what answers under a name.

        Raises:
            UnknownNameError: nothing does; the error suggests similar names.
        """
        route = self.routes.get(name)
        if route is None:
            raise UnknownNameError(name, get_close_matches(name, self.routes))
        return route

    def pick(self, variant: Variant) -> Copy:
        """Return the copy of a variant that is to be called: of those that are loaded, the idlest.

        Where all of them are busy, another one is loaded meanwhile.
        """
        if len(variant.copies) == 1:
            return variant.copies[0]
        ready = [(one.slot.n_leases, at) for at, one in enumerate(variant.copies) if one.is_open]
        if not ready:
            return variant.first
        n_leases, at = min(ready)
        if n_leases and len(ready) < len(variant.copies):
            for one in variant.copies:
                if one.slot.current is None:
                    self._engine.load_another(one.slot)
                    break
        return variant.copies[at]

    def call(
        self,
        name: str,
        method: str,
        args: Sequence[Any],
        options: Mapping[str, Any],
        *,
        key: str | None = None,
        variant: str | None = None,
        timeout_s: float | None = None,
        kind: ModelKind | None = None,
        begin: Callable[[], None] | None = None,
        awaited: LoadJob | None = None,
    ) -> Answer[Any]:
        """Call a method of a model; see `Pool.call`.

        Args:
            name: the name of the model.
            method: the method.
            args: its arguments.
            options: its arguments by name.
            key: keeps a caller on one variant.
            variant: takes this variant, whatever the weights.
            timeout_s: how long to wait for a load; None takes the deployment's.
            kind: the kind that the model must have; None for any.
            begin: is called before each model that is run, once it is loaded; it may raise
                `CallerLeftError`.
            awaited: see `Engine.acquire`.
        """
        route = self.route(name)
        if route.spec.ensemble is not None:
            return self._ensemble(
                route, method, args, options, key=key, timeout_s=timeout_s, begin=begin
            )

        def run(generation: Generation) -> Any:
            if begin is not None:
                begin()
            return run_method(generation, method, args, options, kind)

        return self.answer(
            name, run, key=key, variant=variant, timeout_s=timeout_s, awaited=awaited
        )

    def load_for(
        self, name: str, key: str | None, variant: str | None, timeout_s: float | None
    ) -> LoadJob | None:
        """Return the load that a call would wait for; None if it would be answered at once.

        Whoever waits for it passes it and its variant to `call`.

        Raises:
            UnknownNameError: there is no such name or variant.
        """
        route = self.route(name)
        if route.spec.ensemble is not None:
            return None
        copy = self.pick(route.choose(key, variant))
        if copy.slot.current is not None or copy.breaker.state != "closed":
            return None
        deadline_s = None if timeout_s is None else self._engine.clock() + timeout_s
        return self._engine.request(copy.slot, deadline_s)

    def answer(
        self,
        name: str,
        run: Function,
        *,
        key: str | None = None,
        variant: str | None = None,
        timeout_s: float | None = None,
        awaited: LoadJob | None = None,
        stand_in_when_late: bool = True,
    ) -> Answer[Any]:
        """Run something on a model under a lease, or on what stands in for it.

        Args:
            name: the name.
            run: gets the generation.
            key: what keeps a caller on one variant.
            variant: the variant to take, whatever the weights.
            timeout_s: how long to wait for a load; None takes the deployment's.
            awaited: see `Engine.acquire`.
            stand_in_when_late: whether a fallback answers if the model is not loaded in time.
        """
        while True:
            route = self.route(name)
            seconds = route.limit_s(timeout_s)
            deadline_s = None if seconds is None else self._engine.clock() + seconds
            chosen = route.choose(key, variant)
            try:
                return self._once(name, self.pick(chosen), run, deadline_s, awaited=awaited)
            except UnknownNameError:
                # The deployment changed between the choice and the lease.
                if self.routes.get(name) is route:
                    raise
            except Exception as error:
                late = isinstance(error, LoadingTimeoutError) and not stand_in_when_late
                if not route.spec.fallback or late or is_callers_mistake(error):
                    raise
                return self._stand_in(route, chosen, run, key, deadline_s, error)

    def _once(
        self,
        asked: str,
        copy: Copy,
        run: Function,
        deadline_s: float | None,
        like: Slot | None = None,
        *,
        awaited: LoadJob | None = None,
    ) -> Answer[Any]:
        engine, slot, breaker = self._engine, copy.slot, copy.breaker
        breaker.enter()
        try:
            lease = engine.acquire(slot, deadline_s, awaited=awaited)
        except (PoolClosedError, UnknownNameError, LoadingTimeoutError, SickModelError):
            breaker.leave()
            raise
        except PoolError as error:
            breaker.fail(error.load)
            raise
        except BaseException:
            breaker.leave()
            raise
        generation = lease.generation
        labels = generation.labels_of_metrics
        started_s = perf_counter()
        try:
            if like is not None:
                _require_alike(like, generation)
            value = run(generation)
        except Exception as error:
            engine.metrics.add("failures", labels)
            if isinstance(error, NotFiniteError):
                engine.note_not_finite(generation)
            if is_callers_mistake(error):
                breaker.leave()
            else:
                breaker.fail()
            raise
        except BaseException:
            breaker.leave()
            raise
        finally:
            lease.end()
        breaker.succeed()
        engine.note_finite(generation)
        run_s = perf_counter() - started_s
        engine.metrics.answered(labels, run_s)
        return Answer(value=value, versions=(generation.version,), asked=asked, run_s=run_s)

    def _stand_in(
        self,
        route: Route,
        failed: Variant,
        run: Function,
        key: str | None,
        deadline_s: float | None,
        error: Exception,
    ) -> Answer[Any]:
        """Try the fallbacks in their order, and raise the first error if all of them fail."""
        name = route.spec.name
        like = None if route.spec.allow_different_vectors else failed.first.slot
        for other in route.spec.fallback:
            variant = self.route(other).choose(key, None)
            try:
                answer = self._once(name, self.pick(variant), run, deadline_s, like)
            except Exception as also:
                if is_callers_mistake(also) and not isinstance(also, PoolError):
                    raise
                error.add_note(f"its fallback {other!r} failed, too: {also}")
                continue
            self._engine.metrics.add("fallbacks", (name, failed.name))
            self._engine.events.add(
                "fallback", name, variant=failed.name, answered=other, reason=str(error)
            )
            return replace(answer, because=str(error))
        raise error

    def _ensemble(
        self,
        route: Route,
        method: str,
        args: Sequence[Any],
        options: Mapping[str, Any],
        *,
        key: str | None,
        timeout_s: float | None,
        begin: Callable[[], None] | None,
    ) -> Answer[Any]:
        name, spec = route.spec.name, route.spec.ensemble
        assert spec is not None
        plan = ensembles.plan(name, spec, method, args, options)

        def run(generation: Generation) -> Any:
            if begin is not None:
                begin()
            return plan.run(generation)

        parts: list[ensembles.Part] = []
        run_s = 0.0
        versions: list[Version] = []
        dropped: list[str] = []
        for member in spec.members:
            try:
                answer = self.answer(member.name, run, key=key, timeout_s=timeout_s)
            except Exception as error:
                if spec.on_failure == "fail" or is_callers_mistake(error):
                    raise
                dropped.append(member.name)
                self._engine.events.add(
                    "member_dropped", name, member=member.name, reason=str(error)
                )
                continue
            parts.append(ensembles.Part(name=member.name, weight=member.weight, value=answer.value))
            versions += answer.versions
            run_s += answer.run_s
        if not parts:
            raise EnsembleError(name, f"got no answer: all members failed ({', '.join(dropped)})")
        value = plan.combine(parts)
        return Answer(
            value=value,
            versions=tuple(versions),
            asked=name,
            dropped=tuple(dropped),
            run_s=run_s,
        )


def run_method(
    generation: Generation,
    method: str,
    args: Sequence[Any],
    options: Mapping[str, Any],
    kind: ModelKind | None,
) -> Any:
    """Call a method of a model that is leased.

    Raises:
        WrongKindOfModelError: see `check_method`.
        HolotypeError: whatever the method raises.
    """
    check_method(generation, method, kind)
    threshold = generation.unit.threshold
    if method == "classify" and threshold is not None:
        options = _with_threshold(options, threshold)
    return getattr(generation.model, method)(*args, **options)


def check_method(generation: Generation, method: str, kind: ModelKind | None) -> None:
    """Refuse what a model of this kind does not do.

    Raises:
        WrongKindOfModelError: it has no such method, or is of another kind than asked for.
    """
    version = generation.version
    if kind is not None and kind != version.kind:
        raise WrongKindOfModelError(
            version.name,
            f"is a model of the kind {version.kind!r}, and this handle is for {kind!r}; ask the "
            "pool for one of its kind",
        )
    if hasattr(generation.model, method) and method in METHODS[version.kind]:
        return
    known = [one for one in METHODS[version.kind] if hasattr(generation.model, one)]
    raise WrongKindOfModelError(
        version.name,
        f"is a model of the kind {version.kind!r}, which has no {method}(); it has "
        f"{', '.join(f'{one}()' for one in known)}",
    )


def _with_threshold(options: Mapping[str, Any], threshold: float) -> Mapping[str, Any]:
    chosen = any(options.get(name) is not None for name in ("top_k", "threshold"))
    return options if chosen else {**options, "threshold": threshold}


def _require_alike(like: Slot, generation: Generation) -> None:
    """Let a fallback answer only with vectors that fit those of the model it stands in for.

    Raises:
        ContradictionError: its fingerprint differs, or that of the other has never been known.
    """
    if generation.version.kind not in HAVE_VECTORS:
        return
    last = like.last
    expected = None if last is None else last.facts.fingerprint
    if expected is None or expected != generation.version.fingerprint:
        raise ContradictionError(
            generation.version.name,
            "fingerprint",
            expected,
            generation.version.fingerprint,
            f"it cannot answer for {like.name!r}, unless that says allow_different_vectors: true",
        )
