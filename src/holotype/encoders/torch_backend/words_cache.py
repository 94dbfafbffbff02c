"""What layers keep of the tokens of a call, in the place of transformers' cache.

That of transformers copies all keys and values for each token, those of a picture included, and has
a copy of a picture's for each of its beams. Here they are written into room that is there, and
those of a picture stay where they are.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import DynamicCache


class Words(DynamicCache):
    """The keys and values of the tokens of a call, and of pictures that are tokens before these.

    Attributes:
        n_tokens: how many tokens of each row have been read, but for those of pictures.
        pictures: the keys and values of pictures by layer: ``[n_pictures, n_heads, n_parts,
            head_dim]``; empty where pictures are no tokens, or none has been read.
    """

    def __init__(self, n_layers: int, n_new: int) -> None:
        """Know nothing yet.

        Args:
            n_layers: how many layers the network has.
            n_new: how many tokens are written at most.
        """
        super().__init__()
        self.n_tokens = 0
        self.pictures: list[tuple[Tensor, Tensor]] = []
        self._n_layers = n_layers
        self._n_new = n_new
        self._held: Tensor | None = None

    def add(self, at: int, parts: Tensor) -> tuple[Tensor, Tensor]:
        """Keep the keys and values of the tokens that a layer reads, and return those of all.

        Args:
            at: which layer it is.
            parts: the new ones: ``[2, n_rows, n_heads, n_tokens, head_dim]``.

        Returns:
            Two tensors ``[n_rows, n_heads, n_all, head_dim]``.
        """
        _, n_rows, n_heads, n_tokens, head_dim = parts.shape
        if self._held is None:
            room = n_tokens + self._n_new
            self._held = parts.new_empty(self._n_layers, 2, n_rows, n_heads, room, head_dim)
        end = self.n_tokens + n_tokens
        self._held[at, :, :, :, self.n_tokens : end] = parts
        keys, values = self._held[at, :, :, :, :end]
        return keys, values

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Return how many tokens have been read; see transformers."""
        n_before = self.pictures[0][0].shape[2] if self.pictures else 0
        return n_before + self.n_tokens

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        """Return how many tokens a mask is for; see transformers."""
        return self.get_seq_length(layer_idx) + query_length, 0

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Let each row go on from another one; pictures stay, as their beams share them."""
        if self._held is not None:
            self._held = torch.index_select(self._held, 2, beam_idx)
