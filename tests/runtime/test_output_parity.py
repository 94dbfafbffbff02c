"""Quantised and pooled vectors are those of sentence-transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling
from sentence_transformers.util.quantization import quantize_embeddings
from tests.runtime.parity import assert_same

from holotype.encoders.vectors.quantization import calibrate, quantize
from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.token_pooling import pool_tokens

VECTORS = np.random.default_rng(3).standard_normal((200, 20)).astype(np.float32)


@pytest.mark.parametrize("precision", ["float32", "int8", "uint8", "binary", "ubinary"])
@pytest.mark.parametrize("dim", [16, 20])
def test_quantised_vectors_are_bit_for_bit_the_same(precision: Any, dim: int) -> None:
    vectors, untyped = VECTORS[:, :dim], quantize
    ranges: Any = calibrate(vectors[:50])
    given = (ranges,) if precision.endswith("int8") else ()
    ours = untyped(vectors, precision, *given)
    theirs: Any = quantize_embeddings(
        vectors, precision, ranges=np.array([ranges.minima, ranges.maxima])
    )
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


def test_ranges_are_the_same() -> None:
    from sentence_transformers.util import quantization

    ranges = calibrate(VECTORS)
    theirs = quantization._get_quantization_ranges(VECTORS, "int8", VECTORS)
    np.testing.assert_array_equal(np.array([ranges.minima, ranges.maxima]), theirs)


@pytest.mark.parametrize("factor", [1, 1.5, 2, 3, 100])
@pytest.mark.parametrize("n_protected", [0, 1, 2])
@pytest.mark.parametrize("normalize", [True, False])
def test_pooled_tokens_are_the_same(factor: float, n_protected: int, normalize: bool) -> None:
    generator = np.random.default_rng(4)
    arrays = [generator.standard_normal((n, 16)).astype(np.float32) for n in (30, 1, 2, 0, 7, 180)]
    arrays = [array / np.linalg.norm(array, axis=1, keepdims=True) for array in arrays]
    documents = Ragged.from_arrays(arrays, dim=16)
    pooling = HierarchicalTokenPooling(
        factor, num_protected_tokens=n_protected, normalize_embeddings=normalize
    )
    ours = pool_tokens(documents, factor=factor, n_protected=n_protected, normalize=normalize)
    theirs = [pooling.pool_one(torch.from_numpy(array)).numpy() for array in arrays]
    assert ours.lengths.tolist() == [len(array) for array in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        assert_same(mine, other)


@pytest.mark.parametrize("wrong", [{"factor": 0.5}, {"factor": 2, "n_protected": -1}])
def test_pooling_that_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="expected at least"):
        pool_tokens(Ragged.from_arrays([VECTORS], dim=20), **wrong)
