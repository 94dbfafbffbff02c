"""The one rule by which a record and a checkpoint become one answer.

The record decides where it says something, the checkpoint where the record is silent; where both
say different things, every difference is kept, and nothing is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, overload

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.checkpoints.settings import CheckpointSettings
from holotype.encoders.kinds.prompts import Prompt, is_filled
from holotype.records import ModelInfo

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a record and a checkpoint say about one field.

    Attributes:
        field: the name of the record's field.
        ours: the record's value; None where it is silent.
        theirs: the checkpoint's value and its file; None where no file says it.
        agrees: whether nothing contradicts: both say the same, or one of them is silent.
    """

    field: str
    ours: object
    theirs: Setting[Any] | None
    agrees: bool


class Comparer:
    """Compares the fields of a record with what files say, and keeps every comparison."""

    def __init__(self, record: ModelInfo, comparisons: list[Comparison] | None = None) -> None:
        """Begin with no comparisons, or go on with those of an earlier comparer."""
        self.record = record
        self.comparisons: list[Comparison] = [] if comparisons is None else comparisons

    def compare(
        self, field: str, ours: object, theirs: Setting[Any] | None, *, agrees: bool
    ) -> None:
        """Keep a comparison whose outcome the caller knows."""
        self.comparisons.append(Comparison(field, ours, theirs, agrees))

    def differ(self, field: str, ours: object, theirs: object, file: str) -> None:
        """Note that a field differs."""
        self.compare(field, ours, Setting(theirs, file), agrees=False)

    @overload
    def choose(self, field: str, ours: T | None, theirs: Setting[T] | None, usual: T) -> T: ...
    @overload
    def choose(
        self, field: str, ours: T | None, theirs: Setting[T] | None, usual: T | None = None
    ) -> T | None: ...
    def choose(
        self, field: str, ours: T | None, theirs: Setting[T] | None, usual: T | None = None
    ) -> T | None:
        """Return the value of a field: the record's, the checkpoint's or the usual one."""
        agrees = ours is None or theirs is None or theirs.value == ours
        self.compare(field, ours, theirs, agrees=agrees)
        if ours is None:
            return theirs.value if theirs is not None else usual
        return ours

    def prompt(self, field: str, ours: str | None, theirs: Setting[str] | None) -> Prompt:
        """Return a prompt; one that fills the record's template is no difference."""
        if ours is not None and theirs is not None and is_filled(ours, theirs.value):
            self.compare(field, ours, theirs, agrees=True)
            return Prompt(ours, filled=theirs.value)
        return Prompt(self.choose(field, ours, theirs, ""))


class Merge(Comparer):
    """Collects what a record and a checkpoint say, and where they differ."""

    def __init__(self, comparer: Comparer, settings: CheckpointSettings) -> None:
        """Go on with what has been compared already."""
        super().__init__(comparer.record, comparer.comparisons)
        self.settings = settings

    def sizes(self) -> None:
        """Compare the sizes that say whether this is the checkpoint of the record at all."""
        self.choose("hidden_dim", self.record.hidden_dim, self.settings.hidden_dim)
        self.choose("vocab_size", self.record.vocab_size, self.settings.vocab_size)

    def length(self, *, declared: bool) -> int | None:
        """Return the longest text in tokens; None where nothing limits it.

        What a transformer can read and what its tokenizer allows are limits: the record may stay
        below them. The length at which the checkpoint's library cuts texts is a statement.

        Args:
            declared: whether the lengths of the library and the tokenizer count; where queries
                and documents have lengths of their own, those say nothing.
        """
        settings, ours = self.settings, self.record.context_length
        positions = settings.n_positions
        statement = settings.declared_length if declared else None
        if statement and positions and statement.value > positions.value:
            statement = positions
        if statement is not None:
            return self.choose("context_length", ours, statement)
        limits = [positions, settings.tokenizer_length if declared else None]
        known = [limit for limit in limits if limit is not None]
        limit = min(known, key=lambda found: found.value, default=None)
        if ours is None:
            return self.choose("context_length", None, limit)
        if limit is not None and ours > limit.value:
            self.differ("context_length", ours, limit.value, limit.file)
        else:
            confirmed = limit is not None and ours == limit.value
            self.compare("context_length", ours, limit if confirmed else None, agrees=True)
        return ours
