"""BERT and its kin by products of bytes: a forward pass in float32 runs once, and is rounded."""

from __future__ import annotations

import torch

from holotype.encoders.inputs.rows import Row
from holotype.encoders.inputs.tokenizer import TextTokenizer
from holotype.encoders.running.packing import pack
from holotype.encoders.torch_backend.attention import TokenBatch
from holotype.encoders.torch_backend.backbone import Placement
from holotype.encoders.torch_backend.bert_forward import BertForward
from holotype.encoders.torch_backend.byte_map import ByteMap, WatchedMap
from holotype.encoders.torch_backend.few_tokens import with_kernel
from holotype.encoders.torch_backend.linear_map import LinearMap
from holotype.encoders.torch_backend.packed_backbone import Forward, PackedBackbone
from holotype.encoders.torch_backend.row_counts import LARGEST

# The columns that are far larger than the others are so in any text.
_TEXTS = (
    "A holotype is the one specimen that defines a species.",
    "The museum keeps thousands of beetles in glass drawers, each with a small label that names the "
    "place, the day and the person who found it.",
    "def mean(values):\n    return sum(values) / len(values)",
    "Wie spät ist es in Berlin? Il est trois heures.",
    "price: 12.50 EUR; 3 pieces (25 %), 2024-05-01",
    "yes",
)
_MAX_LENGTH = 48


def pack_bert(
    tokenizer: TextTokenizer, forward: BertForward, *, placement: Placement, memory_bytes: int
) -> PackedBackbone:
    """Return what runs a forward pass, by products of bytes where the placement says so.

    Args:
        tokenizer: the tokenizer of the model.
        forward: a forward pass; for products of bytes, its maps are `WatchedMap`s.
        placement: where it runs, and in which type.
        memory_bytes: how many bytes its weights take.
    """
    runs: Forward
    if placement.in_bytes:
        runs, saved = in_bytes(forward, tokenizer)
        memory_bytes -= saved
    else:
        runs = with_kernel(forward)
    return PackedBackbone(
        tokenizer,
        runs,
        device=placement.device,
        dtype=placement.dtype,
        counts=placement.counts,
        memory_bytes=memory_bytes,
    )


@torch.inference_mode()
def in_bytes(forward: BertForward, tokenizer: TextTokenizer) -> tuple[BertForward, int]:
    """Round the weights of a forward pass, and return it with how many bytes that saved.

    Args:
        forward: a forward pass on the CPU whose maps are `WatchedMap`s.
        tokenizer: the tokenizer of the model.
    """
    length = min(_MAX_LENGTH, forward.n_positions)
    rows = [
        Row(text.ids, text.type_ids, [True] * len(text.ids), [True] * len(text.ids))
        for text in tokenizer.encode(_TEXTS, max_length=length)
    ]
    cpu, has_types = torch.device("cpu"), "token_type_ids" in tokenizer.input_names
    for batch in pack(rows, max_rows=None, max_tokens=LARGEST, pad_id=tokenizer.pad_id):
        forward(TokenBatch.place(batch, cpu, with_types=has_types))
    saved = 0

    def rounded(one: LinearMap, after_gelu: bool) -> LinearMap:
        nonlocal saved
        if not isinstance(one, WatchedMap):
            raise TypeError(f"expected a WatchedMap, not a {type(one).__name__}")
        found: ByteMap = one.in_bytes(after_gelu=after_gelu)
        saved += one.memory_bytes - found.memory_bytes
        return found

    return forward.with_maps(rounded), saved
