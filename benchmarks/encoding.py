"""Documents and queries against the peers, on the same weights in the same run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

import holotype
from corpus import CHECKPOINT, QUERY, documents
from holotype.models import ALL_MINILM_L6_V2
from peak import flops_a_token, peak_flops, peaks_note
from report import Table
from timing import in_turns, times_faster
from variants import REFERENCE, TORCH_DTYPES, Variant, variants

N_ROUNDS = 3
N_WARM = 100
N_QUERY_ROUNDS = 15
# Threads of one library may spin for a moment after a call; many calls in a row make up for it.
N_QUERIES = 20
# What is compared, with the ratio that is aimed at.
_BULK_TARGETS = (
    ("holotype on torch, float32", REFERENCE, 1.6),
    ("holotype on torch, float32", "fastembed, float32", 4.0),
    ("holotype on torch, bfloat16", REFERENCE, 4.8),
    ("holotype on torch, bfloat16", "sentence-transformers, bfloat16", 1.6),
    ("holotype on torch, bfloat16", "OpenVINO by hand, bfloat16", 1.0),
)


def bulk_table(device: str, n_documents: int) -> Table:
    """Measure many documents: one row for each library, backend and type."""
    texts = documents(n_documents)
    with variants(device) as found:
        cosines = _least_cosines(found, texts[:N_WARM])
        calls = {name: partial(variant.documents, texts) for name, variant in found.items()}
        times = in_turns(calls, N_ROUNDS, warm_up=False)
        dtypes = {name: variant.dtype for name, variant in found.items()}
    flops = _n_tokens(texts) * flops_a_token()
    peaks: dict[str, float] = {dtype: peak_flops(device, dtype) for dtype in TORCH_DTYPES}
    rows = [
        [
            name,
            f"{n_documents / statistics.median(seconds):.0f} a second",
            f"{times_faster(times[REFERENCE], seconds):.2f}",
            _share(flops / min(seconds), peaks.get(dtypes[name])),
            f"{cosines[name]:.5f}",
        ]
        for name, seconds in times.items()
    ]
    header = [
        f"{n_documents:,} documents of 5 to 256 tokens, {device}",
        *("speed", "times faster", "of peak", "least cosine"),
    ]
    return Table("Documents", header, rows, [*_targets(times), "", peaks_note(device, peaks)])


def query_table(device: str) -> Table:
    """Measure one short query."""
    with variants(device) as found:
        calls = {name: partial(_ask, variant) for name, variant in found.items()}
        times = in_turns(calls, N_QUERY_ROUNDS)
    rows = [
        [
            name,
            f"{statistics.median(seconds) / N_QUERIES * 1000:.2f} ms",
            f"{1 / times_faster(times[REFERENCE], seconds):.2f}",
        ]
        for name, seconds in times.items()
    ]
    notes = ["Targets: at most 0.7 in float32, 0.55 with the fastest type or backend."]
    return Table("One short query", [device, "time", "share of the time"], rows, notes)


def _ask(variant: Variant) -> None:
    for _ in range(N_QUERIES):
        variant.query(QUERY)


def _least_cosines(found: Mapping[str, Variant], texts: Sequence[str]) -> dict[str, float]:
    """Return how near each comes to the reference; it also warms everything up."""
    vectors = {name: _unit(variant.documents(texts)) for name, variant in found.items()}
    exact = vectors[REFERENCE]
    return {name: float((each * exact).sum(axis=1).min()) for name, each in vectors.items()}


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    unit: NDArray[np.float64] = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    return unit


def _n_tokens(texts: Sequence[str]) -> int:
    counter = holotype.load(ALL_MINILM_L6_V2, checkpoint=CHECKPOINT, device="cpu")
    return int(np.minimum(counter.count_tokens(texts), 256).sum())


def _share(reached: float, peak: float | None) -> str:
    return "" if peak is None else f"{reached / peak:.0%}"


def _targets(times: Mapping[str, Sequence[float]]) -> list[str]:
    return [
        f"- {ours} is {times_faster(times[theirs], times[ours]):.2f} times as fast as {theirs} "
        f"(target: {target})"
        for ours, theirs, target in _BULK_TARGETS
        if ours in times and theirs in times
    ]
