"""What a parameter count proves: the shape of the network, where a known family gives it exactly.

mteb gives the numbers of all parameters and of the token embeddings. Where a family's shape, put
into the formula of its architecture, gives both, the model has that shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalogue.facts import Candidates, Fact

COUNTED = "parameter-count"
_ROUNDED_TO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The shape of an encoder that follows BERT."""

    model_type: str
    vocab: int
    hidden: int
    layers: int
    positions: int = 512
    token_types: int = 2
    pooler: bool = True

    @property
    def parameters(self) -> int:
        """All parameters: embeddings, layers, and the pooler where there is one."""
        width, inner = self.hidden, 4 * self.hidden
        embeddings = (self.vocab + self.positions + self.token_types + 2) * width
        attention = 4 * (width * width + width)
        feed_forward = 2 * width * inner + inner + width
        pooler = width * width + width if self.pooler else 0
        return embeddings + self.layers * (attention + feed_forward + 4 * width) + pooler

    def fits(self, total: int, embedding: int) -> bool:
        """Whether these counts are those of the shape; a total in whole millions is rounded."""
        error = abs(self.parameters - total)
        rounded = total % _ROUNDED_TO == 0 and error < _ROUNDED_TO
        return embedding == self.vocab * self.hidden and (error == 0 or rounded)


SHAPES = (
    Shape(model_type="bert", vocab=30522, hidden=768, layers=12),
    Shape(model_type="bert", vocab=30522, hidden=1024, layers=24),
    Shape(model_type="bert", vocab=30522, hidden=384, layers=3),
    Shape(model_type="bert", vocab=30522, hidden=384, layers=6),
    Shape(model_type="bert", vocab=30522, hidden=384, layers=12),
    Shape(model_type="bert", vocab=21128, hidden=768, layers=12),
    Shape(model_type="bert", vocab=21128, hidden=1024, layers=24),
    Shape(model_type="bert", vocab=250037, hidden=384, layers=12),
    Shape(model_type="distilbert", vocab=30522, hidden=768, layers=6, token_types=0, pooler=False),
    Shape(
        model_type="xlm-roberta", vocab=250002, hidden=768, layers=12, positions=514, token_types=1
    ),
    Shape(
        model_type="xlm-roberta", vocab=250002, hidden=1024, layers=24, positions=514, token_types=1
    ),
)


def from_counts(row: Mapping[str, Any]) -> Candidates:
    """Return what the parameter counts of a line of mteb's registry prove."""
    total, embedding = row["n_parameters"], row["n_embedding_parameters"]
    if not total or not embedding:
        return {}
    for shape in SHAPES:
        if shape.fits(total, embedding):
            return _facts(shape, exact=total == shape.parameters)
    return {}


def _facts(shape: Shape, *, exact: bool) -> Candidates:
    values: dict[str, Any] = {
        "/architecture/type": shape.model_type,
        "/specs/hidden_dim": shape.hidden,
        "/specs/vocab_size": shape.vocab,
        "/specs/max_position_embeddings": shape.positions,
    }
    if exact:
        # The encoder takes up the whole count, which leaves none for a linear layer.
        values["/architecture/has_projection"] = False
    return {pointer: [Fact(value, COUNTED)] for pointer, value in values.items()}
