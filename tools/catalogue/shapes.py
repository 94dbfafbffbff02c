"""What a parameter count proves: the shape of the network, where a known family gives it exactly.

mteb gives the numbers of all parameters and of the token embeddings. Where a family's shape, put
into the formula of its architecture, gives both, the model has that shape.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalogue.facts import Candidates, Fact

COUNTED = "parameter-count"
_ROUNDED_TO = (1_000_000, 100_000)
_WIDTHS = (128, 256, 312, 384, 512, 768, 1024)
_POSITIONS_AND_TYPES = ((512, 2), (2048, 2), (258, 1), (514, 1), (8194, 1), (2048, 7))
"""The last one is ERNIE's: four token types and three task types."""
_MOST_LAYERS = 24
_OF_BERT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The shape of an encoder that follows BERT."""

    model_type: str | None
    vocab: int
    hidden: int
    layers: int
    positions: int = 512
    token_types: int = 2
    pooler: bool = True
    position_biases: int = 0

    @property
    def parameters(self) -> int:
        """All parameters: embeddings, layers, and the pooler where there is one."""
        width, inner = self.hidden, 4 * self.hidden
        embeddings = (self.vocab + self.positions + self.token_types + 2) * width
        attention = 4 * (width * width + width)
        feed_forward = 2 * width * inner + inner + width
        pooler = width * width + width if self.pooler else 0
        layers = self.layers * (attention + feed_forward + 4 * width)
        return embeddings + layers + pooler + self.position_biases

    def counts_as(self, total: int) -> bool:
        """Whether a total is that of the shape, to the last parameter.

        Some counts include the buffer of position ids, one number for each position.
        """
        return total - self.parameters in (0, self.positions)

    def fits(self, total: int, embedding: int) -> bool:
        """Whether these counts are those of the shape, exactly or to the digits that are given."""
        error = abs(self.parameters - total)
        rounded = any(total % unit == 0 and error < unit for unit in _ROUNDED_TO)
        return embedding == self.vocab * self.hidden and (self.counts_as(total) or rounded)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModernBertShape(Shape):
    """The shape of an encoder that follows ModernBERT: gated, rotary, without biases."""

    inner: int
    positions: int = 8192

    @property
    def parameters(self) -> int:
        """All parameters: embeddings, layers, the norms; the first layer has one norm less."""
        width = self.hidden
        layer = 4 * width * width + 3 * self.inner * width + 2 * width
        return self.vocab * width + self.layers * layer + width


SHAPES = (
    Shape(model_type="bert", vocab=30522, hidden=768, layers=12),
    Shape(model_type="bert", vocab=30522, hidden=1024, layers=24),
    Shape(model_type="bert", vocab=30522, hidden=384, layers=3),
    Shape(model_type="bert", vocab=30522, hidden=384, layers=6),
    Shape(model_type="bert", vocab=30522, hidden=384, layers=12),
    Shape(model_type="bert", vocab=21128, hidden=768, layers=12),
    Shape(model_type="bert", vocab=21128, hidden=1024, layers=24),
    Shape(model_type="bert", vocab=250037, hidden=384, layers=12),
    Shape(
        model_type="mpnet",
        vocab=30527,
        hidden=768,
        layers=12,
        positions=514,
        token_types=0,
        position_biases=384,
    ),
    ModernBertShape(model_type="modernbert", vocab=50368, hidden=768, layers=22, inner=1152),
    ModernBertShape(model_type="modernbert", vocab=50368, hidden=1024, layers=28, inner=2624),
    Shape(model_type="distilbert", vocab=30522, hidden=768, layers=6, token_types=0, pooler=False),
    Shape(
        model_type="xlm-roberta", vocab=250002, hidden=768, layers=12, positions=514, token_types=1
    ),
    Shape(
        model_type="xlm-roberta", vocab=250002, hidden=1024, layers=24, positions=514, token_types=1
    ),
    Shape(
        model_type="xlm-roberta",
        vocab=250002,
        hidden=1024,
        layers=24,
        positions=8194,
        token_types=1,
    ),
)


def from_counts(row: Mapping[str, Any]) -> Candidates:
    """Return what the parameter counts of a line of mteb's registry prove."""
    total, embedding = row["n_parameters"], row["n_embedding_parameters"]
    if not total or not embedding:
        return {}
    for shape in SHAPES:
        if shape.fits(total, embedding):
            return _facts(shape, rounded=not shape.counts_as(total))
    for shape in _bert_shapes(embedding):
        if shape.counts_as(total):
            return _facts(shape, rounded=False)
    return {}


def _bert_shapes(embedding: int) -> Iterator[Shape]:
    """Yield the shapes after BERT that a table of token embeddings allows, with any vocabulary."""
    for hidden, (positions, token_types), layers in itertools.product(
        _WIDTHS, _POSITIONS_AND_TYPES, range(1, _MOST_LAYERS + 1)
    ):
        if embedding % hidden == 0:
            for pooler in (True, False):
                yield Shape(
                    # Several networks share the shape without a pooler, and RoBERTa's.
                    model_type="bert" if token_types == _OF_BERT and pooler else None,
                    vocab=embedding // hidden,
                    hidden=hidden,
                    layers=layers,
                    positions=positions,
                    token_types=token_types,
                    pooler=pooler,
                )


def _facts(shape: Shape, *, rounded: bool) -> Candidates:
    values: dict[str, Any] = {
        "/architecture/type": shape.model_type,
        "/specs/hidden_dim": shape.hidden,
        "/specs/vocab_size": shape.vocab,
        "/specs/max_position_embeddings": shape.positions,
        "/specs/layers": shape.layers,
    }
    if rounded:
        values["/specs/parameters"] = shape.parameters
    # Nothing is said of a projection: mteb counts the encoder's file alone, with a head beside it.
    return {p: [Fact(value, COUNTED)] for p, value in values.items() if value is not None}
