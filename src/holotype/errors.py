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


class UnsupportedModelError(HolotypeError):
    """A model is known, but this version of holotype cannot run it.

    Attributes:
        model_id: the id of the record.
        reason: what is not supported, and what is.
    """

    def __init__(self, model_id: str, reason: str) -> None:
        """Name the model and what stands in the way."""
        self.model_id = model_id
        self.reason = reason
        super().__init__(model_id, reason)

    def __str__(self) -> str:
        """Return the message."""
        return f"{self.model_id!r} cannot be loaded: {self.reason}"


class InvalidDimensionError(HolotypeError, ValueError):
    """Vectors of a size that the model does not have were asked for.

    Attributes:
        model_id: the id of the record.
        dim: the size that was asked for.
        allowed: the sizes that the model has, ascending.
    """

    def __init__(self, model_id: str, dim: int, allowed: Sequence[int]) -> None:
        """Name the model, the size that was asked for and those that exist."""
        self.model_id = model_id
        self.dim = dim
        self.allowed = tuple(allowed)
        super().__init__(model_id, dim, self.allowed)

    def __str__(self) -> str:
        """Return the message."""
        sizes = ", ".join(map(str, self.allowed))
        what = "only" if len(self.allowed) == 1 else "one of"
        return (
            f"{self.model_id!r} has no vectors of {self.dim!r} dimensions; pass {what} dim={sizes}"
        )


class InstructionError(HolotypeError, ValueError):
    """A prompt needs an instruction that is not given, or an instruction has no place to go.

    Attributes:
        model_id: the id of the record.
        prompt: the prompt of the side that was asked for.
        instruction: the instruction that was given; None where it is missing.
    """

    def __init__(self, model_id: str, prompt: str, instruction: str | None) -> None:
        """Name the model and its prompt."""
        self.model_id = model_id
        self.prompt = prompt
        self.instruction = instruction
        super().__init__(model_id, prompt, instruction)

    def __str__(self) -> str:
        """Return the message."""
        if self.instruction is None:
            return (
                f"{self.model_id!r} is run with the prompt {self.prompt!r}, whose instruction is "
                "not known; pass instruction= with a description of the task"
            )
        return (
            f"{self.model_id!r} takes no instruction, but got {self.instruction!r}: its prompt "
            f"{self.prompt!r} has no '{{instruction}}'; leave instruction= out"
        )


class TextOverflowError(HolotypeError, ValueError):
    """Texts are longer than what the model reads, and the call does not allow to cut them.

    Attributes:
        model_id: the id of the record.
        n_texts: how many texts are too long.
        n_tokens: how many of their tokens would be cut, all texts together.
        max_length: the longest text in tokens, with special tokens.
        first_index: the position of the first text that is too long.
    """

    def __init__(
        self, model_id: str, n_texts: int, n_tokens: int, max_length: int, first_index: int
    ) -> None:
        """Say how much would be cut, and where the first text is."""
        self.model_id = model_id
        self.n_texts = n_texts
        self.n_tokens = n_tokens
        self.max_length = max_length
        self.first_index = first_index
        super().__init__(model_id, n_texts, n_tokens, max_length, first_index)

    def __str__(self) -> str:
        """Return the message."""
        return (
            f"{self.n_texts} text{'s' * (self.n_texts != 1)} exceed{'s' * (self.n_texts == 1)} the "
            f"{self.max_length} tokens that {self.model_id!r} reads by {self.n_tokens} "
            f"token{'s' * (self.n_tokens != 1)} in all, the first at index {self.first_index}; "
            'shorten or split the texts, or pass on_overflow="truncate"'
        )


class ClosedEncoderError(HolotypeError, RuntimeError):
    """An encoder was used after it had been closed.

    Attributes:
        model_id: the id of the record; empty where it is not known.
    """

    def __init__(self, model_id: str = "") -> None:
        """Name the model."""
        self.model_id = model_id
        super().__init__(model_id)

    def __str__(self) -> str:
        """Return the message."""
        named = f" of {self.model_id!r}" if self.model_id else ""
        return f"the encoder{named} has been closed and holds no weights; load() the model again"


class TextOverflowWarning(UserWarning):
    """Texts were longer than what the model reads, and were cut."""


class LocatedError(HolotypeError):
    """Something that lies somewhere is not what it should be.

    Attributes:
        location: the folder, the file or the reference.
        problem: what was found, what was expected and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        """Name the place, and what is wrong with what lies there."""
        self.location = location
        self.problem = problem
        super().__init__(location, problem)

    def __str__(self) -> str:
        """Return the message."""
        return f"{self.location}: {self.problem}"


class CheckpointError(LocatedError):
    """The files of a model are missing, damaged or not what they should be."""


class CheckpointNotFoundError(CheckpointError, LookupError):
    """A model's files are neither on this machine nor can they be downloaded."""


class RevisionGoneError(CheckpointNotFoundError):
    """A repository on the Hub has no such commit, or has it no longer."""


class HubUnreachableError(CheckpointNotFoundError):
    """The Hub does not answer, or huggingface_hub is told to stay offline."""


class WrongKindError(CheckpointError):
    """A checkpoint holds another kind of model than the record says."""


class UnsafeCheckpointError(CheckpointError):
    """A checkpoint could run code while it is loaded: pickled weights, or Python files."""


class UnsupportedCheckpointError(CheckpointError):
    """A checkpoint is sound, but uses something that this version of holotype cannot run."""


class ExportError(HolotypeError):
    """An export of a model cannot be made, or must not be kept.

    Attributes:
        model_id: the id of the record.
        problem: what was found, and what to do.
    """

    def __init__(self, model_id: str, problem: str) -> None:
        """Name the model and what stands in the way."""
        self.model_id = model_id
        self.problem = problem
        super().__init__(model_id, problem)

    def __str__(self) -> str:
        """Return the message."""
        return f"{self.model_id!r} cannot be exported: {self.problem}"


class CatalogueFileError(HolotypeError):
    """A catalogue file is not what it should be, or must not become what was asked for.

    Attributes:
        location: the file; empty where only its text is known.
        problem: what was found, and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        """Name the file and what is wrong with it."""
        self.location = location
        self.problem = problem
        super().__init__(location, problem)

    def __str__(self) -> str:
        """Return the message."""
        return f"{self.location}: {self.problem}" if self.location else self.problem


class TensorError(CheckpointError):
    """The tensors of a checkpoint are not those that the model needs.

    Attributes:
        missing: names of tensors that the model needs and the checkpoint lacks.
        unexpected: names of tensors that the checkpoint has and the model has no place for.
        misshapen: names of tensors whose shapes differ, with both shapes.
    """

    def __init__(
        self,
        location: str,
        missing: Sequence[str] = (),
        unexpected: Sequence[str] = (),
        misshapen: Sequence[str] = (),
    ) -> None:
        """Name the tensors; no weight is ever initialised at random in their place."""
        self.missing = tuple(missing)
        self.unexpected = tuple(unexpected)
        self.misshapen = tuple(misshapen)
        lists = (
            ("missing", self.missing),
            ("unexpected", self.unexpected),
            ("of another shape", self.misshapen),
        )
        found = "; ".join(f"{len(names)} {what}: {_first(names)}" for what, names in lists if names)
        super().__init__(
            location,
            f"the weights do not fit the model: {found}. Nothing is initialised at random in "
            "their place; check that the folder holds the whole checkpoint of this record",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return TensorError, (self.location, self.missing, self.unexpected, self.misshapen)


def _first(names: Sequence[str], limit: int = 8) -> str:
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


class CatalogueMismatchError(HolotypeError):
    """The catalogue and the checkpoint say different things about how a model is run.

    Attributes:
        model_id: the id of the record.
        location: the folder of the checkpoint.
        differences: for each field that differs its name, the catalogue's value, the
            checkpoint's value and the file that it comes from.
    """

    def __init__(
        self,
        model_id: str,
        location: str,
        differences: Sequence[tuple[str, object, object, str]],
    ) -> None:
        """List every field that differs, with both values."""
        self.model_id = model_id
        self.location = location
        self.differences = tuple(differences)
        super().__init__(model_id, location, self.differences)

    def __str__(self) -> str:
        """Return the message."""
        lines = [
            f"the catalogue and the checkpoint disagree about {self.model_id!r} ({self.location}):"
        ]
        lines += [
            f"  {field}: the catalogue says {ours!r}, {file} says {theirs!r}"
            for field, ours, theirs, file in self.differences
        ]
        lines.append(
            "nothing was loaded; pass the folder that the record describes as checkpoint=, or load "
            "a corrected record: dataclasses.replace(record, ...)"
        )
        return "\n".join(lines)
