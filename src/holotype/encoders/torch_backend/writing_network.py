"""The layers with which captions are written, one after the other, by faster maps.

A picture either stands before the words as tokens of its own (GIT, BLIP-2 with OPT), or is attended
to in each layer (BLIP, GPT-2). In the first case its tokens are read once a picture, not once a
beam, and the last layer computes nothing of them but the keys and values that words read.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.torch_backend.linear_map import one_dnn_multiplies, piece_by_piece
from holotype.encoders.torch_backend.picture_attention import OfPictures, side_by_side
from holotype.encoders.torch_backend.row_counts import row_counts
from holotype.encoders.torch_backend.words_cache import Words
from holotype.encoders.torch_backend.writing_layer import WritingLayer


class WritingNetwork:
    """All layers of a network that writes."""

    def __init__(
        self,
        layers: Sequence[WritingLayer],
        *,
        n_beams: int,
        n_parts: int = 0,
        parts_are_causal: bool = False,
    ) -> None:
        """Take layers.

        Args:
            layers: in their order.
            n_beams: how many rows a picture has.
            n_parts: how many tokens a picture is that stand before the words of each row.
            parts_are_causal: whether these see none of their own that follow.
        """
        self._layers = tuple(layers)
        self._n_beams = n_beams
        self._n_parts = n_parts
        self._parts_are_causal = parts_are_causal

    def read(
        self,
        states: Tensor,
        words: Words,
        pictures: Tensor | None = None,
        memory: OfPictures | None = None,
    ) -> Tensor:
        """Read tokens after those that have been read.

        Args:
            states: their vectors, ``[n_rows, n_tokens, width]``, at first with those of pictures.
            words: what has been read.
            pictures: what tokens attend to beside tokens: ``[n_rows, n_patches, dim]``.
            memory: what is known of these.

        Returns:
            ``[n_rows, n_tokens, width]`` of the words among them.
        """
        if self._n_parts and not words.pictures:
            words.pictures = self._read_pictures(states[:: self._n_beams, : self._n_parts])
            states = states[:, self._n_parts :]
        n_rows, n_tokens, width = states.shape
        vectors = states.reshape(-1, width)
        for at, layer in enumerate(self._layers):
            parts = layer.heads(vectors).view(n_rows, n_tokens, 3, layer.n_heads, -1)
            parts = parts.permute(2, 0, 3, 1, 4)
            keys, values = words.add(at, parts[1:])
            of_picture = words.pictures[at] if words.pictures else None
            attended = self._attend(parts[0], keys, values, of_picture, layer.scale)
            vectors = layer.after_attention(vectors, side_by_side(attended))
            if layer.sight is not None and pictures is not None and memory is not None:
                vectors = layer.sight(vectors, pictures, memory)
            vectors = layer.output(vectors)
        words.n_tokens += n_tokens
        return vectors.view(n_rows, n_tokens, width)

    def _attend(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        of_picture: tuple[Tensor, Tensor] | None,
        scale: float,
    ) -> Tensor:
        """Let new words attend to all words up to them, and to the tokens of their picture.

        Args:
            query: ``[n_rows, n_heads, n_tokens, head_dim]``.
            keys: those of all words: ``[n_rows, n_heads, n_words, head_dim]``.
            values: likewise.
            of_picture: the keys and values of the tokens of each picture.
            scale: what scores are multiplied by.
        """
        _, n_heads, n_tokens, head_dim = query.shape
        n_words = keys.shape[2]
        seen = None
        if n_tokens > 1:
            every = torch.ones(n_tokens, n_words, dtype=torch.bool, device=query.device)
            seen = every.tril(n_words - n_tokens)
        if of_picture is None:
            return functional.scaled_dot_product_attention(
                query, keys, values, attn_mask=seen, scale=scale
            )
        asked = query * scale
        to_words = torch.matmul(asked, keys.transpose(2, 3))
        if seen is not None:
            to_words = to_words.masked_fill_(~seen, -torch.inf)
        their_keys, their_values = of_picture
        shape = (len(their_keys), self._n_beams, n_heads, n_tokens)
        together = asked.view(*shape, head_dim).transpose(1, 2).flatten(2, 3)
        to_parts = torch.matmul(together, their_keys.transpose(2, 3))
        by_row = to_parts.view(shape[0], n_heads, self._n_beams, n_tokens, -1).transpose(1, 2)
        scores = torch.cat([by_row.flatten(0, 1), to_words], dim=-1)
        weights = torch.softmax(scores, dim=-1)
        of_parts, of_words = torch.split(weights, [to_parts.shape[-1], n_words], dim=-1)
        by_picture = of_parts.view(*shape, -1).transpose(1, 2).flatten(2, 3)
        means = torch.matmul(by_picture, their_values)
        means = means.view(shape[0], n_heads, self._n_beams, n_tokens, head_dim).transpose(1, 2)
        return torch.matmul(of_words, values) + means.flatten(0, 1)

    def _read_pictures(self, states: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the keys and values of pictures by layer.

        Args:
            states: ``[n_pictures, n_parts, width]``.
        """
        n_pictures, n_parts, width = states.shape
        n_real = n_pictures * n_parts
        pieces = [n_real]
        if one_dnn_multiplies(states.device, states.dtype):
            pieces = list(row_counts(states.dtype).pieces(n_real))
        n_more = sum(pieces) - n_real
        vectors = functional.pad(states.reshape(n_real, width), (0, 0, 0, n_more))
        found = []
        for at, layer in enumerate(self._layers):
            heads = layer.heads(vectors)[:n_real].view(n_pictures, n_parts, 3, layer.n_heads, -1)
            query, key, value = heads.permute(2, 0, 3, 1, 4)
            keys, values = key.contiguous(), value.contiguous()
            found.append((keys, values))
            if at == len(self._layers) - 1:
                break
            attended = functional.scaled_dot_product_attention(
                query, keys, values, is_causal=self._parts_are_causal, scale=layer.scale
            )
            attended = functional.pad(side_by_side(attended), (0, 0, 0, n_more))

            def rest(vectors: Tensor, attended: Tensor, layer: WritingLayer = layer) -> Tensor:
                return layer.output(layer.after_attention(vectors, attended))

            vectors = piece_by_piece(rest, pieces, vectors, attended)
        return found
