"""What can go wrong when a model is looked up, and when a catalogue is read or changed."""

from __future__ import annotations

from collections.abc import Sequence

from holotype.errors.base import HolotypeError, printable


class ModelNotFoundError(HolotypeError, LookupError):
    """The catalogue has no model with the requested name.

    Attributes:
        name: the requested id, alias or Hugging Face id.
        suggestions: the most similar existing names, best first.
        instead: what else to write; empty where nothing else can be meant.
    """

    def __init__(
        self, name: str, suggestions: Sequence[str] = (), *, what: str = "id", instead: str = ""
    ) -> None:
        """Name what was not found, what is similar, and what else to write."""
        self.name = name
        self.suggestions = tuple(suggestions)
        self.what = what
        self.instead = instead
        hint = ""
        if self.suggestions:
            hint = f"did you mean {' or '.join(repr(s) for s in self.suggestions)}?"
        elif not instead:
            hint = "list_model_ids() gives all ids"
        found = f"no model has the {what} {name!r}"
        super().__init__("; ".join(part for part in (found, instead, hint) if part))

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return _rebuild_not_found, (self.name, self.suggestions, self.what, self.instead)


def _rebuild_not_found(
    name: str, suggestions: Sequence[str], what: str, instead: str
) -> ModelNotFoundError:
    return ModelNotFoundError(name, suggestions, what=what, instead=instead)


class CriterionError(HolotypeError, ValueError):
    """A query asks for what no model can have, such as a misspelt language.

    Attributes:
        criterion: the name of the criterion.
        wanted: its value.
        problem: what is wrong with the value, and what to write.
    """

    def __init__(self, criterion: str, wanted: object, problem: str) -> None:
        """Name the criterion, its value and the problem."""
        self.criterion = criterion
        self.wanted = wanted
        self.problem = problem
        super().__init__(criterion, wanted, problem)

    def __str__(self) -> str:
        """Return the message."""
        return f"{self.criterion}={self.wanted!r} {self.problem}"


class CriterionTypeError(CriterionError, TypeError):
    """The value of a criterion is of another type, such as a list instead of a text."""


class AmbiguousModelError(HolotypeError, LookupError):
    """A Hugging Face repository has several entries, and the call does not choose one.

    Attributes:
        huggingface_id: the requested repository.
        ids: the ids of its entries.
    """

    def __init__(self, huggingface_id: str, ids: Sequence[str]) -> None:
        """Name the entries to choose from."""
        self.huggingface_id = huggingface_id
        self.ids = tuple(ids)
        super().__init__(
            f"{huggingface_id!r} has {len(self.ids)} entries, because it is run in several ways; "
            f"name one by its id: {', '.join(map(repr, self.ids))}"
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return AmbiguousModelError, (self.huggingface_id, self.ids)


class AmbiguousNameError(HolotypeError, LookupError):
    """A name is both an entry of the catalogue and a folder on this machine.

    Attributes:
        name: the name.
        folder: the folder.
        spellings: the references that say which is meant.
    """

    def __init__(self, name: str, folder: str, spellings: Sequence[str]) -> None:
        """Name both, and what to write for each."""
        self.name = name
        self.folder = folder
        self.spellings = tuple(spellings)
        super().__init__(name, folder, self.spellings)

    def __str__(self) -> str:
        """Return the message."""
        return printable(
            f"{self.name!r} names both an entry of the catalogue and the folder {self.folder!r}; "
            f"write {' or '.join(map(repr, self.spellings))} in its place"
        )


class DeprecatedModelWarning(UserWarning):
    """The requested model is marked as deprecated in the catalogue."""


class CatalogueFileError(HolotypeError):
    """A catalogue file is not valid, or a requested change to it is not.

    Attributes:
        location: the file; empty if only its text is known.
        problem: what was found, and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        """Name the file and the problem."""
        self.location = location
        self.problem = problem
        super().__init__(location, problem)

    def __str__(self) -> str:
        """Return the message."""
        return f"{self.location}: {self.problem}" if self.location else self.problem
