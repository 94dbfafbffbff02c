"""Attention within the rows of a batch on a GPU: few calls for rows of many lengths."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from holotype.encoders.running.packing import Group, PackedBatch
from holotype.encoders.torch_backend.buckets import Bucket, merged_buckets
from holotype.encoders.torch_backend.masks import biased, sees
from holotype.encoders.torch_backend.transfers import send

_HALVES = (torch.bfloat16, torch.float16)
# What flash attention of every version takes.
_WIDEST_HEAD = 256
_HEAD_STEP = 8
_LEAST_CAPABILITY = (8, 0)

_MaskKey = tuple[int, bool, int | None]


@dataclass(frozen=True, slots=True)
class GpuRows:
    """Where the rows of a batch are, on a GPU.

    Attributes:
        bounds: where each row begins, and where the last one ends: int32 ``[n_rows + 1]``.
        longest: the tokens of the longest row.
        groups: the rows by length.
        attended: whether the other tokens of its row attend to a token: ``[n_tokens]``; None where
            all are attended.
    """

    bounds: Tensor
    longest: int
    groups: tuple[Group, ...]
    attended: Tensor | None
    _buckets: list[Bucket] = field(default_factory=list)
    _masks: dict[_MaskKey, Tensor | None] = field(default_factory=dict)

    @classmethod
    def place(cls, batch: PackedBatch, device: torch.device) -> GpuRows:
        """Copy where the rows of a batch are to a device."""
        ends = np.cumsum(batch.lengths)
        bounds = np.concatenate(([0], ends)).astype(np.int32)
        return cls(
            bounds=send(bounds, device),
            longest=int(batch.lengths.max()),
            groups=batch.groups,
            attended=None if batch.attended.all() else send(batch.attended, device),
        )

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        scale: float | None,
        causal: bool,
        window: int | None,
        bias: Tensor | None,
    ) -> Tensor:
        """Let the tokens of every row attend to each other; see `attention.attend`."""
        by_buckets = bias is not None or self.attended is not None or self._are_plain(window)
        if not by_buckets and _reads_any_lengths(query):
            return _flash(query, key, value, self, scale, causal, window).flatten(1)
        n_heads = query.shape[1]
        if key.shape[1] != n_heads:
            key, value = (
                each.repeat_interleave(n_heads // key.shape[1], 1) for each in (key, value)
            )
        found = [
            self._attend_in_bucket(at, (query, key, value), scale, causal, window, bias)
            for at in range(len(self.buckets()))
        ]
        return found[0] if len(found) == 1 else torch.cat(found)

    def _are_plain(self, window: int | None) -> bool:
        """Return whether all rows have one length and see all of it: torch needs no bounds then."""
        return len(self.groups) == 1 and (window is None or window >= self.longest)

    def buckets(self) -> Sequence[Bucket]:
        """Return the rows by length, for what runs over rows of one length."""
        if not self._buckets:
            self._buckets.extend(merged_buckets(self.groups, self.bounds.device))
        return self._buckets

    def _attend_in_bucket(
        self,
        at: int,
        parts: tuple[Tensor, Tensor, Tensor],
        scale: float | None,
        causal: bool,
        window: int | None,
        bias: Tensor | None,
    ) -> Tensor:
        bucket = self.buckets()[at]
        query, key, value = (bucket.pad(part).transpose(1, 2) for part in parts)
        n_tokens = bucket.shape[1]
        if window is not None and window >= n_tokens:
            window = None
        if (at, causal, window) not in self._masks:
            self._masks[at, causal, window] = self._mask(bucket, causal, window, query.device)
        mask = self._masks[at, causal, window]
        if bias is not None:
            mask = biased(bias[:, :, :n_tokens, :n_tokens].to(query.dtype), mask)
        rows = functional.scaled_dot_product_attention(
            *(query, key, value), attn_mask=mask, is_causal=causal and mask is None, scale=scale
        )
        return bucket.join(rows.transpose(1, 2)).flatten(1)

    def _mask(
        self, bucket: Bucket, causal: bool, window: int | None, device: torch.device
    ) -> Tensor | None:
        """Return which token attends to which: ``[n_rows or 1, 1, n_tokens, n_tokens]``.

        None where every token attends to all of its row, or, where `causal`, to all before.
        """
        if bucket.places is None and window is None and self.attended is None:
            return None
        at = torch.arange(bucket.shape[1], device=device)
        distance = at[:, None] - at[None, :]
        seen = sees(distance, causal=causal, window=window)
        if bucket.places is None and self.attended is None:
            return seen[None, None]
        everywhere = torch.ones(bucket.span.stop, dtype=torch.bool, device=device)
        real = bucket.pad(everywhere)
        keys = real if self.attended is None else bucket.pad(self.attended)
        # Padding attends to itself: to nothing would be no number.
        alone = ~real[:, None, :, None] & (distance == 0)
        return (seen & keys[:, None, None, :]) | alone


def _reads_any_lengths(query: Tensor) -> bool:
    """Return whether flash attention over rows of any length takes ``[n_tokens, n_heads, dim]``."""
    width = query.shape[-1]
    return (
        query.is_cuda
        and query.dtype in _HALVES
        and width <= _WIDEST_HEAD
        and width % _HEAD_STEP == 0
        and _varlen() is not None
        and torch.cuda.get_device_capability(query.device) >= _LEAST_CAPABILITY
    )


def _flash(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    rows: GpuRows,
    scale: float | None,
    causal: bool,
    window: int | None,
) -> Tensor:
    run = _varlen()
    assert run is not None
    behind = -1 if window is None else window - 1
    return run(
        *(query, key, value, rows.bounds, rows.bounds, rows.longest, rows.longest),
        scale=scale,
        window_size=(behind, 0 if causal else behind),
    )


@cache
def _varlen() -> Callable[..., Tensor] | None:
    """Return torch's attention over rows of any length; None where this torch has none.

    Its arguments grew over the versions: windows came with 2.11, and later versions want to be told
    that several heads share a key.
    """
    if not torch.backends.cuda.is_flash_attention_available():
        return None
    try:
        from torch.nn.attention import varlen
    except ImportError:
        return None
    run: Any = varlen.varlen_attn
    known = inspect.signature(run).parameters
    if not {"scale", "window_size"} <= known.keys():
        return None
    found: Callable[..., Tensor] = partial(run, enable_gqa=True) if "enable_gqa" in known else run
    return found
