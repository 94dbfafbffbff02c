"""How pairs of texts become rows of tokens: two texts side by side, or a chat template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from holotype.encoders.inputs.items import Pair
from holotype.encoders.inputs.rows import Reading, Row
from holotype.encoders.inputs.sides import read_whole
from holotype.encoders.inputs.template import PairTemplate
from holotype.encoders.inputs.tokenizer import TextTokenizer, TokenizedText
from holotype.errors import TokenizationError

TextOrPair: TypeAlias = str | Pair
"""What is classified: a text, or a tuple of two, such as a premise and a hypothesis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairReader:
    """Reads pairs of a query and a document, whatever is too long cut from the longer of both.

    Attributes:
        tokenizer: the model's tokenizer.
        max_length: the longest pair in tokens; None where nothing limits it.
        query_prompt: the text before every query.
        document_prompt: the text before every document.
    """

    tokenizer: TextTokenizer
    max_length: int | None
    query_prompt: str
    document_prompt: str

    def size(self, pair: Pair) -> int:
        """Return the characters of a pair."""
        return len(pair[0]) + len(pair[1])

    def read(self, pairs: Sequence[Pair]) -> Reading[Row]:
        """Return the rows of pairs, and how many tokens each lost."""
        prompted = [self.add_prompts(pair) for pair in pairs]
        return read_whole(self.tokenizer.encode_pairs(prompted, max_length=self.max_length))

    def add_prompts(self, pair: Pair) -> Pair:
        """Return a pair with its prompts."""
        query, document = pair
        return self.query_prompt + query, self.document_prompt + document


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateReader:
    """Reads pairs of a query and a document that are put through a chat template.

    Attributes:
        pairs: the tokenizer, the length and the prompts.
        template: writes a pair as text.
        instruction: what the template says of the task; None where it says nothing.
        suffix: the tokens with which every text ends, which stay where a text is cut.
    """

    pairs: PairReader
    template: PairTemplate
    instruction: str | None
    suffix: Sequence[int]

    @property
    def max_length(self) -> int | None:
        """The longest pair in tokens; None where nothing limits it."""
        return self.pairs.max_length

    def size(self, pair: Pair) -> int:
        """Return the characters of a pair."""
        return self.pairs.size(pair)

    def read(self, pairs: Sequence[Pair]) -> Reading[Row]:
        """Return the rows of pairs, and how many tokens each lost."""
        prompted = (self.pairs.add_prompts(pair) for pair in pairs)
        texts = [self.template.text(pair, self.instruction) for pair in prompted]
        return read_whole(
            self.pairs.tokenizer.encode_rendered(
                texts, max_length=self.max_length, suffix=self.suffix
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOrPairReader:
    """Reads texts and pairs of texts, in any mixture.

    Attributes:
        tokenizer: the model's tokenizer.
        max_length: the longest text or pair in tokens; None where nothing limits it.
    """

    tokenizer: TextTokenizer
    max_length: int | None

    def size(self, item: TextOrPair) -> int:
        """Return the characters of a text or a pair."""
        return len(item) if isinstance(item, str) else len(item[0]) + len(item[1])

    def read(self, items: Sequence[TextOrPair]) -> Reading[Row]:
        """Return the rows of texts and pairs, and how many tokens each lost."""
        texts = _at_positions(
            self.tokenizer.encode(
                [item for item in items if isinstance(item, str)], max_length=self.max_length
            ),
            [at for at, item in enumerate(items) if isinstance(item, str)],
        )
        pairs = _at_positions(
            self.tokenizer.encode_pairs(
                [item for item in items if not isinstance(item, str)], max_length=self.max_length
            ),
            [at for at, item in enumerate(items) if not isinstance(item, str)],
        )
        return read_whole(next(texts if isinstance(item, str) else pairs) for item in items)


def _at_positions(
    texts: Iterator[TokenizedText], positions: Sequence[int]
) -> Iterator[TokenizedText]:
    """Yield tokens; an error names the position of its text among all items."""
    try:
        yield from texts
    except TokenizationError as error:
        raise error.at(positions[error.index]) from error
