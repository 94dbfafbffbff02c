"""The errors that holotype raises, one small hierarchy.

Every message says what was found, what was expected, and what to do next; the values are
attributes of the error, so that a program can act on them.
"""

from __future__ import annotations

from collections.abc import Sequence


class HolotypeError(Exception):
    """The root of all errors that holotype raises on purpose."""


class ModelNotFoundError(HolotypeError, LookupError):
    """No model of the catalogue has the name that was asked for.

    Attributes:
        name: the id, alias or Hugging Face id that was asked for.
        suggestions: the nearest names that exist, best first.
    """

    def __init__(self, name: str, suggestions: Sequence[str] = (), *, what: str = "id") -> None:
        """Say which name was not found and which ones are near."""
        self.name = name
        self.suggestions = tuple(suggestions)
        self.what = what
        hint = (
            f"did you mean {' or '.join(repr(s) for s in self.suggestions)}?"
            if self.suggestions
            else "list_model_ids() gives all ids"
        )
        super().__init__(f"no model has the {what} {name!r}; {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return _rebuild_not_found, (self.name, self.suggestions, self.what)


def _rebuild_not_found(name: str, suggestions: Sequence[str], what: str) -> ModelNotFoundError:
    return ModelNotFoundError(name, suggestions, what=what)


class AmbiguousModelError(HolotypeError, LookupError):
    """A Hugging Face repository has several entries and the call does not say which is meant.

    Attributes:
        huggingface_id: the repository that was asked for.
        ids: the ids of its entries.
    """

    def __init__(self, huggingface_id: str, ids: Sequence[str]) -> None:
        """Name the entries among which the caller must choose."""
        self.huggingface_id = huggingface_id
        self.ids = tuple(ids)
        super().__init__(
            f"{huggingface_id!r} has {len(self.ids)} entries, {', '.join(map(repr, self.ids))}; "
            "pass type= to choose one, or get_model() with its id"
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return AmbiguousModelError, (self.huggingface_id, self.ids)


class MissingExtraError(HolotypeError, ImportError):
    """A feature needs packages that are not installed.

    Attributes:
        extra: the extra of holotype that brings them.
        missing: the module that could not be imported.
    """

    def __init__(self, extra: str, missing: str, feature: str) -> None:
        """Name the feature, the missing module and the command that installs it."""
        self.extra = extra
        self.missing = missing
        self.feature = feature
        super().__init__(
            f"{feature} needs {missing!r}, which is not installed; "
            f"run: pip install 'holotype[{extra}]'"
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return MissingExtraError, (self.extra, self.missing, self.feature)


class DeprecatedModelWarning(UserWarning):
    """A model that the catalogue marks as deprecated was asked for by name."""
