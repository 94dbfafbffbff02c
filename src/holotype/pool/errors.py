"""What can go wrong in a pool of models.

Every error names the model, and holds its values as attributes. Errors that may pass by themselves
have `retry_after_s`.
"""

from __future__ import annotations

from collections.abc import Sequence

from holotype.errors.base import Advice, AdvisedError

_MIB = 1024 * 1024


def mib(n_bytes: float) -> str:
    """Return a size as messages have it."""
    return f"{n_bytes / _MIB:,.1f} MiB"


class PoolError(AdvisedError):
    """The root of the errors of pools.

    Attributes:
        name: the name of the model in the pool; empty for the pool itself.
        problem: what was found and, but for the `advice`, what to do.
        retry_after_s: in how many seconds the same call may succeed; None where that is unknown.
        load: the number of the load that failed, which all have in common that waited for it.
    """

    load: int | None = None

    def __init__(
        self,
        name: str,
        problem: str,
        retry_after_s: float | None = None,
        advice: Advice | None = None,
    ) -> None:
        """Name the model and the problem."""
        self.name = name
        self.problem = problem
        self.retry_after_s = retry_after_s
        self.advice = advice
        super().__init__(name, problem, retry_after_s, *(() if advice is None else (advice,)))

    @property
    def without_advice(self) -> str:
        """The message without the advice."""
        return f"{self.name!r} {self.problem}" if self.name else self.problem


class UnknownNameError(PoolError, LookupError):
    """The pool has no model of this name.

    Attributes:
        suggestions: the most similar names, best first.
        what: what has no such name: a model, or a variant.
    """

    def __init__(self, name: str, suggestions: Sequence[str], *, what: str = "model") -> None:
        """Name what was not found, and what is similar."""
        self.suggestions = tuple(suggestions)
        self.what = what
        hint = (
            f"did you mean {' or '.join(map(repr, self.suggestions))}?"
            if self.suggestions
            else "status() lists the names"
        )
        super().__init__(name, f"is no {what} of this pool; {hint}")
        self.args = (name, self.suggestions)


class WrongKindOfModelError(PoolError, TypeError):
    """A handle was asked for, or a method called, that a model of this kind does not have."""


class PoolClosedError(PoolError, RuntimeError):
    """The pool has been closed, or is closing."""

    def __init__(self, name: str = "") -> None:
        """Name the model that was called."""
        super().__init__(
            name, "cannot be run: the pool is closed" if name else "the pool is closed"
        )
        self.args = (name,)


class ModelTooLargeError(PoolError):
    """A model can never fit, whatever is unloaded. Nothing was unloaded for it.

    Attributes:
        device: the device.
        needed_bytes: how much the model takes.
        budget_bytes: how much models may take on the device.
        held_bytes: how much of that may not be unloaded: what is pinned, and what the model is to
            be loaded beside.
    """

    def __init__(
        self, name: str, *, device: str, needed_bytes: int, budget_bytes: int, held_bytes: int
    ) -> None:
        """State the numbers behind the decision."""
        self.device = device
        self.needed_bytes = needed_bytes
        self.budget_bytes = budget_bytes
        self.held_bytes = held_bytes
        held = f", of which {mib(held_bytes)} may not be unloaded" if held_bytes else ""
        short = needed_bytes - (budget_bytes - held_bytes)
        super().__init__(
            name,
            f"never fits: it takes {mib(needed_bytes)}, and models may take {mib(budget_bytes)} "
            f"on {device}{held}; raise pool.memory by {mib(short)}, load it on another device, or "
            "unpin another model",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        values = self.device, self.needed_bytes, self.budget_bytes, self.held_bytes
        return _too_large, (self.name, *values)


def _too_large(name: str, device: str, needed: int, budget: int, held: int) -> ModelTooLargeError:
    return ModelTooLargeError(
        name, device=device, needed_bytes=needed, budget_bytes=budget, held_bytes=held
    )


class NoMemoryError(PoolError):
    """A model does not fit now, because what is loaded is in use, or too young to be unloaded."""


class ModelLoadError(PoolError):
    """A model could not be loaded; the cause is the error that says why."""


class LoadingTimeoutError(PoolError, TimeoutError):
    """A call waited for a model until its deadline. The load goes on."""


class ContradictionError(PoolError):
    """A loaded model is not what the deployment says, or not like the one that it replaces.

    Attributes:
        what: what differs, such as ``"labels"``.
        expected: the value of the deployment, or of the model that is replaced.
        found: the value of the loaded model.
    """

    def __init__(self, name: str, what: str, expected: object, found: object, hint: str) -> None:
        """Name what differs, both values, and what to do."""
        self.what = what
        self.expected = expected
        self.found = found
        self.hint = hint
        super().__init__(name, f"differs in {what}: expected {expected!r}, found {found!r}; {hint}")
        self.args = (name, what, expected, found, hint)


class SupersededError(PoolError):
    """A swap was not carried out, because a newer one of the same model came before it began."""


class BreakerOpenError(PoolError):
    """A model failed too often lately, and is not called until `retry_after_s` have passed."""

    def __str__(self) -> str:
        """Return the message, and where the reason is."""
        return f"{super().__str__()}; status() has the last error"


class SickModelError(PoolError):
    """A model returned NaN or infinity several times in a row, and is not called any more."""


class QueueFullError(PoolError):
    """More is queued for a model than its limits allow."""


class DeadlineError(PoolError, TimeoutError):
    """A call left the queue because its deadline had passed."""


class EnsembleError(PoolError):
    """The members of an ensemble cannot be combined, or too many of them failed."""


class CallerLeftError(BaseException):
    """Nobody waits for a call any more, so that it is not made.

    No `Exception`: nothing takes it for a failure of the model, and no fallback is tried.
    """
