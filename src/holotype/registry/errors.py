"""The errors of the registry; each names the database, without its password."""

from __future__ import annotations

from collections.abc import Sequence

from holotype.errors import Advice, LocatedError


class RegistryError(LocatedError):
    """The registry refuses a request, or its database has a problem."""


class DatabaseAddressError(RegistryError, ValueError):
    """An address names no database that the registry can use."""


class DatabaseUnavailableError(RegistryError):
    """The database does not answer, or another program keeps it locked."""


class SchemaVersionError(RegistryError):
    """The tables of a database are of another version than this holotype uses, or missing.

    Attributes:
        found: the version of the tables; None if there are none.
        expected: the version that this holotype uses.
    """

    def __init__(self, location: str, found: str | None, expected: str, problem: str) -> None:
        """Name both versions, and the command that helps."""
        self.found = found
        self.expected = expected
        super().__init__(location, problem)

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return SchemaVersionError, (self.location, self.found, self.expected, self.problem)


class VersionNotFoundError(RegistryError, LookupError):
    """The registry has no such kind, version or benchmark run, or nothing is active.

    Attributes:
        suggestions: the most similar existing names, best first.
    """

    def __init__(
        self,
        location: str,
        problem: str,
        suggestions: Sequence[str] = (),
        advice: Advice | None = None,
    ) -> None:
        """Name what was not found, and what is similar."""
        self.suggestions = tuple(suggestions)
        self._given = (location, problem, self.suggestions, advice)
        if self.suggestions:
            hint = f"; did you mean {' or '.join(map(repr, self.suggestions))}?"
            if advice is None:
                problem += hint
            else:
                advice = advice._replace(after=hint)
        super().__init__(location, problem, advice)

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return VersionNotFoundError, self._given


def how_to_activate(kind: str) -> Advice:
    """Return the advice to activate a version of a kind."""
    command = f"holotype registry activate {kind} VERSION"
    return Advice("activate-version", f"activate one with: {command}", kind)


class KeyNotFoundError(RegistryError, LookupError):
    """The registry has no such key."""


class VersionExistsError(RegistryError):
    """A version of this name is registered and is another one; versions never change."""


class StaleGenerationError(RegistryError):
    """Somebody else has activated a version in the meantime.

    Attributes:
        expected: the generation that the caller expected.
        found: the generation that is active; 0 if none is.
    """

    def __init__(self, location: str, expected: int, found: int, by: str) -> None:
        """Name both generations, and who made the second."""
        self.expected = expected
        self.found = found
        self.by = by
        whose = f", made by {by!r}" if by else ""
        super().__init__(
            location,
            f"is at generation {found}{whose}, not at {expected}, as you expected; look at the "
            "history, and repeat the request with the new generation if it is still right",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return StaleGenerationError, (self.location, self.expected, self.found, self.by)


class RequestReusedError(RegistryError, ValueError):
    """The id of an earlier request came with another request."""


class VersionRejectedError(RegistryError):
    """A version failed its checks, so that it was not activated; nothing has changed.

    Attributes:
        version: the version.
        problems: what was wrong with it: the name of the check, and what was found.
    """

    def __init__(self, location: str, version: str, problems: Sequence[tuple[str, str]]) -> None:
        """Name the version, and all that is wrong with it."""
        self.version = version
        self.problems = tuple(problems)
        found = "; ".join(f"{name}: {message}" for name, message in self.problems)
        super().__init__(location, f"{version} failed its checks, and nothing has changed: {found}")

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return VersionRejectedError, (self.location, self.version, self.problems)


class SwitchFailedError(RegistryError):
    """A version was loaded and recorded, but did not take over; the cause says why.

    Attributes:
        undone: whether the record was undone, so that the version before is the active one again.
    """

    def __init__(self, location: str, problem: str, *, undone: bool) -> None:
        """Say what happened, and what is active now."""
        self.undone = undone
        super().__init__(location, problem)

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return _switch_failed, (self.location, self.problem, self.undone)


def _switch_failed(location: str, problem: str, undone: bool) -> SwitchFailedError:
    return SwitchFailedError(location, problem, undone=undone)
