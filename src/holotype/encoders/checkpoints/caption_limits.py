"""What the settings of the search for captions may be, in records and in files alike.

Within these bounds every score of the search is a finite number in float32: the longest caption to
the power of the greatest length penalty, times the score of a beam that must not be chosen, is less
than 1e34.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MOST_TOKENS = 65_536
"""The longest caption of a network whose positions have no number."""
MOST_WORDS = 2**20
"""The largest vocabulary, where its size is not known."""
LENGTH_PENALTIES = (-5.0, 5.0)
REPETITION_PENALTIES = (0.01, 100.0)

_LENGTHS = ("max_new_tokens", "max_length")
_PENALTIES: Mapping[str, tuple[float, float]] = {
    "length_penalty": LENGTH_PENALTIES,
    "repetition_penalty": REPETITION_PENALTIES,
}


@dataclass(frozen=True, slots=True)
class CaptionLimits:
    """The sizes of the network that writes.

    Attributes:
        vocab_size: how many tokens it knows; None if that is not known.
        n_positions: how many tokens it reads; None if nothing limits it.
    """

    vocab_size: int | None
    n_positions: int | None

    @property
    def most_tokens(self) -> int:
        """The length of the longest caption, in tokens."""
        return MOST_TOKENS if self.n_positions is None else min(self.n_positions, MOST_TOKENS)

    def expected(self, name: str, value: object) -> str | None:
        """Return what should stand in place of a value, in words; None if the value may stand.

        Args:
            name: the setting, as the fields of a record are called, or ``"early_stopping"``.
            value: what is stated.
        """
        if name == "early_stopping":
            known = isinstance(value, bool) or value == "never"
            return None if known else "true, false or 'never'"
        if name in _PENALTIES:
            least, most = _PENALTIES[name]
            # NaN is in no interval.
            inside = (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and least <= value <= most
            )
            return None if inside else f"a number from {least:g} to {most:g}"
        if name == "num_beams":
            most_beams = self._known_tokens()
            return (
                None
                if _counts(value, 1, most_beams)
                else (f"a whole number from 1 to {most_beams}, the size of the vocabulary")
            )
        shortest = 1 if name in _LENGTHS else 0
        if _counts(value, shortest, self.most_tokens):
            return None
        return f"a whole number from {shortest} to {self.most_tokens}, the longest caption"

    def expected_token(self, token: object) -> str | None:
        """Return what should stand in place of a token, in words; None if it may stand."""
        most = self._known_tokens() - 1
        return None if _counts(token, 0, most) else f"from 0 to {most}, as the vocabulary has it"

    def _known_tokens(self) -> int:
        return MOST_WORDS if self.vocab_size is None else self.vocab_size


def _counts(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
