"""The ways to encode with all-MiniLM-L6-v2 that are compared: libraries, backends and types."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

import holotype
import machine
from corpus import CHECKPOINT
from holotype.encoders.config import DTYPES, Backend
from holotype.encoders.exports import export
from holotype.models import ALL_MINILM_L6_V2
from holotype.run_options import Precision
from peers import Fastembed, PlainOpenvino

REFERENCE = "sentence-transformers, float32"
TORCH_DTYPES: tuple[Precision, ...] = ("float32", "bfloat16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to encode.

    Attributes:
        name: the library, its backend and the type of the arithmetic.
        dtype: that type.
        documents: encodes many texts, ``[n_texts, 384]``.
        query: encodes one text.
    """

    name: str
    dtype: str
    documents: Callable[[Sequence[str]], NDArray[np.float32]]
    query: Callable[[str], object]


@contextmanager
def variants(device: str) -> Iterator[dict[str, Variant]]:
    """Load all variants for a device, the reference first.

    Exports, and the libraries that run them, are compared on the CPU.
    """
    with TemporaryDirectory(prefix="holotype-bench-") as temporary:
        found = [*_sentence_transformers(device), *_torch(device)]
        if device == "cpu":
            found += _graphs(Path(temporary))
        yield {variant.name: variant for variant in found}


def _sentence_transformers(device: str) -> Iterator[Variant]:
    import torch
    from sentence_transformers import SentenceTransformer

    for dtype in TORCH_DTYPES:
        model: Any = SentenceTransformer(str(CHECKPOINT), device=device)
        model.to(getattr(torch, dtype))
        yield Variant(
            name=f"sentence-transformers, {dtype}",
            dtype=dtype,
            documents=model.encode_document,
            query=model.encode_query,
        )


def _torch(device: str) -> Iterator[Variant]:
    for dtype in TORCH_DTYPES:
        yield _holotype("torch", dtype, CHECKPOINT, device)
    if device == "cpu" and machine.has_avx512_vnni():
        yield _holotype("torch", "int8", CHECKPOINT, device)


def _graphs(folder: Path) -> Iterator[Variant]:
    """Export to every backend in every type that is other arithmetic on a CPU."""
    backends: tuple[Backend, ...] = ("onnx", "openvino")
    for backend in backends:
        for dtype in DTYPES[backend]:
            if dtype == "float16":
                continue
            to = folder / f"{backend}-{dtype}"
            export(ALL_MINILM_L6_V2, backend=backend, dtype=dtype, checkpoint=CHECKPOINT, to=to)
            yield _holotype(backend, dtype, to, "cpu")
    if importlib.util.find_spec("fastembed") is not None:
        fastembed = Fastembed(folder / "onnx-float32")
        yield Variant(
            name="fastembed, float32",
            dtype="float32",
            documents=fastembed.encode,
            query=lambda text: fastembed.encode([text]),
        )
    plain = PlainOpenvino(folder / "openvino-float32", "bf16")
    yield Variant(
        name="OpenVINO by hand, bfloat16",
        dtype="bfloat16",
        documents=plain.encode,
        query=lambda text: plain.encode([text]),
    )


def _holotype(backend: Backend, dtype: Precision, checkpoint: Path, device: str) -> Variant:
    encoder = holotype.load(
        ALL_MINILM_L6_V2, backend=backend, dtype=dtype, checkpoint=checkpoint, device=device
    )
    return Variant(
        name=f"holotype on {backend}, {dtype}",
        dtype=dtype,
        documents=encoder.encode_document,
        query=encoder.encode_query,
    )
