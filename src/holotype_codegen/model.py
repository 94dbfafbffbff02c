"""Converts an entry of `models.json` to its record in the generated module."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from holotype_codegen.literals import Call, Name
from holotype_codegen.naming import constant_name, enum_member_name

Entry = Mapping[str, Any]

RECORD_CLASSES = {
    "dense": "DenseModel",
    "colbert": "ColbertModel",
    "sparse": "SparseModel",
    "cross-encoder": "CrossEncoderModel",
    "classifier": "ClassifierModel",
    "image-text": "ImageTextModel",
    "captioner": "CaptionerModel",
}
"""The record class of each kind; any other kind gets `BASE_CLASS`."""

BASE_CLASS = "ModelInfo"

GENERIC_CLASSES = frozenset({"DenseModel", "ColbertModel", "ImageTextModel"})
"""Record classes that are generic over the dimensions they can return."""

FIELDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("id", ("id",)),
    ("type", ("type",)),
    ("name", ("name",)),
    ("huggingface_id", ("huggingface_id",)),
    ("organization", ("organization",)),
    ("description", ("description",)),
    ("release_date", ("release_date",)),
    ("license", ("license",)),
    ("architecture_type", ("architecture", "type")),
    ("architecture_variant", ("architecture", "variant")),
    ("has_projection", ("architecture", "has_projection")),
    ("projection_dims", ("architecture", "projection_dims")),
    ("parameters", ("specs", "parameters")),
    ("embedding_dim", ("specs", "embedding_dim")),
    ("matryoshka_dims", ("architecture", "matryoshka_dims")),
    ("matryoshka_range", ("architecture", "matryoshka_range")),
    ("hidden_dim", ("specs", "hidden_dim")),
    ("context_length", ("specs", "context_length")),
    ("max_position_embeddings", ("specs", "max_position_embeddings")),
    ("vocab_size", ("specs", "vocab_size")),
    ("layers", ("specs", "layers")),
    ("dtype", ("specs", "dtype")),
    ("image_size", ("image", "size")),
    ("image_shortest_edge", ("image", "shortest_edge")),
    ("image_longest_edge", ("image", "longest_edge")),
    ("image_max_patches", ("image", "max_patches")),
    ("image_min_pixels", ("image", "min_pixels")),
    ("image_max_pixels", ("image", "max_pixels")),
    ("image_crop", ("image", "crop")),
    ("image_tile_size", ("image", "tile_size")),
    ("image_resample", ("image", "resample")),
    ("image_rescale", ("image", "rescale")),
    ("image_mean", ("image", "mean")),
    ("image_std", ("image", "std")),
    ("image_colour", ("image", "colour")),
    ("image_transparency", ("image", "transparency")),
    ("image_orientation", ("image", "orientation")),
    ("image_patch_size", ("image", "patch_size")),
    ("image_merge_size", ("image", "merge_size")),
    ("image_tokens", ("image", "tokens")),
    ("image_hidden_dim", ("image", "hidden_dim")),
    ("image_layers", ("image", "layers")),
    ("pooling", ("encoding", "pooling")),
    ("activation", ("encoding", "activation")),
    ("normalize", ("encoding", "normalize")),
    ("similarity", ("encoding", "similarity")),
    ("query_prompt", ("encoding", "query_prompt")),
    ("document_prompt", ("encoding", "document_prompt")),
    ("query_length", ("encoding", "query_length")),
    ("document_length", ("encoding", "document_length")),
    ("query_marker", ("encoding", "query_marker")),
    ("document_marker", ("encoding", "document_marker")),
    ("query_expansion", ("encoding", "query_expansion")),
    ("attend_to_expansion_tokens", ("encoding", "attend_to_expansion_tokens")),
    ("skiplist", ("encoding", "skiplist")),
    ("labels", ("encoding", "labels")),
    ("multi_label", ("encoding", "multi_label")),
    ("image_prompt", ("encoding", "image_prompt")),
    ("query_suffix", ("encoding", "query_suffix")),
    ("text_padding", ("encoding", "text_padding")),
    ("text_length", ("encoding", "text_length")),
    ("lower_case", ("encoding", "lower_case")),
    ("remove_punctuation", ("encoding", "remove_punctuation")),
    ("logit_scale", ("encoding", "logit_scale")),
    ("logit_bias", ("encoding", "logit_bias")),
    ("prompt", ("encoding", "prompt")),
    ("num_beams", ("encoding", "num_beams")),
    ("max_new_tokens", ("encoding", "max_new_tokens")),
    ("max_length", ("encoding", "max_length")),
    ("min_length", ("encoding", "min_length")),
    ("length_penalty", ("encoding", "length_penalty")),
    ("repetition_penalty", ("encoding", "repetition_penalty")),
    ("languages", ("capabilities", "languages")),
    ("modalities", ("capabilities", "modalities")),
    ("multi_vector", ("capabilities", "multi_vector")),
    ("quantization", ("capabilities", "quantization")),
    ("beir_avg", ("performance", "beir_avg")),
    ("ms_marco_mrr10", ("performance", "ms_marco_mrr10")),
    ("tokenizer_file", ("files", "tokenizer")),
    ("config_file", ("files", "config")),
    ("safetensors_file", ("files", "weights", "safetensors")),
    ("pytorch_file", ("files", "weights", "pytorch")),
    ("onnx_file", ("files", "weights", "onnx")),
    ("tokenizer_model", ("dependencies", "tokenizer_model")),
    ("requires_projection", ("dependencies", "requires_projection")),
    ("requires_remote_code", ("dependencies", "requires_remote_code")),
    ("gated", ("dependencies", "gated")),
    ("revision", ("revision",)),
    ("aliases", ("lineage", "aliases")),
    ("adapted_from", ("lineage", "adapted_from")),
    ("superseded_by", ("lineage", "superseded_by")),
    ("deprecated", ("lineage", "deprecated")),
)
"""The fields of a record in the order of writing, with their paths in an entry."""

_DEFAULTS: Mapping[str, object] = {
    "multi_vector": False,
    "deprecated": False,
    "aliases": [],
}
"""The defaults of a record's fields other than None."""

_FLAG = ("capabilities", "matryoshka")
"""False means that the native size is the only one."""

_ALWAYS_WRITTEN = frozenset({"embedding_dim"})


@dataclass(frozen=True, slots=True)
class Model:
    """One entry, ready to write: its names and its record.

    `dim_type` is the type of the dimensions that its record is generic over, "" if it is not:
    ``Literal[64, 128]``, of which `dims` are the members, or ``int`` for a range.
    """

    id: str
    kind: str
    constant: str
    record_class: str
    dim_type: str
    dims: tuple[int, ...]
    description: str
    record: Call


def model_of(entry: Entry) -> Model:
    """Return the template's data for a valid entry."""
    record_class = RECORD_CLASSES.get(entry["type"], BASE_CLASS)
    dim_type, dims = _dimensions(entry) if record_class in GENERIC_CLASSES else ("", ())
    return Model(
        id=entry["id"],
        kind=entry["type"],
        constant=constant_name(entry["id"]),
        record_class=record_class,
        dim_type=dim_type,
        dims=dims,
        description=entry["description"],
        record=Call(record_class, dict(_arguments(entry))),
    )


def _dimensions(entry: Entry) -> tuple[str, tuple[int, ...]]:
    """Return the type of the dimensions that a model returns, and its members."""
    if entry["architecture"].get("matryoshka_range"):
        return "int", ()
    listed = entry["architecture"].get("matryoshka_dims")
    dims = tuple(listed or (entry["specs"]["embedding_dim"],))
    return f"Literal[{', '.join(map(str, dims))}]", dims


def stated_fields(entry: Entry) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Yield the name, the place and the value of every field that the record states."""
    for name, place in FIELDS:
        value: Any = entry
        for key in place:
            value = value.get(key) if value is not None else None
        if name == "matryoshka_dims" and value is None and _keeps_its_width(entry):
            place, value = _FLAG, [entry["specs"]["embedding_dim"]]
        if name in _ALWAYS_WRITTEN or (value is not None and value != _DEFAULTS.get(name)):
            yield name, place, value


def _keeps_its_width(entry: Entry) -> bool:
    """Return whether the entry states that vectors of a native size cannot be truncated."""
    width = entry["specs"]["embedding_dim"]
    return (
        entry["capabilities"].get("matryoshka") is False
        and width is not None
        and entry["type"] != "sparse"
    )


def _arguments(entry: Entry) -> Iterator[tuple[str, object]]:
    stated = tuple(stated_fields(entry))
    for name, _, value in stated:
        yield name, Name(f"ModelType.{enum_member_name(value)}") if name == "type" else value
    places = [(name, place) for name, place, _ in stated]
    if entry.get("variants"):
        yield "variants", [_record("Variant", variant) for variant in entry["variants"]]
        places.append(("variants", ("variants",)))
    yield "provenance", list(_provenance(entry["provenance"], places))


def source_of(provenance: Mapping[str, str], place: tuple[str, ...]) -> str:
    """Return the source of a value: by its own pointer, its nearest parent's, or `*`."""
    for pointer in _pointers(place):
        if pointer in provenance:
            return provenance[pointer]
    return provenance["*"]


@functools.cache
def _pointers(place: tuple[str, ...]) -> tuple[str, ...]:
    """Return the pointers of a place and of what holds it, the nearest first."""
    return tuple("/" + "/".join(place[:length]) for length in range(len(place), 0, -1))


def _provenance(
    provenance: Mapping[str, str], places: Iterable[tuple[str, tuple[str, ...]]]
) -> Iterator[tuple[str, str]]:
    """Yield the source of the record, and of each field with another source."""
    yield "*", provenance["*"]
    for name, place in places:
        source = source_of(provenance, place)
        if source != provenance["*"]:
            yield name, source


def _record(name: str, values: Mapping[str, object]) -> Call:
    return Call(name, {key: value for key, value in values.items() if value is not None})


def source_record(values: Mapping[str, object]) -> Call:
    """Return the record of one source of the catalogue."""
    return _record("Source", values)
