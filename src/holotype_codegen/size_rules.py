"""Rules about the sizes of one entry: widths, projections, Matryoshka sizes, lengths."""

from __future__ import annotations

from collections.abc import Iterator

from holotype_codegen.entries import Breach, Entries, Entry
from holotype_codegen.report import quote_json
from holotype_codegen.schema import known_kinds

_NARROWER_WORDS = frozenset(
    {"albert", "convbert", "electra", "mobilebert", "nezha", "openelm", "opt", "rembert"}
)
"""Architectures whose word vectors may be narrower than the network behind them."""


def projections_have_dims(entry: Entry, _: Entries) -> Iterator[Breach]:
    """`projection_dims` is present if and only if `has_projection` is true."""
    stated = entry.has("/architecture/has_projection")
    has_projection = entry.flag("/architecture/has_projection")
    dims = entry.value("/architecture/projection_dims")
    if has_projection and dims is None:
        yield entry.breach(
            "/architecture/has_projection",
            "has_projection is true, and there is no projection_dims",
            "expected the width that the projection returns",
            "add projection_dims, or set has_projection to false",
        )
    elif dims is not None and stated and not has_projection:
        yield entry.breach(
            "/architecture/projection_dims",
            f"projection_dims is {quote_json(dims)}, and has_projection is not true",
            "expected projection_dims only where there is a projection",
            "set has_projection to true, or delete projection_dims",
        )


def projections_end_in_the_embedding(entry: Entry, _: Entries) -> Iterator[Breach]:
    """The projection makes the vector, so its width is that of the vector."""
    projected = entry.count("/architecture/projection_dims")
    if projected and _is_another_width(entry, projected):
        width = entry.value("/specs/embedding_dim")
        yield entry.breach(
            "/architecture/projection_dims",
            f"projection_dims is {projected}, embedding_dim is {quote_json(width)}",
            "expected them to be equal",
            "correct the wrong one",
        )


def unprojected_vectors_keep_their_width(entry: Entry, _: Entries) -> Iterator[Breach]:
    """Without a projection, a dense or ColBERT vector is as wide as the transformer."""
    width, hidden = entry.count("/specs/embedding_dim"), entry.count("/specs/hidden_dim")
    unprojected = entry.flag("/architecture/has_projection") is False
    if entry.kind in ("dense", "colbert") and unprojected and width and hidden and width != hidden:
        yield entry.breach(
            "/specs/embedding_dim",
            f"embedding_dim is {width}, hidden_dim is {hidden}, and there is no projection",
            "expected them to be equal without a projection",
            "correct the wrong one, or describe the projection",
        )


def sparse_vectors_span_the_vocabulary(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A sparse vector has one weight per word of the vocabulary."""
    width, words = entry.count("/specs/embedding_dim"), entry.count("/specs/vocab_size")
    if entry.kind == "sparse" and width and words and width != words:
        yield entry.breach(
            "/specs/embedding_dim",
            f"embedding_dim is {width}, vocab_size is {words}",
            "expected them to be equal in a sparse model",
            "correct the wrong one",
        )


def projections_are_required_where_they_exist(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A model cannot require a projection that it does not have."""
    required = entry.flag("/dependencies/requires_projection")
    if required and entry.flag("/architecture/has_projection") is False:
        yield entry.breach(
            "/dependencies/requires_projection",
            "requires_projection is true, and has_projection is false",
            "expected a projection where one is required",
            "correct the wrong one",
        )


def multi_vector_follows_the_kind(entry: Entry, _: Entries) -> Iterator[Breach]:
    """ColBERT makes several vectors per text; the other known kinds do not."""
    stated = entry.flag("/capabilities/multi_vector")
    if stated is None or entry.kind not in known_kinds():
        return
    implied = entry.kind == "colbert"
    if stated is not implied:
        yield entry.breach(
            "/capabilities/multi_vector",
            f"multi_vector is {quote_json(stated)} for a {entry.kind} model",
            f"expected {quote_json(implied)}",
            f"write {quote_json(implied)}, or correct the type",
        )


def matryoshka_sizes_ascend_to_the_embedding(entry: Entry, _: Entries) -> Iterator[Breach]:
    """Matryoshka sizes ascend, each once, and end in the native width."""
    pointer = "/architecture/matryoshka_dims"
    dims = entry.value(pointer)
    if not isinstance(dims, list) or any(type(dim) is not int for dim in dims) or not dims:
        return
    if dims != sorted(set(dims)):
        yield entry.breach(
            pointer,
            f"matryoshka_dims is {quote_json(dims)}",
            "expected ascending sizes, each once",
            f"write {quote_json(sorted(set(dims)))}",
        )
    if _is_another_width(entry, max(dims)):
        width = entry.value("/specs/embedding_dim")
        yield entry.breach(
            pointer,
            f"matryoshka_dims ends in {max(dims)}, embedding_dim is {quote_json(width)}",
            "expected the native width as the last size",
            "correct the sizes, or embedding_dim",
        )


def matryoshka_ranges_end_in_the_embedding(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A range of Matryoshka sizes begins below the native width, and ends in it."""
    pointer = "/architecture/matryoshka_range"
    sizes = entry.value(pointer)
    if not isinstance(sizes, list) or [type(size) for size in sizes] != [int, int]:
        return
    if sizes[0] >= sizes[1]:
        yield entry.breach(
            pointer,
            f"matryoshka_range is {quote_json(sizes)}",
            "expected the smallest size, then a larger one",
            "correct the sizes; matryoshka_dims can say that vectors cannot be truncated",
        )
    if _is_another_width(entry, sizes[1]):
        width = entry.value("/specs/embedding_dim")
        yield entry.breach(
            pointer,
            f"matryoshka_range ends in {sizes[1]}, embedding_dim is {quote_json(width)}",
            "expected the native width as the largest size",
            "correct the range, or embedding_dim",
        )


def matryoshka_sizes_are_a_list_or_a_range(entry: Entry, _: Entries) -> Iterator[Breach]:
    """Either some sizes were trained, or every size of a range may be used."""
    dims = entry.value("/architecture/matryoshka_dims")
    sizes = entry.value("/architecture/matryoshka_range")
    if dims and sizes:
        yield entry.breach(
            "/architecture/matryoshka_range",
            f"matryoshka_range is {quote_json(sizes)}, and matryoshka_dims is {quote_json(dims)}",
            "expected one of them",
            "keep the range if every size in it may be used, else the list",
        )


def the_matryoshka_flag_agrees_with_the_sizes(entry: Entry, _: Entries) -> Iterator[Breach]:
    """`capabilities.matryoshka`, if stated, is true if and only if smaller sizes are stated."""
    flag = entry.flag("/capabilities/matryoshka")
    dims = entry.value("/architecture/matryoshka_dims")
    sizes = entry.value("/architecture/matryoshka_range")
    has_sizes = bool(sizes) or (bool(dims) and dims != [entry.value("/specs/embedding_dim")])
    if flag is not None and flag is not has_sizes:
        yield entry.breach(
            "/capabilities/matryoshka",
            f"matryoshka is {quote_json(flag)}, and matryoshka_{'range' if sizes else 'dims'} "
            + ("lists smaller sizes" if has_sizes else "lists no smaller size"),
            "expected true with smaller sizes, false without, null where it is unknown",
            "add the sizes to architecture, or correct the flag",
        )


def contexts_fit_the_positions(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A checkpoint cannot encode more tokens than its architecture has positions."""
    context = entry.count("/specs/context_length")
    positions = entry.count("/specs/max_position_embeddings")
    if context and positions and context > positions:
        yield entry.breach(
            "/specs/context_length",
            f"context_length is {context}, max_position_embeddings is {positions}",
            "expected a context no longer than the positions",
            "correct the wrong one",
        )


def lengths_fit_the_context(entry: Entry, _: Entries) -> Iterator[Breach]:
    """ColBERT truncates queries and documents to lengths that the checkpoint can encode."""
    context = entry.count("/specs/context_length")
    for name in ("query_length", "document_length"):
        length = entry.count(f"/encoding/{name}")
        if context and length and length > context:
            yield entry.breach(
                f"/encoding/{name}",
                f"{name} is {length}, context_length is {context}",
                "expected a length no longer than the context",
                "correct the wrong one",
            )


def static_models_have_no_layers(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A static model is a table of token vectors, and a table has no layers."""
    layers = entry.count("/specs/layers")
    if layers and entry.text("/architecture/type") == "static":
        yield entry.breach(
            "/specs/layers",
            f'layers is {layers}, and architecture.type is "static"',
            "expected no layers where there is no network",
            "delete the layers, or correct the type of the architecture",
        )


def sparse_vectors_are_never_truncated(entry: Entry, _: Entries) -> Iterator[Breach]:
    """The dimensions of a sparse vector are words without an order, so none can be dropped."""
    for name in ("matryoshka_dims", "matryoshka_range"):
        if entry.kind == "sparse" and entry.value(f"/architecture/{name}"):
            yield entry.breach(
                f"/architecture/{name}",
                f"a sparse model has {name}",
                "expected none, since truncation would remove words of the vocabulary",
                "delete them, or correct the type of the model",
            )


def parameters_hold_the_vocabulary(entry: Entry, _: Entries) -> Iterator[Breach]:
    """A model has at least as many parameters as its word vectors hold numbers."""
    static = entry.text("/architecture/type") == "static"
    width_name = "embedding_dim" if static else "hidden_dim"
    width = entry.count(f"/specs/{width_name}")
    words, parameters = entry.count("/specs/vocab_size"), entry.count("/specs/parameters")
    if entry.text("/architecture/type") in _NARROWER_WORDS or not (width and words and parameters):
        return
    if parameters < words * width:
        yield entry.breach(
            "/specs/parameters",
            f"parameters is {parameters}, and vocab_size times {width_name} is {words * width}",
            "expected at least as many parameters as the vocabulary's vectors have numbers",
            "correct the wrong one: is the count in thousands or millions?",
        )


def _is_another_width(entry: Entry, width: int) -> bool:
    """Return whether `embedding_dim` contradicts a width that follows from another field.

    Null contradicts it if the schema allows null: the width is then not unknown, and a model that
    returns scores has none.
    """
    stated = entry.count("/specs/embedding_dim")
    if stated is not None:
        return stated != width
    is_null = entry.has("/specs/embedding_dim") and entry.value("/specs/embedding_dim") is None
    return is_null and entry.kind not in ("dense", "colbert", "sparse", "image-text")


SIZE_RULES = (
    projections_have_dims,
    projections_end_in_the_embedding,
    unprojected_vectors_keep_their_width,
    sparse_vectors_span_the_vocabulary,
    projections_are_required_where_they_exist,
    multi_vector_follows_the_kind,
    matryoshka_sizes_ascend_to_the_embedding,
    matryoshka_ranges_end_in_the_embedding,
    matryoshka_sizes_are_a_list_or_a_range,
    the_matryoshka_flag_agrees_with_the_sizes,
    contexts_fit_the_positions,
    lengths_fit_the_context,
    static_models_have_no_layers,
    sparse_vectors_are_never_truncated,
    parameters_hold_the_vocabulary,
)
"""The rules about the sizes of one entry."""
