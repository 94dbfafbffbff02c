"""Sparse vectors as a record: rows, slices, pruning and products."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from holotype.encoders.vectors.sparse import (
    SparseVector,
    SparseVectors,
    lengths,
    pairwise_products,
    products,
    rescaled,
)
from holotype.errors import MissingExtraError

DENSE = np.array([[0, 2, 0, 1.5], [0, 0, 0, 0], [3, 0, 0.5, 0]], dtype=np.float32)
MATRICES = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6),
    elements=st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0]),
)


@given(dense=MATRICES)
def test_nothing_is_lost_on_the_way_to_dense_and_back(dense: NDArray[np.float32]) -> None:
    found = SparseVectors.from_dense(dense)
    np.testing.assert_array_equal(found.to_dense(), dense)
    assert SparseVectors.from_rows(list(found), dim=dense.shape[1]).equals(found)
    assert found.values.all()


def test_vectors_that_are_saved_are_loaded(tmp_path: Path) -> None:
    found = SparseVectors.from_dense(DENSE)
    found.save(tmp_path / "vectors")
    loaded = SparseVectors.load(tmp_path / "vectors")
    assert loaded.equals(found)
    assert loaded.shape == (3, 4)
    empty = SparseVectors.from_rows([], dim=4)
    empty.save(tmp_path / "empty")
    assert SparseVectors.load(tmp_path / "empty").equals(empty)


WHOLE: dict[str, Any] = {
    "indptr": np.array([0, 2, 2, 3]),
    "indices": np.array([1, 3, 0]),
    "values": np.ones(3, dtype=np.float32),
    "shape": np.array([3, 4]),
}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"values": np.ones(3)}, "expected one axis each, of int64"),
        ({"shape": np.array([2, 4])}, "4 starts of rows do not fit"),
        ({"shape": np.array([3])}, "4 starts of rows do not fit"),
        ({"indptr": np.array([0, 2, 1, 3])}, "the rows do not cover 3 words"),
        ({"indptr": np.array([0, 2, 2, 2])}, "the rows do not cover 3 words"),
        ({"values": np.ones(2, dtype=np.float32)}, "3 words and 2 weights"),
        ({"indices": np.array([3, 1, 0])}, "not ascending numbers below 4"),
        ({"indices": np.array([1, 1, 0])}, "not ascending numbers below 4"),
        ({"indices": np.array([1, 4, 0])}, "not ascending numbers below 4"),
        ({"indices": np.array([-1, 3, 0])}, "not ascending numbers below 4"),
    ],
)
def test_arrays_that_do_not_belong_together_are_not_loaded(
    changes: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "vectors.npz"
    np.savez(path, **WHOLE)
    assert len(SparseVectors.load(path)) == 3
    np.savez(path, **(WHOLE | changes))
    with pytest.raises(ValueError, match=f"vectors.npz holds no sparse vectors: .*{problem}"):
        SparseVectors.load(path)


def test_a_damaged_file_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "vectors"
    SparseVectors.from_dense(DENSE).save(path)
    whole = path.read_bytes()
    cut = [whole[:end] for end in (0, 1, 10, len(whole) // 2, len(whole) - 1)]
    flipped = [whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :] for at in range(len(whole))]
    for damaged in (*cut, *flipped):
        path.write_bytes(damaged)
        try:
            found = SparseVectors.load(path)
        except ValueError as error:
            assert str(error).startswith(str(path))
        else:  # a time or another value of the archive that says nothing of the arrays
            assert found.equals(SparseVectors.from_dense(DENSE))
    with pytest.raises(FileNotFoundError):
        SparseVectors.load(tmp_path / "nowhere")


def test_a_file_of_something_else_is_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", values=np.ones(3), offsets=np.array([0, 3]))
    with pytest.raises(ValueError, match=r"other\.npz lacks one of indptr, indices"):
        SparseVectors.load(tmp_path / "other.npz")


@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array"])
def test_matrices_of_scipy_are_taken(kind: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    given = getattr(sparse, kind)(DENSE.astype(np.float64))
    assert SparseVectors.from_scipy(given).equals(SparseVectors.from_dense(DENSE))


def test_weights_of_one_place_are_added_up_and_the_matrix_is_left() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    data, indices = np.array([1.0, 2.0, 0.0, 4.0]), np.array([3, 1, 0, 3])
    given = sparse.csr_array((data, indices, np.array([0, 4])), shape=(1, 4))
    found = SparseVectors.from_scipy(given)
    assert (found.indices.tolist(), found.values.tolist()) == ([1, 3], [2.0, 5.0])
    assert given.indices.tolist() == [3, 1, 0, 3]


def test_what_is_no_matrix_of_scipy_is_refused() -> None:
    with pytest.raises(TypeError, match="not ndarray; take from_dense"):
        SparseVectors.from_scipy(DENSE)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (1j, "weights of the type complex128; expected real numbers"),
        (np.nan, "the weight nan in row 1, column 2"),
        (1e300, r"the weight 1e\+300 in row 1, column 2; expected finite numbers of float32"),
    ],
)
def test_weights_that_are_no_numbers_of_float32_are_refused(weight: complex, message: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    given = sparse.csr_array(np.array([[1, 0, 2], [0, 0, weight]]))
    with pytest.raises(ValueError, match=message):
        SparseVectors.from_scipy(given)


def test_a_matrix_whose_indices_lead_out_of_it_is_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    given = sparse.csr_array(DENSE)
    given.indices[0] = 77
    with pytest.raises(ValueError, match="indices"):
        SparseVectors.from_scipy(given)


@given(dense=MATRICES, data=st.data())
def test_products_are_those_of_dense_matrices(
    dense: NDArray[np.float32], data: st.DataObject
) -> None:
    shape = (data.draw(st.integers(0, 5)), dense.shape[1])
    other = data.draw(arrays(np.float32, shape, elements=st.sampled_from([0.0, 1.0, 4.0])))
    left, right = SparseVectors.from_dense(dense), SparseVectors.from_dense(other)
    np.testing.assert_array_equal(products(left, right), dense @ other.T)


def test_rows_and_slices_are_those_of_the_matrix() -> None:
    vectors = SparseVectors.from_dense(DENSE)
    assert len(vectors) == 3
    assert [len(row) for row in vectors] == [2, 0, 2]
    np.testing.assert_array_equal(vectors[-1].to_dense(), DENSE[-1])
    np.testing.assert_array_equal(vectors[::-1].to_dense(), DENSE[::-1])
    assert vectors[3:].shape == (0, 4)
    for chosen in ([2, 0, 2], [], np.array([-1]), np.array([True, False, True])):
        part = vectors[chosen]
        np.testing.assert_array_equal(part.to_dense(), DENSE[chosen])
        assert part.equals(SparseVectors.from_dense(DENSE[chosen]))
    for wrong in (3, [3], np.array([True, False]), np.array([[0]])):
        with pytest.raises(IndexError):
            vectors[wrong]


def test_arrays_have_their_types() -> None:
    vectors = SparseVectors.from_dense(DENSE)
    types = [str(part.dtype) for part in (vectors.indptr, vectors.indices, vectors.values)]
    assert types == ["int64", "int64", "float32"]
    assert vectors.indptr.tolist() == [0, 2, 2, 4]
    assert repr(vectors) == "SparseVectors(3 rows, 4 weights, dim=4)"


def test_parts_are_put_under_each_other() -> None:
    vectors = SparseVectors.from_dense(DENSE)
    whole = SparseVectors.concatenate([vectors[:1], vectors[1:], vectors[:0]])
    assert whole.equals(vectors)
    assert not whole.equals(vectors[:2])


def test_only_the_largest_weights_are_kept() -> None:
    vectors = SparseVectors.from_dense(DENSE).top_k(1)
    assert vectors.to_dense().tolist() == [[0, 2, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0]]
    assert SparseVectors.from_dense(DENSE, top_k=1).equals(vectors)
    with pytest.raises(ValueError, match="top_k is 0"):
        vectors.top_k(0)


def test_scipy_gets_the_same_matrix() -> None:
    matrix = SparseVectors.from_dense(DENSE).to_scipy()
    assert matrix.format == "csr"
    np.testing.assert_array_equal(matrix.toarray(), DENSE)


def test_without_scipy_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'holotype\[scipy\]'"):
        SparseVectors.from_dense(DENSE).to_scipy()


def test_pairs_are_scored_one_by_one() -> None:
    vectors = SparseVectors.from_dense(DENSE)
    np.testing.assert_allclose(pairwise_products(vectors, vectors), (DENSE**2).sum(1))
    np.testing.assert_allclose(lengths(vectors), np.linalg.norm(DENSE, axis=1))
    with pytest.raises(ValueError, match="3 queries and 2 documents"):
        pairwise_products(vectors, vectors[:2])


def test_vectors_of_different_vocabularies_are_not_compared() -> None:
    vectors = SparseVectors.from_dense(DENSE)
    with pytest.raises(ValueError, match="queries weigh 4 words, documents 3"):
        products(vectors, SparseVectors.from_dense(DENSE[:, :3]))


def test_records_cannot_be_changed() -> None:
    vector = SparseVector(np.array([1]), np.array([2.0], dtype=np.float32), 4)
    with pytest.raises(AttributeError):
        vector.dim = 5  # type: ignore[misc]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_even_for_words_of_one_side(wrong: float) -> None:
    whole = SparseVectors.from_dense(DENSE)
    dense = DENSE.copy()
    dense[2, 1] = wrong
    bad = SparseVectors.from_dense(dense)
    alone = SparseVectors.from_dense(np.array([[0, 0, 0, wrong]], dtype=np.float32))
    for score in (products, pairwise_products):
        with pytest.raises(ValueError, match="queries hold NaN or infinity, first at index 2"):
            score(bad, whole)
        with pytest.raises(ValueError, match="documents hold NaN or infinity, first at index 2"):
            score(whole, bad)
        with pytest.raises(ValueError, match="documents hold NaN or infinity, first at index 0"):
            score(whole[1:2], alone)


def test_products_beyond_float32_are_refused() -> None:
    long = SparseVectors.from_dense(np.array([[3e38, 1]], dtype=np.float32))
    for score in (products, pairwise_products):
        with pytest.raises(ValueError, match="too long for their products to be float32"):
            score(long, long)


@pytest.mark.parametrize("size", [1e-40, 1e-20, 0.1, 1, 1e20, 1e38])
def test_rescaled_vectors_keep_their_directions(size: float) -> None:
    vectors = rescaled(SparseVectors.from_dense((DENSE * size).astype(np.float32)))
    peaks = vectors.to_dense().max(axis=1)
    assert ((peaks >= 0.5) & (peaks < 1)).tolist() == [True, False, True]
    cosines = products(vectors, vectors)[[0, 2]][:, [0, 2]]
    cosines /= np.outer(lengths(vectors)[[0, 2]], lengths(vectors)[[0, 2]])
    np.testing.assert_allclose(cosines, np.eye(2), atol=1e-4)


def test_rescaling_rounds_nothing() -> None:
    found = rescaled(SparseVectors.from_dense(DENSE)).to_dense()
    np.testing.assert_array_equal(found, DENSE * [[0.25], [1], [0.25]])
    assert rescaled(SparseVectors.from_dense(DENSE[:0])).shape == (0, 4)
