"""The fields of an entry that a checkpoint can confirm, and their places in the entry."""

from __future__ import annotations

from typing import Any

from holotype.encoders.checkpoints.json_file import Setting
from holotype.encoders.kinds.merge import Comparer
from holotype.records import ModelInfo
from holotype.references.entry import RECORDS

IMAGE_FIELDS = (
    *("size", "shortest_edge", "longest_edge", "max_patches", "min_pixels", "max_pixels"),
    *("crop", "tile_size", "resample", "rescale", "mean", "std", "colour"),
    *("transparency", "orientation", "patch_size", "merge_size", "tokens"),
    *("hidden_dim", "layers"),
)
"""The fields of the group `image`."""

KNOWN_WHEN_EMPTY = ("skiplist", "image_crop")
"""Fields in which an empty list is a value; in all others it means unknown."""

POINTERS = {
    "license": ("license",),
    "architecture_type": ("architecture", "type"),
    "has_projection": ("architecture", "has_projection"),
    "projection_dims": ("architecture", "projection_dims"),
    "parameters": ("specs", "parameters"),
    "embedding_dim": ("specs", "embedding_dim"),
    "hidden_dim": ("specs", "hidden_dim"),
    "context_length": ("specs", "context_length"),
    "max_position_embeddings": ("specs", "max_position_embeddings"),
    "vocab_size": ("specs", "vocab_size"),
    "layers": ("specs", "layers"),
    "dtype": ("specs", "dtype"),
    **{f"image_{name}": ("image", name) for name in IMAGE_FIELDS},
    "tokenizer_file": ("files", "tokenizer"),
    "config_file": ("files", "config"),
    "safetensors_file": ("files", "weights", "safetensors"),
    "pytorch_file": ("files", "weights", "pytorch"),
    "onnx_file": ("files", "weights", "onnx"),
    "languages": ("capabilities", "languages"),
    "requires_remote_code": ("dependencies", "requires_remote_code"),
    "revision": ("revision",),
} | {
    name: ("encoding", name)
    for name in (
        "pooling",
        "normalize",
        "similarity",
        "query_prompt",
        "document_prompt",
        "query_length",
        "document_length",
        "query_marker",
        "document_marker",
        "query_expansion",
        "attend_to_expansion_tokens",
        "skiplist",
        "activation",
        "labels",
        "multi_label",
        "image_prompt",
        "query_suffix",
        "text_padding",
        "text_length",
        "lower_case",
        "remove_punctuation",
        "logit_scale",
        "logit_bias",
        "prompt",
        "num_beams",
        "max_new_tokens",
        "max_length",
        "min_length",
        "length_penalty",
        "repetition_penalty",
    )
}
"""The place of each record field in its entry, in the order to show them."""


def value_of(record: ModelInfo, field: str) -> object:
    """Return the value of a field; None if it is unknown, as is an empty list of labels."""
    value = getattr(record, field)
    return None if value == () and field not in KNOWN_WHEN_EMPTY else value


def empty_record(huggingface_id: str, kind: str) -> ModelInfo:
    """Return a record with only a name, so that comparing it yields all of a checkpoint."""
    organization, _, name = huggingface_id.rpartition("/")
    return RECORDS[kind](
        id=name,
        type=kind,
        name=name,
        huggingface_id=huggingface_id,
        organization=organization,
        description=name,
        embedding_dim=None,
    )


def compare_field(comparer: Comparer, field: str, theirs: Setting[Any] | None) -> None:
    """Compare a field that only some kinds of record have with a file's statement."""
    comparer.choose(field, value_of(comparer.record, field), theirs)
