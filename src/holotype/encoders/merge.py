"""The one rule by which a record and a checkpoint become one answer.

The record decides where it says something, the checkpoint where the record is silent; where both
say different things, every difference is kept, and nothing is loaded.
"""

from __future__ import annotations

from typing import TypeVar, overload

from holotype.encoders.checkpoint import CheckpointSettings
from holotype.encoders.json_file import Setting
from holotype.encoders.prompts import Prompt, is_filled
from holotype.errors import CatalogueMismatchError
from holotype.records import ModelInfo

T = TypeVar("T")


class Merge:
    """Collects what a record and a checkpoint say, and where they differ."""

    def __init__(self, record: ModelInfo, settings: CheckpointSettings) -> None:
        """Begin with no differences."""
        self.record = record
        self.settings = settings
        self._differences: list[tuple[str, object, object, str]] = []

    def differ(self, field: str, ours: object, theirs: object, file: str) -> None:
        """Note that a field differs."""
        self._differences.append((field, ours, theirs, file))

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
        if ours is None:
            return theirs.value if theirs is not None else usual
        if theirs is not None and theirs.value != ours:
            self.differ(field, ours, theirs.value, theirs.file)
        return ours

    def prompt(self, field: str, ours: str | None, theirs: Setting[str] | None) -> Prompt:
        """Return a prompt; one that fills the record's template is no difference."""
        if ours is not None and theirs is not None and is_filled(ours, theirs.value):
            return Prompt(ours, filled=theirs.value)
        return Prompt(self.choose(field, ours, theirs, ""))

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
            return limit.value if limit else None
        if limit is not None and ours > limit.value:
            self.differ("context_length", ours, limit.value, limit.file)
        return ours

    def finish(self) -> None:
        """End the comparison.

        Raises:
            CatalogueMismatchError: something differs; the error lists all of it.
        """
        if self._differences:
            raise CatalogueMismatchError(
                self.record.id, str(self.settings.folder), self._differences
            )
