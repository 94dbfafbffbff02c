"""What a model shares with others: a transformer of the same size, or the base it was trained from.

Parameters less the token embeddings are the *body* of a network. Two models with bodies of the
same size, to the last parameter, have the same transformer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from catalogue.facts import Candidates, Fact, best
from catalogue.shapes import COUNTED

FAMILY = "model-family"

_NETWORK = "/architecture/type"
_WIDTH = "/specs/hidden_dim"
_VOCABULARY = "/specs/vocab_size"
_POSITIONS = "/specs/max_position_embeddings"
_LAYERS = "/specs/layers"
_LENGTH = "/specs/context_length"
_DIM = "/specs/embedding_dim"
_POOLING = "/encoding/pooling"
_NORMALIZE = "/encoding/normalize"

_SMALLEST_BODY = 1_000_000
_SMALLEST_VOCABULARY = 20_000
_WIDTHS_IN_STEPS_OF = 64
_WIDEST = 8192
_NEAR = 0.02
"""How far a vocabulary may lie from the registry's: a padded table has some rows more."""

_UNUSED_POSITIONS = 2
"""RoBERTa's, which some lines of the registry count as length."""
_STEP = 8
_ROUNDED_TO = 100_000
_QUERY_AND_KEY_NORMS = 256
"""Parameters of a layer's norms of queries and keys, in decoders whose heads have 128 numbers."""
_MOST_LAYERS = 80
_LOST_IN_BUFFERS = (0, 256, 384, 512, 514)
"""Position ids, which some counts include, and T5's biases of relative positions."""

_SHAPE_IN_NAME = re.compile(r"L-(\d+)_H-(\d+)")
"""The layers and the width in the names of Google's small BERTs."""

_PLAIN_LOADERS = (
    "SentenceTransformerEncoderWrapper",
    "InstructSentenceTransformerModel",
    "KALMWrapper",
)
"""Loaders that run what the modules of Sentence Transformers in the repository say."""

_STATIC_LOADERS = ("Model2VecModel", "SentenceTransformerEncoderWrapper")
_AVERAGED = f"{FAMILY}: static embeddings, whose only module averages"

T = TypeVar("T")
Row = Mapping[str, Any]
Rows = Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class Body:
    """A transformer whose width is known, and the model that says so."""

    size: int
    width: int
    words: int
    layers: int | None
    network: str | None
    repository: str


def bodies(encoding: Rows, mteb: Rows) -> list[Body]:
    """Return the transformers that both fact files describe; where they disagree, no network."""
    found: dict[tuple[int, int], Body] = {}
    for repository, row in sorted(encoding.items()):
        line, width = mteb.get(repository), row.get("hidden_size")
        remembered = "memory" in (row["sources"].get("hidden_size") or "memory")
        if not line or not line["n_parameters"] or _is_rounded(line) or not width or remembered:
            continue
        table = line["n_embedding_parameters"] or (row["vocab_size"] or 0) * width
        size = line["n_parameters"] - table
        if not table or size < _SMALLEST_BODY:
            continue
        network, layers = _stated(row, "architecture"), _stated(row, "num_hidden_layers")
        body = Body(size, width, table // width, layers, network, repository)
        known = found.get((size, width), body)
        found[size, width] = replace(
            known,
            layers=_agreed(known.layers, layers),
            network=_agreed(known.network, network),
        )
    return list(found.values())


def _stated(row: Row, field: str) -> Any:
    """Return a value of the encoding facts that has a source; None for what was remembered."""
    return None if "memory" in (row["sources"].get(field) or "memory") else row[field]


def _agreed(one: T | None, other: T | None) -> T | None:
    """Return what two models say; what only one of them says; None where they contradict."""
    if one is None or other is None:
        return other if one is None else one
    return one if one == other else None


def bases(encoding: Rows) -> dict[str, dict[str, Fact]]:
    """Return the shapes of base models: what all models that name one as their base agree on."""
    fields = {
        "hidden_size": _WIDTH,
        "vocab_size": _VOCABULARY,
        "max_position_embeddings": _POSITIONS,
        "architecture": _NETWORK,
        "num_hidden_layers": _LAYERS,
    }
    said: dict[str, dict[str, set[Any]]] = {}
    for repository, row in encoding.items():
        for base in {repository, row["base_model"]} - {None}:
            for field, pointer in fields.items():
                value = row[field]
                if value is not None and "memory" not in row["sources"].get(field, "memory"):
                    said.setdefault(base, {}).setdefault(pointer, set()).add(value)
    return {
        base: {
            pointer: Fact(next(iter(values)), f"{FAMILY}: {base}")
            for pointer, values in shape.items()
            if len(values) == 1
        }
        for base, shape in said.items()
    }


def from_bodies(
    row: Row, known: Iterable[Body], stated: frozenset[int], shared: frozenset[int]
) -> Candidates:
    """Return what the counts of a line of mteb's registry prove by other models' transformers.

    Args:
        row: the line.
        known: the transformers whose width is known.
        stated: vocabularies that a file states.
        shared: vocabularies that tables of different widths share.
    """
    total, embedding = row["n_parameters"], row["n_embedding_parameters"]
    if not total:
        return {}
    if not embedding:
        return _by_total(total, known)
    if total == embedding:
        return _table_only(row)
    for body in known:
        words, rest = divmod(total - body.size, body.width)
        near = abs(words * body.width - embedding) <= _NEAR * embedding
        exact = words * body.width == embedding
        if rest == 0 and near and (exact or words in stated):
            return _of_body(body, words)
    return _by_vocabulary(row, stated, shared)


def _by_total(total: int, known: Iterable[Body]) -> Candidates:
    """The same number of all parameters, where the registry counts no embeddings."""
    same = [body for body in known if body.size + body.words * body.width == total]
    return _of_body(same[0], same[0].words) if len(same) == 1 else {}


def _of_body(body: Body, words: int) -> Candidates:
    source = f"{COUNTED}: as {body.repository}"
    found = {_WIDTH: [Fact(body.width, source)], _VOCABULARY: [Fact(words, source)]}
    if body.layers is not None:
        found[_LAYERS] = [Fact(body.layers, source)]
    if body.network is not None and abs(words - body.words) <= _NEAR * body.words:
        # RoBERTa, XLM-R and CamemBERT are one shape: only the vocabulary tells them apart.
        found[_NETWORK] = [Fact(body.network, source)]
    return found


def _table_only(row: Row) -> Candidates:
    """A model that is nothing but its table of token vectors is static."""
    dim, total = _dimension(row), row["n_parameters"]
    if dim is None or row["loader"] not in _STATIC_LOADERS or row["model_type"] != ["dense"]:
        return {}
    source = f"{COUNTED}: nothing but token vectors"
    found = {_NETWORK: [Fact("static", source)], _POOLING: [Fact("mean", _AVERAGED)]}
    if total % dim == 0 and total % 10_000:
        found[_VOCABULARY] = [Fact(total // dim, source)]
    return found


def _by_vocabulary(row: Row, stated: frozenset[int], shared: frozenset[int]) -> Candidates:
    """A table of a known vocabulary tells its width, if only one vocabulary divides it so.

    Where two would, the one that makes the table as wide as the vector is taken. For another width
    than the vector's, a file must state the vocabulary.
    """
    dim, total, embedding = _dimension(row), row["n_parameters"], row["n_embedding_parameters"]
    shapes = {
        embedding // words: words
        for words in sorted(stated | shared)
        if embedding % words == 0 and (words in stated or dim in (None, embedding // words))
    }
    if row["model_type"] != ["cross-encoder"] or dim not in shapes:
        # The registry measures a cross-encoder's table itself; of others it multiplies what files
        # say.
        shapes = {w: words for w, words in shapes.items() if _is_width(w, total, embedding)}
    if row["model_type"] == ["sparse"] and dim:
        # A sparse vector has one weight for each word.
        shapes = _spanned(dim, embedding)
    elif dim not in shapes:
        shapes = {w: words for w, words in shapes.items() if w % _WIDTHS_IN_STEPS_OF == 0}
    if dim is not None and dim in shapes:
        shapes = {dim: shapes[dim]}
    if len(shapes) != 1:
        return {}
    [(width, words)] = shapes.items()
    source = f"{COUNTED}: a known vocabulary"
    return {_WIDTH: [Fact(width, source)], _VOCABULARY: [Fact(words, source)]}


def _spanned(words: int, embedding: int) -> dict[int, int]:
    width, rest = divmod(embedding, words)
    return {} if rest else {width: words}


def _is_width(width: int, total: int, embedding: int) -> bool:
    """Whether a network may be so wide: all its layers' sizes are then multiples of the width."""
    if width > _WIDEST:
        return False
    rest = total - embedding
    return (
        total % _ROUNDED_TO == 0
        or any((rest - lost) % width == 0 for lost in _LOST_IN_BUFFERS)
        or any((rest - _QUERY_AND_KEY_NORMS * n) % width == 0 for n in range(1, _MOST_LAYERS))
    )


def vocabularies_of(mteb: Rows) -> frozenset[int]:
    """Return the vocabularies that occur with tables of different widths.

    The registry's table divided by the dimension is a vocabulary only where the dimension is the
    width of the network. A quotient that models of different dimensions share is no accident.
    """
    seen: dict[int, set[int]] = {}
    for row in mteb.values():
        embedding, dim = row["n_embedding_parameters"], _dimension(row)
        if row["modalities"] == ["text"] and embedding and dim and embedding % dim == 0:
            seen.setdefault(embedding // dim, set()).add(dim)
    return frozenset(
        words for words, dims in seen.items() if len(dims) > 1 and words > _SMALLEST_VOCABULARY
    )


def inherited(row: Row, base: str, base_row: Row | None, facts: Mapping[str, Fact]) -> Candidates:
    """Return what a fine-tuned model keeps of its base.

    The transformer must be the same by its count, or no count may speak against it. How vectors are
    pooled and normalised is kept where Sentence Transformers trained an embedding model further.

    Args:
        row: the line of the registry of the fine-tuned model.
        base: the repository of its base.
        base_row: the line of the registry of the base, if it has one.
        facts: what is known of the base.
    """
    if not _same_transformer(row, base_row):
        return {}
    source = f"{FAMILY}: {base}"
    kept = [_NETWORK, _WIDTH, _LAYERS, _POSITIONS]
    if _same_table(row, base_row):
        kept.append(_VOCABULARY)
    if row["model_type"] == ["dense"] and row["loader"] in _PLAIN_LOADERS:
        pooling = facts.get(_POOLING)
        # In a network that reads forwards only, no token but the last has seen the whole text.
        causal = pooling is not None and pooling.value == "last-token"
        if causal or _same_length(row, base_row):
            kept.append(_POOLING)
        if pooling is not None and not causal:
            kept.append(_NORMALIZE)
        if row["max_tokens"] is None or row["max_tokens"] % _STEP == _UNUSED_POSITIONS:
            # A size of RoBERTa's table tells nothing of where the checkpoint truncates.
            kept.append(_LENGTH)
    found = {p: [Fact(facts[p].value, source)] for p in kept if p in facts}
    dim, width = _dimension(row), best(found.get(_WIDTH, []))
    if width is not None and dim is not None and dim > width.value:
        # Another head stands on the transformer: nothing is known of how it pools.
        found.pop(_POOLING, None)
        found.pop(_NORMALIZE, None)
    return found


def is_larger(facts: Candidates, base: str, shape: Mapping[str, Fact]) -> bool:
    """Whether a network is wider or deeper than a base, which one that was trained further never is.

    Args:
        facts: what is said of the model.
        base: the repository of its base, whose name may give its size (`L-12_H-768`).
        shape: what is known of the base.
    """
    named = _SHAPE_IN_NAME.search(base)
    sizes = {p: fact.value for p, fact in shape.items()}
    if named is not None:
        sizes |= {_LAYERS: int(named[1]), _WIDTH: int(named[2])}
    return any(
        own.value > sizes[pointer]
        for pointer in (_LAYERS, _WIDTH)
        if pointer in sizes and (own := best(facts.get(pointer, []))) is not None
    )


def without_changed_modules(facts: Mapping[str, Fact], said: Candidates) -> dict[str, Fact]:
    """Drop how a model pools and normalises where it departed from its own base.

    What one version of a series changed, the next one may have changed back
    (KaLM-embedding-multilingual-mini-instruct-v1.5).

    Args:
        facts: the best-founded facts of a model.
        said: all that is said of it, also by its base.
    """
    return {
        pointer: fact
        for pointer, fact in facts.items()
        if pointer not in (_POOLING, _NORMALIZE)
        or all(
            other.value == fact.value for other in said[pointer] if other.source.startswith(FAMILY)
        )
    }


def _same_transformer(row: Row, base: Row | None) -> bool:
    """Whether two counts are of one transformer; rounded counts must only be near."""
    if base is None or not row["n_parameters"] or not base["n_parameters"]:
        return False
    own, other = _body(row), _body(base)
    if own is None or other is None:
        own, other = row["n_parameters"], base["n_parameters"]
    if _is_rounded(row) or _is_rounded(base):
        return bool(abs(own - other) <= _NEAR * other)
    return abs(own - other) in _LOST_IN_BUFFERS


def _is_rounded(row: Row) -> bool:
    return bool(row["n_parameters"] % _ROUNDED_TO == 0)


def _same_length(row: Row, base: Row | None) -> bool:
    """Whether a model reads as far as its base, or its length is not known.

    Who trains an embedding model further keeps its modules, and the length with them; another
    length tells of a training from the network up, which may pool otherwise
    (snowflake-arctic-embed-xs).
    """
    if base is None:
        return False
    lengths = row["max_tokens"], base["max_tokens"]
    return None in lengths or abs(lengths[0] - lengths[1]) <= _UNUSED_POSITIONS


def _same_table(row: Row, base: Row | None) -> bool:
    if base is None:
        return False
    tables = row["n_embedding_parameters"], base["n_embedding_parameters"]
    return tables[0] is None or tables[0] == tables[1]


def _body(row: Row | None) -> int | None:
    if not row or not row["n_parameters"] or not row["n_embedding_parameters"]:
        return None
    size: int = row["n_parameters"] - row["n_embedding_parameters"]
    return size


def _dimension(row: Row) -> int | None:
    dims: int | list[int] | None = row["embed_dim"]
    return max(dims) if isinstance(dims, list) else dims
