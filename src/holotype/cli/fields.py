"""The fields of a record in groups for readers, each with its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holotype.cli.wording import is_known
from holotype.records import ModelInfo

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Model": (
        "name",
        "type",
        "huggingface_id",
        "revision",
        "organization",
        "release_date",
        "license",
        "description",
    ),
    "Sizes": (
        "embedding_dim",
        "matryoshka_dims",
        "matryoshka_range",
        "context_length",
        "parameters",
        "dtype",
        "layers",
        "hidden_dim",
        "max_position_embeddings",
        "vocab_size",
    ),
    "How to run it": (
        "pooling",
        "activation",
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
        "labels",
        "multi_label",
        "tokenizer_model",
        "requires_projection",
        "requires_remote_code",
        "gated",
    ),
    "How it reads images": (
        "image_size",
        "image_shortest_edge",
        "image_longest_edge",
        "image_max_patches",
        "image_min_pixels",
        "image_max_pixels",
        "image_crop",
        "image_tile_size",
        "image_resample",
        "image_rescale",
        "image_mean",
        "image_std",
        "image_colour",
        "image_transparency",
        "image_orientation",
        "image_patch_size",
        "image_merge_size",
        "image_tokens",
        "image_hidden_dim",
        "image_layers",
    ),
    "Capabilities": ("languages", "modalities", "multi_vector", "quantization"),
    "Quality": ("beir_avg", "ms_marco_mrr10"),
    "Architecture": (
        "architecture_type",
        "architecture_variant",
        "has_projection",
        "projection_dims",
    ),
    "Files": (
        "tokenizer_file",
        "config_file",
        "safetensors_file",
        "pytorch_file",
        "onnx_file",
        "variants",
    ),
    "Lineage": ("aliases", "adapted_from", "superseded_by", "deprecated"),
}
"""Every field of every record except the id, which is the title, and the provenance."""

_UNSAID: Mapping[str, object] = {"aliases": (), "deprecated": False}
"""The defaults of fields that an entry omits, which have no source."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One field of a record.

    Attributes:
        group: the heading of its group.
        name: the field.
        value: its value.
        source: the source of the value; None if the value is unknown or a default.
        is_of_another_commit: whether the source is a file of the model's own repository, read at
            another commit than the pinned one, or on a branch.
    """

    group: str
    name: str
    value: object
    source: str | None
    is_of_another_commit: bool = False

    @property
    def known(self) -> bool:
        """Whether the field has a value."""
        return is_known(self.name, self.value)


def facts(record: ModelInfo) -> Iterator[Fact]:
    """Yield every field of a record, group by group."""
    for group, names in GROUPS.items():
        for name in names:
            if hasattr(record, name):
                value = getattr(record, name)
                source = _source(record, name, value)
                yield Fact(group, name, value, source, _is_of_another_commit(record, source))


def _is_of_another_commit(record: ModelInfo, source: str | None) -> bool:
    key, _, detail = (source or "").partition(":")
    _, at, commit = detail.rpartition(" @ ")
    if key != "hub" or not at or record.revision is None:
        return False
    return not record.revision.startswith(commit.strip())


def _source(record: ModelInfo, name: str, value: object) -> str | None:
    if not is_known(name, value) or (name in _UNSAID and value == _UNSAID[name]):
        return None
    return record.source_of(name)
