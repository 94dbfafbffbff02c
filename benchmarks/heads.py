"""Sparse models and cross-encoders against sentence-transformers, on the same random weights."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import holotype
from corpus import CHECKPOINT, documents
from holotype.records import CrossEncoderModel, SparseModel
from report import Table
from timing import in_turns, times_faster

N_ROUNDS = 3
# The sizes of all-MiniLM-L6-v2, whose tokenizer reads the texts.
SIZES: dict[str, Any] = {
    "hidden_size": 384,
    "num_hidden_layers": 6,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
}
# Random logits lie about 0. So far below, about one word in a hundred has a weight, as usual.
BIAS = -1.5


@dataclass(frozen=True, slots=True)
class Pair:
    """One model as both libraries run it, on the same items."""

    theirs: Callable[[], object]
    ours: Callable[[], Any]


@contextmanager
def sparse_pair(
    n_items: int, device: str, dtype: Any = "float32", their_dtype: str = "float32"
) -> Iterator[Pair]:
    """Load a SPLADE model of 30,522 words, and encode documents."""
    import torch
    from sentence_transformers import SparseEncoder
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    texts = documents(n_items)
    model = BertForMaskedLM(BertConfig(**SIZES))
    torch.nn.init.constant_(model.cls.predictions.decoder.bias, BIAS)
    with tempfile.TemporaryDirectory() as folder:
        _save(model, Path(folder))
        ours = holotype.load(_sparse_record(), checkpoint=folder, device=device, dtype=dtype)
        theirs = SparseEncoder(folder, device=device, model_kwargs={"dtype": their_dtype})
        yield Pair(lambda: theirs.encode_document(texts), lambda: ours.encode_document(texts))


@contextmanager
def cross_encoder_pair(
    n_items: int, device: str, dtype: Any = "float32", their_dtype: str = "float32"
) -> Iterator[Pair]:
    """Load a cross-encoder, and score pairs of a query and a document."""
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    queries, texts = documents(n_items)[::-1], documents(n_items)
    # Queries are a few words.
    pairs = [(query[:40], text) for query, text in zip(queries, texts, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        _save(BertForSequenceClassification(BertConfig(**SIZES | {"num_labels": 1})), Path(folder))
        record = _cross_encoder_record()
        ours = holotype.load(record, checkpoint=folder, device=device, dtype=dtype)
        theirs = CrossEncoder(folder, device=device, model_kwargs={"dtype": their_dtype})
        yield Pair(
            lambda: theirs.predict(pairs), lambda: ours.predict(pairs, on_overflow="truncate")
        )


def sparse_table(device: str, n_items: int) -> Table:
    """Measure the documents of a SPLADE model of 30,522 words."""
    with sparse_pair(n_items, device) as pair:
        n_words = len(pair.ours().values) / n_items
        table = _table("SPLADE documents, float32", device, n_items, pair)
    table.notes.append(f"{n_words:.0f} words of a document have a weight.")
    return table


def cross_encoder_table(device: str, n_items: int) -> Table:
    """Measure pairs of a query and a document."""
    with cross_encoder_pair(n_items, device) as pair:
        return _table("Pairs of a cross-encoder, float32", device, n_items, pair)


def _table(title: str, device: str, n_items: int, pair: Pair) -> Table:
    functions = {"sentence-transformers": pair.theirs, "holotype": pair.ours}
    times = in_turns(functions, N_ROUNDS)
    rows = [
        [
            name,
            f"{n_items / statistics.median(found):.0f} a second",
            f"{times_faster(times['sentence-transformers'], found):.2f}",
        ]
        for name, found in times.items()
    ]
    return Table(title, [f"{n_items} of mixed lengths, {device}", "speed", "times faster"], rows)


def _save(model: Any, folder: Path) -> None:
    from transformers import AutoTokenizer

    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(CHECKPOINT, model_max_length=256).save_pretrained(folder)


def _sparse_record() -> SparseModel:
    return SparseModel(
        id="random-splade",
        type="sparse",
        name="Random SPLADE",
        huggingface_id="benchmarks/random-splade",
        organization="Benchmarks",
        description="A masked language model of random weights.",
        embedding_dim=30522,
        pooling="max",
        activation="log1p-relu",
    )


def _cross_encoder_record() -> CrossEncoderModel:
    return CrossEncoderModel(
        id="random-reranker",
        type="cross-encoder",
        name="Random reranker",
        huggingface_id="benchmarks/random-reranker",
        organization="Benchmarks",
        description="A classifier of random weights.",
        embedding_dim=None,
    )
