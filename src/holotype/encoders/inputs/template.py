"""Pairs as chat models read them: a query and a document, put through the chat template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from holotype.encoders.inputs.items import Pair

Message: TypeAlias = Mapping[str, object]

# Two fillers that share no token at their end, so that what is common to the ends of the texts
# made from them is the template's.
_FILLERS = ("0", "1 2 3 4")


class PairTemplate:
    """Writes pairs as text, with sentence-transformers' roles ``query`` and ``document``.

    Safe to share between threads.
    """

    def __init__(self, render: Callable[[Sequence[Message]], str], *, structured: bool) -> None:
        """Take a chat template.

        Args:
            render: turns messages into text, and changes nothing.
            structured: whether the content of a message is a list of parts, and not a string.
        """
        self._render = render
        self._structured = structured

    def text(self, pair: Pair, instruction: str | None) -> str:
        """Write a pair; the instruction, where there is one, is the message of the system."""
        system = [self._message("system", instruction)] if instruction else []
        query, document = pair
        return self._render(
            [*system, self._message("query", query), self._message("document", document)]
        )

    def drops(self) -> tuple[str, ...]:
        """Return the roles whose content never reaches the text."""
        usual = self.text(("one", "two"), None)
        changed = {
            "query": self.text(("three", "two"), None),
            "document": self.text(("one", "three"), None),
        }
        return tuple(role for role, text in changed.items() if text == usual)

    def suffix(self, tokenize: Callable[[str], list[int]], instruction: str | None) -> list[int]:
        """Return the tokens that the template puts after every pair."""
        first, second = (tokenize(self.text((filler, filler), instruction)) for filler in _FILLERS)
        n_common = 0
        for left, right in zip(reversed(first), reversed(second), strict=False):
            if left != right:
                break
            n_common += 1
        return first[len(first) - n_common :]

    def _message(self, role: str, text: str) -> Message:
        content = [{"type": "text", "text": text}] if self._structured else text
        return {"role": role, "content": content}
