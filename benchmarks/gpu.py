"""Every shape on a GPU against sentence-transformers, on the same device in the same run.

python benchmarks/gpu.py [--device DEVICE] [--seconds N] [--quick]
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import heads
import machine
import shapes
from corpus import QUERY, documents
from peak import peak_flops, peaks_note
from report import Table
from timing import in_turns

_N_ROUNDS = 3
_N_QUERIES = 30
# sentence-transformers takes 32 texts at a time where nothing else is said; more are faster here.
_THEIR_BATCHES = (32, 256)
_LONG = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model of a shape, and what it encodes.

    Attributes:
        shape: its configuration.
        n_layers: how many layers it has, as the model that it stands for.
        n_documents: how many documents of 5 to 256 tokens are encoded.
        n_texts: how many texts of 512 tokens are.
        n_long: how many texts of 8,192 tokens are.
        dtypes: the types of its arithmetic.
    """

    shape: shapes.Shape
    n_layers: int
    n_documents: int
    n_texts: int
    n_long: int = 0
    dtypes: tuple[str, ...] = ("bfloat16", "float16")


def _bert(hidden: int, heads: int) -> shapes.Shape:
    sizes = {"hidden_size": hidden, "num_attention_heads": heads, "intermediate_size": 4 * hidden}
    return shapes.Shape(config="BertConfig", model="BertModel", values=sizes)


_EVERY_TYPE = ("float32", "bfloat16", "float16")
CASES: Mapping[str, Case] = {
    "MiniLM (6 layers of 384)": Case(
        shape=_bert(384, 12), n_layers=6, n_documents=8192, n_texts=2048, dtypes=_EVERY_TYPE
    ),
    "BERT-base": Case(
        shape=_bert(768, 12), n_layers=12, n_documents=4096, n_texts=512, dtypes=_EVERY_TYPE
    ),
    "ModernBERT-base": Case(
        shape=shapes.SHAPES["ModernBERT-base"],
        n_layers=22,
        n_documents=2048,
        n_texts=512,
        n_long=24,
    ),
    "XLM-R large": Case(
        shape=shapes.SHAPES["XLM-R large"], n_layers=24, n_documents=2048, n_texts=256, n_long=16
    ),
    "Qwen3-0.6B": Case(
        shape=shapes.SHAPES["Qwen3-0.6B"], n_layers=28, n_documents=2048, n_texts=256, n_long=16
    ),
}


def main() -> None:
    """Print a table for each shape, and one for heads."""
    parser = argparse.ArgumentParser(description="Measure every shape on a GPU.")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=330, help="after which no case begins")
    parser.add_argument("--quick", action="store_true", help="two layers and few texts")
    found = parser.parse_args()
    until = time.perf_counter() + found.seconds
    print(f"{machine.description()}; {_device_name(found.device)}\n", flush=True)
    peaks = {dtype: peak_flops(found.device, dtype) for dtype in _EVERY_TYPE}
    print(peaks_note(found.device, peaks), "\n", flush=True)
    for name, case in CASES.items():
        if found.quick:
            case = _shortened(case)
        if time.perf_counter() < until:
            print(shape_table(name, case, found.device, until).markdown(), flush=True)
    if time.perf_counter() < until:
        print(heads_table(found.device, 128 if found.quick else 2048).markdown(), flush=True)


def _shortened(case: Case) -> Case:
    return replace(
        case, n_layers=2, n_documents=128, n_texts=16, n_long=case.n_long // 12, dtypes=("float16",)
    )


def _device_name(device: str) -> str:
    if torch.device(device).type != "cuda":
        return device
    return f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"


def shape_table(name: str, case: Case, device: str, until: float) -> Table:
    """Measure one shape in each type: documents, long texts, and one query."""
    works: dict[str, Sequence[str]] = {
        f"{case.n_documents:,} documents of 5 to 256 tokens": documents(case.n_documents),
        f"{case.n_texts:,} texts of 512 tokens": [
            shapes.text(510, at) for at in range(case.n_texts)
        ],
    }
    if case.n_long:
        long = [shapes.text(_LONG - 2, at) for at in range(case.n_long)]
        works[f"{case.n_long} texts of {_LONG:,} tokens"] = long
    rows = []
    notes = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        width = shapes.save(case.shape, folder, _LONG if case.n_long else 512, case.n_layers)
        for dtype in case.dtypes:
            if time.perf_counter() > until:
                notes.append(f"There was no time for {dtype}.")
                continue
            ours = shapes.load_ours(folder, width, device, dtype)
            theirs = shapes.load_theirs(folder, device, dtype)
            for what, texts in works.items():
                rows.append([what, dtype, *_compare(ours, theirs, texts, device)])
            rows.append(["one query", dtype, *_compare_queries(ours, theirs)])
            ours.close()
            del ours, theirs
            _release(device)
    header = [
        f"{name}, {device}",
        *("type", "sentence-transformers", "holotype", "times faster"),
        *("peak of memory by theirs", "least cosine"),
    ]
    return Table(name, header, rows, notes)


def _compare(ours: Any, theirs: Any, texts: Sequence[str], device: str) -> list[str]:
    """Return both speeds, their ratio, that of the memory, and the least cosine."""
    size = _best_batch(theirs, texts, device)
    functions: dict[str, Callable[[], Any]] = {
        "theirs": lambda: theirs.encode(texts, batch_size=size),
        "ours": lambda: ours.encode(texts),
    }
    vectors, peaks = {}, {}
    for which, function in functions.items():
        _release(device)
        vectors[which] = np.asarray(function())
        peaks[which] = _peak_bytes(device)
    times = in_turns(functions, _N_ROUNDS, warm_up=False)
    their_time, our_time = (statistics.median(times[which]) for which in ("theirs", "ours"))
    return [
        f"{len(texts) / their_time:,.0f} a second, {size} at a time",
        f"{len(texts) / our_time:,.0f} a second",
        f"{their_time / our_time:.2f}",
        f"{peaks['ours'] / peaks['theirs']:.2f} ({peaks['ours'] / 2**20:,.0f} MB)"
        if peaks["theirs"]
        else "",
        f"{_least_cosine(vectors['ours'], vectors['theirs']):.5f}",
    ]


def _best_batch(theirs: Any, texts: Sequence[str], device: str) -> int:
    """Return with how many texts at a time sentence-transformers is faster."""
    sample = texts[: max(512, len(texts) // 4)]
    took = {}
    for size in _THEIR_BATCHES:
        encode = partial(theirs.encode, sample, batch_size=size)
        try:
            times = in_turns({"": encode}, 1)
        except torch.OutOfMemoryError:
            _release(device)
            continue
        took[size] = min(times[""])
    return min(took, key=lambda size: took[size])


def _compare_queries(ours: Any, theirs: Any) -> list[str]:
    def many(model: Any) -> Callable[[], None]:
        def run() -> None:
            for _ in range(_N_QUERIES):
                model.encode(QUERY)

        return run

    times = in_turns({"theirs": many(theirs), "ours": many(ours)}, _N_ROUNDS)
    their_time, our_time = (
        statistics.median(times[which]) / _N_QUERIES for which in ("theirs", "ours")
    )
    speeds = [f"{seconds * 1000:.2f} ms" for seconds in (their_time, our_time)]
    return [*speeds, f"{their_time / our_time:.2f}", "", ""]


def heads_table(device: str, n_items: int) -> Table:
    """Measure SPLADE and a cross-encoder of MiniLM's sizes."""
    rows = []
    for name, pair_of in (
        ("SPLADE documents", heads.sparse_pair),
        ("pairs of a cross-encoder", heads.cross_encoder_pair),
    ):
        for dtype in ("bfloat16", "float16"):
            with pair_of(n_items, device, dtype, dtype) as pair:
                times = in_turns({"theirs": pair.theirs, "ours": pair.ours}, _N_ROUNDS)
            their_time, our_time = (statistics.median(times[which]) for which in times)
            speeds = [f"{n_items / seconds:,.0f} a second" for seconds in (their_time, our_time)]
            rows.append([name, dtype, *speeds, f"{their_time / our_time:.2f}"])
            _release(device)
    header = [f"{n_items:,} of mixed lengths, {device}", "type", "sentence-transformers"]
    return Table("Heads on a GPU", [*header, "holotype", "times faster"], rows)


def _release(device: str) -> None:
    gc.collect()
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def _peak_bytes(device: str) -> int:
    return torch.cuda.max_memory_allocated(device) if torch.device(device).type == "cuda" else 0


def _least_cosine(ours: Any, theirs: Any) -> float:
    left, right = (each.astype(np.float64) for each in (ours, theirs))
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return float(((left * right).sum(1) / lengths).min())


if __name__ == "__main__":
    main()
