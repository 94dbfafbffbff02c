"""Stored vectors are scored a few at a time, with the scores that all of them have at once."""

from __future__ import annotations

import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from holotype.encoders.vectors.quantization import calibrate, dequantize, quantize
from holotype.encoders.vectors.similarity import all_pairs, stored_pairs

DIM = 384
N_DOCUMENTS = 20_000


def vectors(n_texts: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n_texts, DIM), dtype=np.float32)


def as_float32(some: NDArray[Any]) -> NDArray[np.float32]:
    return some.astype(np.float32, copy=False)


@pytest.mark.parametrize("function", ["cosine", "dot"])
@pytest.mark.parametrize("precision", ["float32", "float16", "int8", "uint8", "binary", "ubinary"])
def test_stored_vectors_have_the_scores_that_all_of_them_have_at_once(
    precision: Any, function: str
) -> None:
    queries, documents = vectors(3, seed=1), vectors(N_DOCUMENTS)
    ranges: Any = calibrate([documents]) if precision in ("int8", "uint8") else None
    stored = quantize(documents, precision, ranges)
    floats = partial(dequantize, dim=DIM, calibration=ranges)
    found = stored_pairs(queries, stored, floats, function=function)
    whole = all_pairs(queries, floats(stored), function=function)
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-4)


def test_a_file_that_is_mapped_is_scored_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npy"
    np.save(path, vectors(N_DOCUMENTS).astype(np.float16))
    mapped = np.load(path, mmap_mode="r")
    queries = vectors(1, seed=1)
    tracemalloc.start()
    try:
        scores = stored_pairs(queries, mapped, as_float32, function="cosine")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert scores.shape == (1, N_DOCUMENTS)
    assert peak < N_DOCUMENTS * DIM * 4 / 2, f"{peak:,} bytes"


def test_the_index_of_a_vector_with_nan_counts_all_documents() -> None:
    documents = vectors(N_DOCUMENTS)
    documents[N_DOCUMENTS - 7, 3] = np.nan
    with pytest.raises(ValueError, match=f"documents .* first at index {N_DOCUMENTS - 7};"):
        stored_pairs(vectors(2), documents, as_float32, function="cosine")


def test_no_documents_have_no_scores_and_a_wrong_width_is_refused_all_the_same() -> None:
    floats = partial(dequantize, dim=DIM)
    none = np.empty((0, DIM), dtype=np.float32)
    assert stored_pairs(vectors(2), none, floats, function="dot").shape == (2, 0)
    with pytest.raises(ValueError, match="100 wide; expected 384"):
        stored_pairs(vectors(2), none[:, :100], floats, function="dot")
