"""What can go wrong when the files of a model are found, read, built or exported."""

from __future__ import annotations

from collections.abc import Sequence

from holotype.errors.base import Advice, AdvisedError, LocatedError, printable

_MOST_SHOWN = 8


class UnsupportedModelError(AdvisedError):
    """This version of holotype cannot run a model that it knows.

    Attributes:
        model_id: the id of the record.
        reason: what is unsupported, and what is supported.
    """

    def __init__(self, model_id: str, reason: str, advice: Advice | None = None) -> None:
        """Name the model and the reason."""
        self.model_id = model_id
        self.reason = reason
        self.advice = advice
        super().__init__(model_id, reason, *(() if advice is None else (advice,)))

    @property
    def without_advice(self) -> str:
        """The message without the advice."""
        return f"{self.model_id!r} cannot be loaded: {self.reason}"


class CheckpointError(LocatedError):
    """The files of a model are missing, damaged or not as expected."""


class CheckpointNotFoundError(CheckpointError, LookupError):
    """A model's files are not on this machine and cannot be downloaded."""


class RevisionGoneError(CheckpointNotFoundError):
    """A repository on the Hub does not have the commit, or no longer has it."""


class HubUnreachableError(CheckpointNotFoundError):
    """The Hub does not answer, or HF_HUB_OFFLINE is set."""


class WrongKindError(CheckpointError):
    """A checkpoint holds another kind of model than the record says."""


class UnsafeCheckpointError(CheckpointError):
    """Loading a checkpoint could run its code: pickled weights, or Python files."""


class UnsupportedCheckpointError(CheckpointError):
    """A checkpoint is valid, but this version of holotype cannot run it."""


class TensorError(CheckpointError):
    """The tensors of a checkpoint do not match the model.

    Attributes:
        missing: tensors that the model needs and the checkpoint lacks.
        unexpected: tensors that the checkpoint has and the model does not use.
        misshapen: tensors whose shapes differ, with both shapes.
    """

    def __init__(
        self,
        location: str,
        missing: Sequence[str] = (),
        unexpected: Sequence[str] = (),
        misshapen: Sequence[str] = (),
    ) -> None:
        """Name the tensors; missing weights are never initialised at random."""
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


def _first(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_SHOWN])
    n_more = len(names) - _MOST_SHOWN
    return f"{shown} and {n_more} more" if n_more > 0 else shown


class CatalogueMismatchError(AdvisedError):
    """The catalogue and the checkpoint disagree on how to run a model.

    Attributes:
        model_id: the id of the record.
        location: the folder of the checkpoint.
        differences: for each field that differs, its name, the catalogue's value, the
            checkpoint's value and its file.
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
        self.advice = Advice(
            "name-folder",
            "pass the folder that the record describes as checkpoint=, or load a corrected record: "
            "dataclasses.replace(record, ...)",
            "the folder that the record describes",
            joint="\nnothing was loaded; ",
        )
        super().__init__(model_id, location, self.differences)

    @property
    def without_advice(self) -> str:
        """The message without the advice."""
        lines = [
            f"the catalogue and the checkpoint disagree about {self.model_id!r} ({self.location}):"
        ]
        lines += [
            f"  {field}: the catalogue says {ours!r}, {file} says {theirs!r}"
            for field, ours, theirs, file in self.differences
        ]
        return printable("\n".join(lines))


class LostPromptWarning(UserWarning):
    """A folder states no prompts, but seems to hold a model that the catalogue runs with some."""


def how_to_limit(argument: str, joint: str = "; ") -> Advice:
    """Return the advice to say how near an export has to be: an argument of `holotype.export`."""
    return Advice("set-limit", f"say with {argument}= what is near enough", argument, joint=joint)


class ExportError(AdvisedError):
    """A model cannot be exported, or its export differs too much.

    Attributes:
        model_id: the id of the record.
        problem: what was found and, but for the `advice`, what to do.
    """

    def __init__(self, model_id: str, problem: str, advice: Advice | None = None) -> None:
        """Name the model and the reason."""
        self.model_id = model_id
        self.problem = problem
        self.advice = advice
        super().__init__(model_id, problem, *(() if advice is None else (advice,)))

    @property
    def without_advice(self) -> str:
        """The message without the advice."""
        return f"{self.model_id!r} cannot be exported: {self.problem}"
