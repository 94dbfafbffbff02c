"""The errors that holotype raises, in one small hierarchy.

Every message says what was found, what was expected, and what to do next. The values are also
attributes of the error, so that programs can act on them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from holotype._dataclass import dataclass

# Control characters but for tabs and line breaks, what turns the direction of writing, and halves of
# surrogate pairs, which no file can be written with. Compiled on first use: that takes longer than the
# rest of this module.
_OBEYED = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"


def printable(text: str) -> str:
    """Return a text without characters that a terminal obeys; what would be one is spelt.

    Names of files, tensors and labels are anybody's, and reach the terminal in messages.
    """
    return re.sub(_OBEYED, lambda found: f"\\u{ord(found[0]):04x}", text)


_LONGEST_PROBLEM = 3_000
_KEPT = 1_200


def _shortened(text: str) -> str:
    """Return a text whose middle is left out where it is long, as a file may have values of any length.

    What is wrong stands at the beginning, and what to do at the end.
    """
    if len(text) <= _LONGEST_PROBLEM:
        return text
    return f"{text[:_KEPT]} [{len(text) - 2 * _KEPT} characters] {text[-_KEPT:]}"


class HolotypeError(Exception):
    """The root of all errors that holotype raises on purpose."""


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


class InvalidArgumentError(HolotypeError, TypeError, ValueError):
    """An argument has the wrong type or an impossible value, or there is no such argument."""


class MissingExtraError(HolotypeError, ImportError):
    """A feature needs packages that are not installed.

    Attributes:
        extra: the extra of holotype that installs them.
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
    """The requested model is marked as deprecated in the catalogue."""


class LostPromptWarning(UserWarning):
    """A folder states no prompts, but seems to hold a model that the catalogue runs with some."""


class UnsupportedModelError(HolotypeError):
    """This version of holotype cannot run a model that it knows.

    Attributes:
        model_id: the id of the record.
        reason: what is unsupported, and what is supported.
    """

    def __init__(self, model_id: str, reason: str) -> None:
        """Name the model and the reason."""
        self.model_id = model_id
        self.reason = reason
        super().__init__(model_id, reason)

    def __str__(self) -> str:
        """Return the message."""
        return f"{self.model_id!r} cannot be loaded: {self.reason}"


class UnsupportedInputError(UnsupportedModelError, ValueError):
    """A model that runs does not read what it was given, such as pictures."""

    def __str__(self) -> str:
        """Return the message."""
        return f"{self.model_id!r} does not read this: {self.reason}"


class InvalidDimensionError(HolotypeError, ValueError):
    """The model has no vectors of the requested size, or is not known to have any.

    Attributes:
        model_id: the id of the record.
        dim: the requested size.
        allowed: the sizes that the model is known to have, ascending: a tuple, or a `range` where it
            has every size of a range.
        sizes_known: whether these are all; if not, no source says whether vectors can be truncated.
    """

    def __init__(
        self, model_id: str, dim: int, allowed: Sequence[int], sizes_known: bool = True
    ) -> None:
        """Name the model, the requested size and the available ones."""
        self.model_id = model_id
        self.dim = dim
        self.allowed = allowed if isinstance(allowed, range) else tuple(allowed)
        # Nothing is longer than the vectors that a model returns.
        smaller = isinstance(dim, int) and 0 < dim < max(self.allowed[-1:], default=0)
        self.sizes_known = sizes_known or not smaller
        super().__init__(model_id, dim, self.allowed, sizes_known)

    def __str__(self) -> str:
        """Return the message."""
        sizes = self.in_words(", ")
        if not self.sizes_known:
            return (
                f"it is unknown whether vectors of {self.model_id!r} can be truncated to "
                f"{self.dim!r} dimensions, since no source states its Matryoshka sizes; leave dim= "
                "out, or, if its authors name that size, load dataclasses.replace(record, "
                f"matryoshka_dims=({self.dim!r}, {sizes}))"
            )
        if not self.allowed:
            return (
                f"{self.model_id!r} returns no vectors whose size could be chosen; leave dim= out"
            )
        what = "only" if len(self.allowed) == 1 else "one of"
        if isinstance(self.allowed, range):
            what = "any size of"
        return (
            f"{self.model_id!r} has no vectors of {self.dim!r} dimensions; pass {what} dim={sizes}"
        )

    def in_words(self, separator: str) -> str:
        """Return the sizes that the model is known to have: ``64, 128``, or ``32 to 1024``."""
        if isinstance(self.allowed, range):
            return f"{self.allowed[0]} to {self.allowed[-1]}"
        return separator.join(map(str, self.allowed))


class InstructionError(HolotypeError, ValueError):
    """A prompt requires an instruction that is missing, or takes none and got one.

    Attributes:
        model_id: the id of the record.
        prompt: the prompt of the requested side.
        instruction: the given instruction; None if it is missing.
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
    """Texts are longer than the model reads, and the call does not allow truncation.

    Attributes:
        model_id: the id of the record.
        n_texts: the number of texts that are too long.
        n_tokens: the number of tokens that would be cut, in all texts together.
        max_length: the longest text in tokens, with special tokens.
        first_index: the position of the first text that is too long.
    """

    def __init__(
        self, model_id: str, n_texts: int, n_tokens: int, max_length: int, first_index: int
    ) -> None:
        """State how much would be cut, and the position of the first text."""
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
    """An encoder was used after it was closed.

    Attributes:
        model_id: the id of the record; empty if unknown.
    """

    def __init__(self, model_id: str = "") -> None:
        """Name the model."""
        self.model_id = model_id
        super().__init__(model_id)

    def __str__(self) -> str:
        """Return the message."""
        named = f" of {self.model_id!r}" if self.model_id else ""
        return f"the encoder{named} has been closed and holds no weights; load() the model again"


class InvalidLengthError(HolotypeError, ValueError):
    """The length at which texts are cut leaves no room for any.

    Attributes:
        max_length: the length in tokens.
        what: what has no room, and what takes it.
        n_taken: how many tokens that takes.
    """

    def __init__(self, max_length: int, what: str, n_taken: int) -> None:
        """Name the length, and what it has no room for."""
        self.max_length = max_length
        self.what = what
        self.n_taken = n_taken
        super().__init__(max_length, what, n_taken)

    def __str__(self) -> str:
        """Return the message."""
        return (
            f"a length of {self.max_length} tokens leaves no room for {self.what} take "
            f"{self.n_taken}"
        )


class ForkedEncoderError(HolotypeError, RuntimeError):
    """A model was loaded or run in a process that was forked after a model had been loaded.

    A fork does not copy the threads of torch, ONNX Runtime and OpenVINO, so a call would wait for
    them for ever.

    Attributes:
        model_id: the id of the record.
    """

    def __init__(self, model_id: str) -> None:
        """Name the model."""
        self.model_id = model_id
        super().__init__(model_id)

    def __str__(self) -> str:
        """Return the message."""
        return (
            f"{self.model_id!r} cannot run in this process, which was forked after a model had been "
            "loaded: the threads that run models stayed in the other process; start processes with "
            "multiprocessing.get_context('spawn') (gunicorn: without --preload; celery: "
            "--pool=threads or solo), or load() in each process, and in none before it is forked"
        )


class NotFiniteError(HolotypeError, ArithmeticError):
    """A model returned NaN or infinity for an item.

    Attributes:
        model_id: the id of the record.
        index: the position of the first such item in the call.
        dtype: the type of the weights and of the arithmetic.
    """

    def __init__(self, model_id: str, index: int, dtype: str) -> None:
        """Name the model, the item and the type."""
        self.model_id = model_id
        self.index = index
        self.dtype = dtype
        super().__init__(model_id, index, dtype)

    def __str__(self) -> str:
        """Return the message."""
        cause = "the weights are damaged or too large; compare the files with the pinned revision"
        if self.dtype != "float32":
            cause = (
                f"the model needs more range than {self.dtype} has; load it with dtype='float32'"
            )
        if self.dtype == "float16":
            cause += " or 'bfloat16'"
        return (
            f"{self.model_id!r} returned NaN or infinity in {self.dtype} for the item at index "
            f"{self.index}: {cause}"
        )


class DeviceMemoryError(HolotypeError, MemoryError):
    """A device has too little memory for a model or a batch.

    Attributes:
        device: the device, as torch names it.
        free_bytes: how many bytes of it nobody uses.
        total_bytes: how many it has.
    """

    def __init__(self, device: str, free_bytes: int, total_bytes: int) -> None:
        """Name the device and its memory."""
        self.device = device
        self.free_bytes = free_bytes
        self.total_bytes = total_bytes
        super().__init__(device, free_bytes, total_bytes)

    def __str__(self) -> str:
        """Return the message."""
        free, total = (n_bytes / 2**30 for n_bytes in (self.free_bytes, self.total_bytes))
        return (
            f"{self.device} ran out of memory, of which {free:.1f} of {total:.1f} GiB are free now; "
            "pass a smaller batch_size or max_length, load the model with dtype='bfloat16', or close "
            "other models"
        )


class TextOverflowWarning(UserWarning):
    """Texts were longer than the model reads, and were truncated."""


class LocatedError(HolotypeError):
    """A file, a folder or a reference has a problem.

    Attributes:
        location: the folder, the file or the reference.
        problem: what was found, what was expected and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        """Name the location and the problem."""
        self.location = location
        self.problem = problem
        super().__init__(location, problem)

    def __str__(self) -> str:
        """Return the message, in which whatever a file may say moves no cursor and is not too long."""
        return printable(f"{self.location}: {_shortened(self.problem)}")

    def rename(self, folder: str, name: str) -> None:
        """Call a folder by another name, as where the files in it are copies of the user's."""
        self.location = self.location.replace(folder, name)
        self.problem = self.problem.replace(folder, name)
        self.args = (self.location, self.problem)


class TokenizationError(LocatedError):
    """A tokenizer fails at a text.

    Attributes:
        index: the position of the text, or of its pair, among those that were passed.
    """

    def __init__(self, location: str, reason: str, index: int) -> None:
        """Name the tokenizer, what it says, and the text."""
        self.reason = reason
        self.index = index
        super().__init__(
            location,
            f"fails at the text at index {index}: {reason}; leave the text out, shorten it, or take "
            "a checkpoint whose tokenizer reads it",
        )

    def at(self, index: int) -> TokenizationError:
        """Return the same error for another position."""
        return TokenizationError(self.location, self.reason, index)

    def __reduce__(self) -> tuple[type[TokenizationError], tuple[str, str, int]]:
        """Return what makes it again in another process."""
        return type(self), (self.location, self.reason, self.index)


class ImageError(HolotypeError, ValueError):
    """A picture cannot be read.

    Attributes:
        problem: what was found, what was expected and what to do.
        index: the position of the picture among those that were passed.
        source: its path; empty where it has none.
    """

    def __init__(self, problem: str, index: int = 0, source: str = "") -> None:
        """Name the picture and the problem."""
        self.problem = problem
        self.index = index
        self.source = source
        super().__init__(problem, index, source)

    def at(self, index: int) -> ImageError:
        """Return the same error for another position."""
        return ImageError(self.problem, index, self.source)

    def __str__(self) -> str:
        """Return the message, in which a path moves no cursor."""
        path = f" ({self.source})" if self.source else ""
        return printable(f"the picture at index {self.index}{path} {self.problem}")


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


class ExportError(HolotypeError):
    """A model cannot be exported, or its export differs too much.

    Attributes:
        model_id: the id of the record.
        problem: what was found, and what to do.
    """

    def __init__(self, model_id: str, problem: str) -> None:
        """Name the model and the reason."""
        self.model_id = model_id
        self.problem = problem
        super().__init__(model_id, problem)

    def __str__(self) -> str:
        """Return the message."""
        return f"{self.model_id!r} cannot be exported: {self.problem}"


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


def _first(names: Sequence[str], limit: int = 8) -> str:
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


class CatalogueMismatchError(HolotypeError):
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
        return printable("\n".join(lines))


Problem: TypeAlias = Literal["missing", "extra", "changed", "not a file"]

GRAMMAR = """\
  local:PATH                    a folder, such as local:artifacts/model-v1 or local:/srv/model
  local:STORE@ALIAS             what an alias of a store of artifacts stands for
  hf:ORG/MODEL[@REVISION]       a repository on the Hub; the revision is a tag, branch or commit
  s3://BUCKET/PREFIX            an artifact in an object store that speaks S3
  gs://BUCKET/PREFIX            an artifact in Google Cloud Storage
  catalogue:ID                  an entry of the catalogue, at its pinned revision"""
"""The forms of a reference, as shown in errors and help."""


class InvalidReferenceError(HolotypeError, ValueError):
    """A text is not a valid reference to a model.

    Attributes:
        text: the text, with possible secrets removed.
        problem: what is wrong with it.
        suggestions: references that may be meant, best first.
    """

    def __init__(self, text: str, problem: str, suggestions: Sequence[str] = ()) -> None:
        """State the problem, and what may be meant."""
        self.text = text
        self.problem = problem
        self.suggestions = tuple(suggestions)
        super().__init__(text, problem, self.suggestions)

    def __str__(self) -> str:
        """Return the message, which ends with the grammar."""
        hint = ""
        if self.suggestions:
            hint = f"; did you mean {' or '.join(map(repr, self.suggestions))}?"
        return (
            f"{self.text!r} is no reference: {self.problem}{hint}\nA reference is one of\n{GRAMMAR}"
        )


class CredentialsInReferenceError(InvalidReferenceError):
    """A reference contains a user name, a password, a token or a signature."""


class ArtifactError(LocatedError):
    """An artifact, or a file that belongs to artifacts, has a problem."""


class ArtifactNotFoundError(ArtifactError, LookupError):
    """There is no artifact at the location that a reference names."""


class ArtifactExistsError(ArtifactError):
    """The target already exists, and is not overwritten."""


class ManifestError(ArtifactError):
    """An `artifact.json` is damaged, of another version, or malicious."""


class UnsafePathError(ManifestError):
    """A path could leave its folder, or means different files on different systems.

    Attributes:
        path: the path.
    """

    def __init__(self, location: str, path: str, problem: str) -> None:
        """Name the path and the problem."""
        self.path = path
        self.reason = problem
        super().__init__(location, f"the path {path[:200]!r} {problem}")

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return UnsafePathError, (self.location, self.path, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifference:
    """A file that differs from the manifest.

    Attributes:
        path: the file within the folder.
        problem: ``missing``; ``extra`` if the manifest does not name it; ``changed`` if it
            has another size or other contents; ``not a file`` if it is a link, a folder or a device.
        detail: what was found and what was expected.
    """

    path: str
    problem: Problem
    detail: str = ""

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.problem}: {self.path}" + (f" ({self.detail})" if self.detail else "")


class ArtifactDamagedError(ArtifactError):
    """The files of an artifact differ from its manifest.

    Attributes:
        findings: every file that differs.
    """

    def __init__(self, location: str, findings: Sequence[FileDifference]) -> None:
        """Name every file that differs."""
        self.findings = tuple(findings)
        lines = [f"  {finding}" for finding in self.findings]
        head = (
            f"{len(lines)} file{'s' * (len(lines) != 1)} of this artifact "
            f"differ{'s' * (len(lines) == 1)} from its manifest; fetch or create it again"
        )
        super().__init__(location, "\n".join([head, *lines]))

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return ArtifactDamagedError, (self.location, self.findings)


class IncompatibleModesError(HolotypeError, ValueError):
    """Two models cannot share one pass through the transformer.

    Attributes:
        ids: the ids of both records.
        what: what differs.
        found: the value of each.
    """

    def __init__(self, ids: tuple[str, str], what: str, found: tuple[object, object]) -> None:
        """Name both models, what differs, and both values."""
        self.ids = ids
        self.what = what
        self.found = found
        super().__init__(ids, what, found)

    def __str__(self) -> str:
        """Return the message."""
        (first, second), (ours, theirs) = self.ids, self.found
        return (
            f"{first!r} and {second!r} cannot share a pass: their {self.what} differ, {ours!r} and "
            f"{theirs!r}; choose modes of one checkpoint that read texts alike, or load() each"
        )


class ModeNotLoadedError(HolotypeError, LookupError):
    """The requested mode was not loaded.

    Attributes:
        mode: the mode.
        loaded: the modes that were loaded.
    """

    def __init__(self, mode: str, loaded: Sequence[str]) -> None:
        """Name the mode, and the loaded ones."""
        self.mode = mode
        self.loaded = tuple(loaded)
        super().__init__(mode, self.loaded)

    def __str__(self) -> str:
        """Return the message."""
        return (
            f"the mode {self.mode!r} was not loaded, only {', '.join(self.loaded)}; pass its record "
            f"as {self.mode}= to load_modes()"
        )


class AliasNotFoundError(ArtifactNotFoundError):
    """A store of artifacts has no such alias, or the alias has no earlier version to restore."""


class StoreBusyError(ArtifactError):
    """Another process is changing the same aliases, or making the same artifact."""


class DifferentVectorsError(ArtifactError):
    """An alias would move to another vector space, which corrupts every index.

    Attributes:
        current: the fingerprint of the alias's model; None if it makes no vectors.
        proposed: the fingerprint of the proposed model; likewise.
    """

    def __init__(self, location: str, current: str | None, proposed: str | None) -> None:
        """Show both fingerprints, and the choices."""
        self.current = current
        self.proposed = proposed
        super().__init__(
            location,
            "the new vectors differ from those in use, so that an index of the one is wrong for the "
            f"other (fingerprints: {_short(current)} in use, {_short(proposed)} new). Build the "
            "index anew and say so with --allow-different-vectors (allow_different_vectors=True), or "
            "choose what has the same fingerprint",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return DifferentVectorsError, (self.location, self.current, self.proposed)


class ObjectStoreError(ArtifactError):
    """An object store denies a request, cannot be reached, or has unexpected contents."""


class LockFileError(ArtifactError):
    """A lock file is missing, damaged, or of another version."""


class NotLockedError(ArtifactNotFoundError):
    """A model is loaded under a lock file that does not name it."""


class LockMismatchError(ArtifactError):
    """A model differs from the lock file.

    Attributes:
        differences: what differs, one line each.
    """

    def __init__(self, location: str, differences: Sequence[str]) -> None:
        """List what differs."""
        self.differences = tuple(differences)
        lines = "\n".join(f"  {difference}" for difference in self.differences)
        super().__init__(
            location,
            "is not what the lock file says; bring the locked files back, or lock what is there "
            f"with: holotype artifact lock\n{lines}",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the values, not from the message."""
        return LockMismatchError, (self.location, self.differences)


def _short(fingerprint: str | None) -> str:
    return "no vectors" if fingerprint is None else f"{fingerprint[:19]}..."
