"""The maps and norms of a layer with which captions are written, of whichever architecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

from holotype.encoders.torch_backend.linear_map import LinearMap
from holotype.encoders.torch_backend.picture_attention import OfPictures, ToPictures

Norm: TypeAlias = Callable[[Tensor], Tensor]


def as_it_is(vectors: Tensor) -> Tensor:
    """Return vectors unchanged: a norm where an architecture has none."""
    return vectors


@dataclass(frozen=True, slots=True)
class Norms:
    """The norms around a part of a layer.

    Attributes:
        before: that of what the part reads.
        after: that of the sum of what the layer has so far and what the part returns.
    """

    before: Norm = as_it_is
    after: Norm = as_it_is


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The part of a layer that attends to the patches of pictures.

    Attributes:
        norms: the norms around it.
        query: the map to queries.
        attend: how they attend.
        attended: the map of what that returns.
    """

    norms: Norms
    query: LinearMap
    attend: ToPictures
    attended: LinearMap

    def __call__(self, vectors: Tensor, pictures: Tensor, memory: OfPictures) -> Tensor:
        """Return vectors that have seen their pictures; see `ToPictures`."""
        seen = self.attend(self.query(self.norms.before(vectors)), pictures, memory)
        return self.norms.after(self.attended.add_to(vectors, seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingLayer:
    """A layer over ``[n_tokens, width]``; who runs it lets tokens attend to each other.

    Attributes:
        n_heads: the heads into which queries, keys and values are divided.
        scale: what scores are multiplied by.
        attention_norms: the norms around attention.
        query_key_value: the map to queries, keys and values, side by side.
        attended: the map of what attention returns.
        sight: how tokens attend to pictures; None where pictures are tokens themselves.
        output_norms: the norms around the two maps that follow.
        widen: the first of them, with its activation.
        down: the second.
    """

    n_heads: int
    scale: float
    attention_norms: Norms
    query_key_value: LinearMap
    attended: LinearMap
    sight: Sight | None
    output_norms: Norms
    widen: Callable[[Tensor], Tensor]
    down: LinearMap

    def heads(self, vectors: Tensor) -> Tensor:
        """Return queries, keys and values: ``[n_tokens, 3, n_heads, head_dim]``."""
        parts = self.query_key_value(self.attention_norms.before(vectors))
        return parts.view(len(parts), 3, self.n_heads, -1)

    def after_attention(self, vectors: Tensor, attended: Tensor) -> Tensor:
        """Return what the layer knows of tokens once they have attended to each other.

        Args:
            vectors: what it takes.
            attended: what attention returns.
        """
        return self.attention_norms.after(self.attended.add_to(vectors, attended))

    def output(self, vectors: Tensor) -> Tensor:
        """Return what the layer returns, of what it knows by then."""
        widened = self.widen(self.output_norms.before(vectors))
        return self.output_norms.after(self.down.add_to(vectors, widened))
