"""What can go wrong when a model that is loaded, or about to be, reads texts and pictures."""

from __future__ import annotations

from collections.abc import Sequence

from holotype.errors.base import HolotypeError, LocatedError, printable
from holotype.errors.checkpoints import UnsupportedModelError


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
        choice = f"only dim={sizes}" if len(self.allowed) == 1 else f"one of dim={sizes}"
        if isinstance(self.allowed, range):
            choice = f"any dim from {sizes}"
        return f"{self.model_id!r} has no vectors of {self.dim!r} dimensions; pass {choice}"

    def in_words(self, separator: str) -> str:
        """Return the sizes that the model is known to have: ``64, 128``, or ``32 to 1024``."""
        if isinstance(self.allowed, range):
            return f"{self.allowed[0]} to {self.allowed[-1]}"
        return separator.join(map(str, self.allowed))


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


class TextOverflowWarning(UserWarning):
    """Texts were longer than the model reads, and were truncated."""


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


class ForkedEncoderError(HolotypeError, RuntimeError):
    """A model was loaded or run in a process that was forked after a model had been loaded.

    A fork does not copy the threads of torch, ONNX Runtime, OpenVINO and a pool, so a call would
    wait for them for ever.

    Attributes:
        model_id: the id of the record, or the name in the pool.
        in_pool: whether the threads that are missing are those of a pool.
    """

    def __init__(self, model_id: str, in_pool: bool = False) -> None:
        """Name the model."""
        self.model_id = model_id
        self.in_pool = in_pool
        super().__init__(model_id, in_pool)

    def __str__(self) -> str:
        """Return the message."""
        begun, begin = "a model had been loaded", "load()"
        if self.in_pool:
            begun, begin = "its pool had been made", "make the pool"
        return (
            f"{self.model_id!r} cannot run in this process, which was forked after {begun}: the "
            "threads that run models stayed in the other process; start processes with "
            "multiprocessing.get_context('spawn') (gunicorn: without --preload; celery: "
            f"--pool=threads or solo), or {begin} in each process, and in none before it is forked"
        )


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
