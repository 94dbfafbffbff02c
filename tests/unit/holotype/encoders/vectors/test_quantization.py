"""Vectors of fewer bits: what they stand for, and ranges that are never made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holotype.encoders.vectors.quantization import Calibration, calibrate, dequantize, quantize
from holotype.encoders.vectors.similarity import all_pairs, as_vectors, pairwise
from holotype.encoders.vectors.sparse import SparseVectors
from holotype.errors import InvalidArgumentError

VECTORS = np.random.default_rng(5).standard_normal((50, 20)).astype(np.float32)


def test_ranges_show_their_sizes() -> None:
    assert repr(calibrate(VECTORS)) == "Calibration(dim=20, n_vectors=50)"


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_a_bucket_stands_for_its_middle(precision: str) -> None:
    ranges = calibrate(VECTORS)
    untyped: Any = quantize
    numbers = untyped(VECTORS, precision, ranges)
    assert numbers.dtype == precision
    error = np.abs(dequantize(numbers, dim=20, calibration=ranges) - VECTORS)
    assert (error <= ranges.steps * 0.501).all()


def test_values_beyond_the_ranges_take_the_nearest_bucket() -> None:
    ranges = calibrate(VECTORS)
    numbers = quantize(np.array([VECTORS.max(axis=0) + 9, VECTORS.min(axis=0) - 9]), "int8", ranges)
    assert numbers[0].tolist() == [127] * 20
    assert numbers[1].tolist() == [-128] * 20


def test_a_dimension_that_never_varies_keeps_its_place() -> None:
    vectors = np.array([[1.0, 5.0], [2.0, 5.0]], dtype=np.float32)
    ranges = calibrate(vectors)
    numbers = quantize(np.array([[1.0, 5.0], [2.0, 5.0], [2.0, 9.0]], np.float32), "uint8", ranges)
    assert numbers[:, 1].tolist() == [0, 0, 0]
    assert dequantize(numbers, dim=2, calibration=ranges)[:, 1].tolist() == [5.0, 5.0, 5.0]


def test_dimensions_that_never_vary_leave_the_order_of_neighbours() -> None:
    vectors = np.concatenate([VECTORS, np.zeros((50, 10), np.float32)], axis=1)
    ranges = calibrate(vectors)
    back = dequantize(quantize(vectors, "int8", ranges), dim=30, calibration=ranges)
    assert (back[:, 20:] == 0).all()
    exact, rough = (all_pairs(found, found, function="cosine") for found in (vectors, back))
    np.testing.assert_allclose(rough, exact, atol=0.02)


@pytest.mark.parametrize("dim", [16, 20])
def test_bits_stand_for_signs(dim: int) -> None:
    vectors = VECTORS[:, :dim]
    signs = np.where(vectors > 0, 1, -1)
    for bits in (quantize(vectors, "binary"), quantize(vectors, "ubinary")):
        assert bits.shape == (50, (dim + 7) // 8)
        assert dequantize(bits, dim=dim).tolist() == signs.tolist()


def test_scores_of_bits_rank_by_the_hamming_distance() -> None:
    bits = quantize(VECTORS, "ubinary")
    distances = np.unpackbits(bits[:, None] ^ bits[None], axis=-1).sum(axis=-1).astype(int)
    signs = dequantize(bits, dim=20)
    cosines = all_pairs(signs, signs, function="cosine")
    np.testing.assert_allclose(cosines, 1 - 2 * distances / 20, atol=1e-6)
    np.testing.assert_array_equal(all_pairs(signs, signs, function="dot"), 20 - 2 * distances)


def test_pairs_have_the_scores_of_the_diagonal() -> None:
    for function in ("cosine", "dot"):
        whole = all_pairs(VECTORS, VECTORS[::-1], function=function)
        np.testing.assert_allclose(
            pairwise(VECTORS, VECTORS[::-1], function=function), whole.diagonal(), atol=1e-5
        )
    with pytest.raises(ValueError, match="make no pairs"):
        pairwise(VECTORS, VECTORS[:3], function="dot")


def test_ranges_are_the_same_window_by_window() -> None:
    windows = (VECTORS[start : start + 7] for start in range(0, 50, 7))
    assert calibrate(windows) == calibrate(VECTORS)
    assert calibrate(VECTORS).n_vectors == 50


def test_one_vector_has_no_ranges() -> None:
    none: list[Any] = []
    for vectors in (VECTORS[:1], VECTORS[:0], none):
        with pytest.raises(ValueError, match="expected at least two"):
            calibrate(vectors)


def test_a_calibration_is_read_as_it_was_saved(tmp_path: Path) -> None:
    ranges = calibrate(VECTORS)
    ranges.save(tmp_path / "ranges.json")
    assert Calibration.load(tmp_path / "ranges.json") == ranges
    assert [path.name for path in tmp_path.iterdir()] == ["ranges.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"minima": [1]}',
        '{"minima": [1], "maxima": []}',
        '{"minima": [], "maxima": [], "n_vectors": 2}',
        '{"minima": ["1"], "maxima": ["2"], "n_vectors": 2}',
        '{"minima": [1], "maxima": [2], "n_vectors": 0}',
        '{"minima": [1], "maxima": [2], "n_vectors": 2.5}',
        pytest.param("[" * 5000, id="deep"),
        pytest.param(f'{{"minima": [{"9" * 5000}]}}', id="digits"),
    ],
)
def test_another_file_is_no_calibration(tmp_path: Path, text: str) -> None:
    (tmp_path / "ranges.json").write_text(text)
    with pytest.raises(ValueError, match="holds no calibration"):
        Calibration.load(tmp_path / "ranges.json")


def test_what_would_need_a_guess_is_refused() -> None:
    untyped: Any = quantize
    ranges = calibrate(VECTORS)
    with pytest.raises(ValueError, match="int8 needs the ranges"):
        untyped(VECTORS, "int8")
    with pytest.raises(ValueError, match="binary has no ranges"):
        untyped(VECTORS, "binary", ranges)
    with pytest.raises(ValueError, match="the calibration has 20 dimensions, the vectors have 19"):
        untyped(VECTORS[:, :19], "int8", ranges)
    with pytest.raises(ValueError, match="expected one of float32, float16, int8"):
        untyped(VECTORS, "int4")
    with pytest.raises(TypeError, match="of type int8; expected floats"):
        untyped(quantize(VECTORS, "int8", ranges), "float32")
    with pytest.raises(ValueError, match="mean nothing without the ranges"):
        dequantize(quantize(VECTORS, "int8", ranges), dim=20)
    with pytest.raises(ValueError, match="vectors are 19 wide; expected 20, or 3 bytes of bits"):
        dequantize(VECTORS[:, :19], dim=20)


def test_what_is_no_calibration_is_refused_with_what_is_one(tmp_path: Path) -> None:
    ranges = calibrate(VECTORS)
    ranges.save(tmp_path / "ranges.json")
    read_by_hand: Any = json.loads((tmp_path / "ranges.json").read_text())
    with pytest.raises(
        TypeError, match=r"of type dict; expected what .*Calibration\.load\(\) reads"
    ):
        quantize(VECTORS, "int8", read_by_hand)
    with pytest.raises(
        TypeError, match=r"of type dict; expected what .*Calibration\.load\(\) reads"
    ):
        dequantize(quantize(VECTORS, "int8", ranges), dim=20, calibration=read_by_hand)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_with_the_index_of_the_vector(wrong: float) -> None:
    vectors = VECTORS.copy()
    vectors[7, 3] = wrong
    message = "vectors hold NaN or infinity, first at index 7; encode the text again, in dtype="
    for precision in ("float32", "float16", "binary", "ubinary"):
        untyped: Any = quantize
        with pytest.raises(ValueError, match=message):
            untyped(vectors, precision)
    with pytest.raises(ValueError, match=message):
        quantize(vectors, "int8", calibrate(VECTORS))
    with pytest.raises(ValueError, match=message):
        calibrate(vectors)
    with pytest.raises(ValueError, match="first at index 57"):
        calibrate([VECTORS, vectors])
    with pytest.raises(ValueError, match="the ranges hold NaN or infinity"):
        Calibration(minima=(0.0,), maxima=(wrong,), n_vectors=2)
    for function in ("cosine", "dot"):
        with pytest.raises(ValueError, match="documents hold NaN or infinity, first at index 7"):
            all_pairs(VECTORS[:2], vectors, function=function)
        with pytest.raises(ValueError, match="queries hold NaN or infinity, first at index 7"):
            pairwise(vectors, VECTORS, function=function)


def test_what_float16_cannot_hold_is_refused() -> None:
    with pytest.raises(
        ValueError, match="vectors in float16 hold NaN or infinity, first at index 1"
    ):
        quantize(np.array([[1.0], [70_000.0]], dtype=np.float32), "float16")


def test_a_calibration_that_cannot_be_saved_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ranges.json"
    ranges = calibrate(np.eye(3, dtype=np.float32))
    ranges.save(path)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        calibrate(np.zeros((2, 3), dtype=np.float32)).save(path)
    monkeypatch.undo()
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert Calibration.load(path) == ranges


@pytest.mark.parametrize("function", ["cosine", "dot"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_row_of_extreme_size_hides_no_other(function: str, wrong: float) -> None:
    vectors = np.array([[1e-30, 1e-30], [wrong, 1]], dtype=np.float32)
    with pytest.raises(ValueError, match="queries hold NaN or infinity, first at index 1"):
        all_pairs(vectors, vectors[:1], function=function)


@pytest.mark.parametrize("size", [1e-44, 1e-30, 1e-24, 3.8e-22, 1e-13, 1e-3, 1, 1e15, 3e37])
def test_cosines_of_any_size_are_those_of_the_directions(size: float) -> None:
    directions = np.array([[1, 1, 1, 1], [1, 1, 1, -1], [0, 0, 0, 0], [0, 8, 0, 0]])
    expected = np.array([[1, 0.5, 0, 0.5], [0.5, 1, 0, 0.5], [0, 0, 0, 0], [0.5, 0.5, 0, 1]])
    vectors = (directions * size).astype(np.float32)
    before = vectors.copy()
    found = all_pairs(vectors, vectors, function="cosine")
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(
        pairwise(vectors, vectors, function="cosine"), np.diagonal(expected), atol=1e-6
    )
    np.testing.assert_array_equal(vectors, before)
    usual = all_pairs(vectors, directions.astype(np.float32), function="cosine")
    np.testing.assert_allclose(usual, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("least", "greatest"), [(-3e38, 3e38), (-1e39, 0.0), (0.0, 3.4028e38), (-3.4028e38, 3e37)]
)
def test_a_range_that_float32_cannot_hold_is_refused(least: float, greatest: float) -> None:
    with pytest.raises(ValueError, match=r"the range of dimension 1, from .* too wide for float32"):
        Calibration(minima=(0.0, least), maxima=(1.0, greatest), n_vectors=2)
    with pytest.raises(ValueError, match=r"the range.* (too wide for float32|NaN or infinity)"):
        calibrate(np.array([[0, least], [1, greatest]]))


def test_a_range_that_float32_just_holds_gives_finite_values() -> None:
    vectors = np.array([[-1.7e38], [1.6e38]], dtype=np.float32)
    ranges = calibrate(vectors)
    far = np.array([[-3.4e38], [3.4e38]], dtype=np.float32)
    numbers = quantize(far, "uint8", ranges)
    assert numbers.tolist() == [[0], [255]]
    found = dequantize(numbers, dim=1, calibration=ranges)
    assert (np.abs(found - vectors) <= ranges.steps * 0.501).all()


def test_a_range_has_its_minimum_first() -> None:
    with pytest.raises(ValueError, match=r"of dimension 1 is from 2\.0 to 1\.0; expected the min"):
        Calibration(minima=(0.0, 2.0), maxima=(0.0, 1.0), n_vectors=3)


@pytest.mark.parametrize(
    "wrong", [[[1.0, 2.0], [2.0, 3.0]], {"a": [1.0]}, None, "a text", 3, {1.0}], ids=repr
)
def test_what_is_no_array_is_neither_quantised_nor_calibrated(wrong: Any) -> None:
    for function in (lambda: quantize(wrong, "binary"), lambda: dequantize(wrong, dim=2)):
        with pytest.raises(TypeError, match=r"vectors is of type .*; expected a NumPy array"):
            function()
    with pytest.raises(TypeError, match=r"vectors is of type .*; expected a NumPy array"):
        calibrate(wrong)


def test_numbers_of_no_axis_and_complex_ones_are_refused() -> None:
    ranges = calibrate(VECTORS)
    for single in (np.float32(1), np.array(1, dtype=np.float32)):
        untyped: Any = single
        with pytest.raises(ValueError, match="vectors have no axes"):
            quantize(untyped, "binary")
        with pytest.raises(ValueError, match="vectors have no axes"):
            quantize(untyped, "int8", ranges)
        with pytest.raises(ValueError, match="vectors have no axes"):
            dequantize(untyped, dim=1)
        with pytest.raises(ValueError, match="vectors have no axes"):
            calibrate(untyped)
    imaginary: Any = VECTORS * 1j
    for function in (
        lambda: quantize(imaginary, "binary"),
        lambda: dequantize(imaginary, dim=20),
        lambda: calibrate(imaginary),
    ):
        with pytest.raises(TypeError, match="vectors are of type complex64; expected floats"):
            function()


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"a": 1}, "dict"),
        ({1.0}, "set"),
        (None, "None"),
        (np.ones((1, 2), complex), "ndarray of complex128"),
        (np.array(["1", "2"]), "ndarray of <U1"),
        (np.array([None, {}]), "ndarray of object"),
        ([[1.0], [1.0, 2.0]], "list"),
        ([[10**400, 1]], "list"),
        (SparseVectors.from_dense(VECTORS), "SparseVectors"),
    ],
    ids=str,
)
def test_what_holds_no_real_numbers_has_no_similarity(wrong: Any, name: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"of real numbers, .* not {name}$"):
        as_vectors(wrong)


def test_arrays_that_cannot_be_read_say_why() -> None:
    class PartOfAGradient:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise RuntimeError("use tensor.detach()")

    with pytest.raises(InvalidArgumentError, match=r"of PartOfAGradient: use tensor.detach\(\)$"):
        as_vectors(PartOfAGradient())


def test_lists_and_arrays_of_other_types_have_a_similarity() -> None:
    for given in ([1, 2], [[1.0, 2.0]], np.array([1, 2], np.int8), np.array([[1.0, 2.0]], object)):
        assert as_vectors(given).tolist() == [[1, 2]]


def test_vectors_in_more_than_one_list_have_no_similarity() -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"have 3 axes, \[1, 2, 3\]; expected one vector"
    ):
        as_vectors(np.ones((1, 2, 3), np.float32))


@pytest.mark.parametrize("n_vectors", [0, -1, 2.5, "two", None])
def test_ranges_come_from_a_number_of_vectors(n_vectors: Any) -> None:
    with pytest.raises(ValueError, match=r"n_vectors is .*; expected a whole number, at least 1"):
        Calibration(minima=(0.0,), maxima=(1.0,), n_vectors=n_vectors)
