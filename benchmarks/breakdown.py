"""Where the time of bulk encoding goes: the model's operators, Python, and waiting for tokens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import holotype
from corpus import CHECKPOINT, documents
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.inputs.rows import Row
from holotype.encoders.running.network import Network, Output, Tower, Towers
from holotype.models import ALL_MINILM_L6_V2
from report import Table
from variants import TORCH_DTYPES

# How the operators that the forward pass calls begin, without their namespace.
_PARTS = {
    "linear maps": ("_linear_pointwise", "linear", "addmm", "gelu"),
    "attention": ("scaled_dot_product", "matmul", "bmm", "baddbmm", "softmax", "_softmax"),
    "norms": ("layer_norm", "native_layer_norm"),
    "embeddings": ("embedding",),
}
_OTHER = "copies and other operators"
_PYTHON = "Python, between the operators"


@dataclass(slots=True)
class _Watch:
    """A `Network` that remembers when each window began and ended."""

    network: Network
    windows: list[tuple[float, float]] = field(default_factory=list)

    def run(self, rows: Sequence[Row], batch_size: int | None) -> Iterator[Output]:
        started = time.perf_counter()
        yield from self.network.run(rows, batch_size)
        self.windows.append((started, time.perf_counter()))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)


def table(n_documents: int) -> Table:
    """Measure documents on the CPU: a column for each type of arithmetic."""
    texts = documents(n_documents)
    shares: dict[str, dict[str, float]] = {}
    notes = ["", "Python's share has the profiler's own work in it; target: less than 5 %.", ""]
    for dtype in TORCH_DTYPES:
        encoder: Any = holotype.load(
            ALL_MINILM_L6_V2, checkpoint=CHECKPOINT, device="cpu", dtype=dtype
        )
        encoder.encode_document(texts[:100])
        shares[dtype] = _shares(encoder, texts)
        notes.append(f"- {dtype}: {_overlap(encoder, texts)}")
    rows = [
        [part, *(f"{shares[dtype].get(part, 0):.1%}" for dtype in TORCH_DTYPES)]
        for part in (*_PARTS, _OTHER, _PYTHON)
    ]
    header = [f"{n_documents:,} documents, all-MiniLM-L6-v2, cpu", *TORCH_DTYPES]
    return Table("Where the time goes", header, rows, notes)


def _shares(encoder: Any, texts: Sequence[str]) -> dict[str, float]:
    """Return the share of each part in the time of the thread that runs the model."""
    import torch

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        started = time.perf_counter()
        encoder.encode_document(texts)
        wall = time.perf_counter() - started
    seconds: Counter[str] = Counter()
    for event in profile.events():
        if event.cpu_parent is None and "::" in event.name:
            seconds[_part(event.name)] += event.cpu_time_total / 1e6
    shares = {part: took / wall for part, took in seconds.items()}
    return shares | {_PYTHON: 1 - sum(shares.values())}


def _part(operator: str) -> str:
    name = operator.rpartition("::")[2]
    return next((part for part, begins in _PARTS.items() if name.startswith(begins)), _OTHER)


def _overlap(encoder: Any, texts: Sequence[str]) -> str:
    """Return how much of tokenising is hidden behind the model."""
    own = encoder._towers
    watch: Any = _Watch(own.document.network)
    tower = Tower(watch, own.document.tokenizer)
    towers = Towers(document=tower, query=tower, dtype=own.dtype)
    watched = DenseEncoder(encoder.config, encoder._plan, towers, build=lambda _: towers)
    started = time.perf_counter()
    watched.encode_document(texts)
    wall = time.perf_counter() - started
    ends = [started, *(end for _, end in watch.windows)]
    waits = [begin - end for (begin, _), end in zip(watch.windows, ends, strict=False)]
    started = time.perf_counter()
    encoder.count_tokens(texts)
    tokenising = time.perf_counter() - started
    return (
        f"tokenising alone takes {tokenising / wall:.1%} of the time; the model waits "
        f"{waits[0] / wall:.1%} for the first window and {sum(waits[1:]) / wall:.1%} for the "
        f"{len(waits) - 1} that follow"
    )
