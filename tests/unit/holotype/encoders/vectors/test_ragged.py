"""Arrays of different lengths, as a sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.encoders.vectors.ragged import Ragged

counts = st.lists(st.integers(0, 4), max_size=6)


def ragged(lengths: list[int]) -> tuple[Ragged[np.float32], list[np.ndarray]]:
    generator = np.random.default_rng(len(lengths))
    arrays = [generator.standard_normal((length, 3)).astype(np.float32) for length in lengths]
    return Ragged.from_arrays(arrays, dim=3), arrays


@given(counts, st.slices(8))
def test_it_behaves_as_the_list_of_its_arrays(lengths: list[int], part: slice) -> None:
    found, arrays = ragged(lengths)
    assert len(found) == len(arrays)
    assert found.lengths.tolist() == lengths
    for ours, theirs in zip(found, arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [len(array) for array in found[part]] == [len(array) for array in arrays[part]]
    assert found[part].equals(Ragged.from_arrays(arrays[part], dim=3))


def test_an_index_counts_from_either_end_and_ends() -> None:
    found, arrays = ragged([2, 0, 3])
    np.testing.assert_array_equal(found[-1], arrays[2])
    np.testing.assert_array_equal(found[np.array(2)], arrays[2])
    with pytest.raises(IndexError):
        found[3]


@given(st.data(), counts)
def test_positions_and_masks_choose_texts_as_they_choose_rows(
    data: st.DataObject, lengths: list[int]
) -> None:
    found, arrays = ragged(lengths)
    size = len(lengths)
    chosen = data.draw(st.lists(st.integers(-size, size - 1), max_size=8)) if size else []
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool)
    wanted = Ragged.from_arrays([arrays[at] for at in chosen], dim=3)
    assert found[chosen].equals(wanted)
    assert found[np.array(chosen, dtype=np.int32)].equals(wanted)
    kept = [array for array, keep in zip(arrays, mask, strict=True) if keep]
    for positions in (mask, list(mask), mask.tolist()):
        assert found[positions].equals(Ragged.from_arrays(kept, dim=3))


@pytest.mark.parametrize(
    "wrong",
    [[3], [-4], np.array([True, False]), np.array([[0, 1]]), np.array([0.0])],
    ids=str,
)
def test_what_names_no_texts_is_an_index_error(wrong: Any) -> None:
    found, _ = ragged([2, 0, 3])
    with pytest.raises(IndexError):
        found[wrong]


def test_an_entry_is_a_view() -> None:
    found, _ = ragged([2, 3])
    assert found[1].base is found.values
    assert np.shares_memory(found[:1].values, found.values)


@given(counts, counts)
def test_parts_come_one_after_the_other(first: list[int], second: list[int]) -> None:
    (one, arrays), (two, more) = ragged(first), ragged(second)
    assert Ragged.concatenate([one, two]).equals(Ragged.from_arrays(arrays + more, dim=3))


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    found, _ = ragged([2, 0, 3])
    found.save(tmp_path / "documents.vectors")
    assert Ragged.load(tmp_path / "documents.vectors").equals(found)
    assert [path.name for path in tmp_path.iterdir()] == ["documents.vectors"]


def test_another_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", rows=np.ones(3))
    with pytest.raises(ValueError, match="lacks one of values, offsets; expected all"):
        Ragged.load(tmp_path / "other.npz")


def test_equal_needs_the_same_type_lengths_and_values() -> None:
    found, arrays = ragged([2, 3])
    assert not found.equals(found.with_values(found.values.astype(np.float16)))
    assert not found.equals(found.with_values(found.values + 1))
    assert not found.equals(Ragged(found.values, np.array([0, 3, 5])))
    assert found.equals(Ragged.from_arrays(arrays, dim=3))


@pytest.mark.parametrize("offsets", [[], [0], [0, 4], [1, 5], [0, 3, 2, 5], [[0, 5]]])
def test_offsets_that_do_not_divide_the_values_are_refused(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="do not divide 5 rows"):
        Ragged(np.ones((5, 2)), np.array(offsets, dtype=np.int64))


@pytest.mark.parametrize("offsets", [[0.0, 1.5, 5.0], ["0", "5"], [False, True]])
def test_offsets_are_whole_numbers(offsets: Any) -> None:
    with pytest.raises(ValueError, match=r"the offsets are of type .*; expected int64"):
        Ragged(np.ones((5, 2), np.float32), offsets)


def test_values_have_two_axes() -> None:
    with pytest.raises(ValueError, match="values have 1 axes"):
        Ragged(np.ones(3), np.array([0, 3]))


def test_it_shows_its_sizes() -> None:
    assert repr(ragged([2, 3])[0]) == "Ragged(2 texts, 5 tokens, dim=3, dtype=float32)"


def test_a_save_that_fails_leaves_the_file_as_it_was_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "documents.vectors"
    found = Ragged.from_arrays([np.ones((2, 3), np.float32)], dim=3)
    found.save(path)

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("numpy.savez", fail)
    with pytest.raises(OSError, match="disk full"):
        found.with_values(found.values + 1).save(path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert Ragged.load(path).equals(found)
