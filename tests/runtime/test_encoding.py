"""What encoders of every kind have in common: inputs, streams, threads, memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.runtime.parity import ColbertRecord, DenseRecord, Save, assert_same

from holotype.encoders import load
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.dense import DenseEncoder
from holotype.encoders.memory import estimate_memory
from holotype.encoders.running import pipeline
from holotype.encoders.vectors.quantization import calibrate, quantize
from holotype.encoders.vectors.ragged import Ragged
from holotype.errors import (
    ClosedEncoderError,
    InstructionError,
    NotFiniteError,
    TextOverflowWarning,
)
from holotype.records import DenseModel
from holotype.run_options import Precision


@pytest.fixture
def dense(folder: Path, record: DenseModel[Any]) -> DenseEncoder:
    return load(record, checkpoint=folder, device="cpu")


@pytest.fixture
def colbert(save_colbert: Save, colbert_record: ColbertRecord) -> ColbertEncoder:
    return load(colbert_record(), checkpoint=save_colbert(document_length=48), device="cpu")


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_ITEMS_AT_ONCE", 4)


def test_lists_tuples_arrays_and_iterators_give_the_same(
    dense: DenseEncoder, texts: list[str], small_windows: None
) -> None:
    expected = dense.encode(texts, on_overflow="truncate")
    for several in (tuple(texts), iter(texts), (text for text in texts)):
        assert_same(dense.encode(several, on_overflow="truncate"), expected)
    words = ["a query", "a document", "with text"] * 3
    assert_same(dense.encode(np.array(words)), dense.encode(words))


def test_no_text_gives_no_vector(dense: DenseEncoder, colbert: ColbertEncoder) -> None:
    assert dense.encode(iter([])).shape == (0, 16)
    assert list(dense.encode_stream([])) == []
    assert len(colbert.encode_document(iter(()))) == 0
    assert colbert.encode_document([]).values.shape == (0, 16)


@pytest.mark.parametrize("side", ["query", "document", "text"])
def test_a_stream_gives_the_vectors_of_a_list(
    dense: DenseEncoder, colbert: ColbertEncoder, texts: list[str], side: Any, small_windows: None
) -> None:
    method = {"query": "encode_query", "document": "encode_document", "text": "encode"}[side]
    windows = list(dense.encode_stream(iter(texts), side, on_overflow="truncate"))
    assert [len(window) for window in windows] == [4, 4, 4, 2]
    assert_same(np.concatenate(windows), getattr(dense, method)(texts, on_overflow="truncate"))
    parts = list(colbert.encode_stream(iter(texts), side, on_overflow="truncate"))
    whole = getattr(colbert, method)(texts, on_overflow="truncate")
    assert Ragged.concatenate(parts).lengths.tolist() == whole.lengths.tolist()
    assert_same(Ragged.concatenate(parts).values, whole.values)


def test_a_long_stream_is_held_two_windows_at_a_time(dense: DenseEncoder) -> None:
    n_pulled = n_done = furthest = 0

    def documents() -> Iterator[str]:
        nonlocal n_pulled
        for number in range(10_000):
            n_pulled += 1
            yield f"document {number}"

    for window in dense.encode_stream(documents()):
        n_done += len(window)
        furthest = max(furthest, n_pulled - (n_done - len(window)))
    assert n_done == 10_000
    assert furthest <= 2 * pipeline._ITEMS_AT_ONCE


def test_options_of_a_stream_are_checked_before_it_is_pulled(dense: DenseEncoder) -> None:
    wrong: Any = {"batchsize": 3}
    with pytest.raises(TypeError, match="batchsize"):
        dense.encode_stream(["text"], **wrong)
    with pytest.raises(ValueError, match="batch_size is 0"):
        dense.encode_stream(["text"], batch_size=0)


def test_what_is_cut_is_told_at_the_line_that_pulls(
    dense: DenseEncoder, colbert: ColbertEncoder, small_windows: None
) -> None:
    texts = ["word " * 300] * 9
    with pytest.warns(TextOverflowWarning, match="9 of 9 texts") as seen:
        list(dense.encode_stream(texts))
        colbert.encode_document(texts)
        dense.encode(texts)
    assert {Path(warning.filename).name for warning in seen} == {Path(__file__).name}
    assert len(seen) == 3


def test_neither_batches_nor_torch_threads_change_a_vector(
    dense: DenseEncoder, texts: list[str]
) -> None:
    expected = dense.encode(texts, on_overflow="truncate", batch_size=1)
    for batch_size in (None, 3, 100):
        found = dense.encode(texts, on_overflow="truncate", batch_size=batch_size)
        assert_same(found, expected)
    before = torch.get_num_threads()
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            assert_same(dense.encode(texts, on_overflow="truncate"), expected)
    finally:
        torch.set_num_threads(before)


def test_a_text_of_100_000_characters_streams_among_others(dense: DenseEncoder) -> None:
    texts = ["a text", "unbroken" * 12_500, "word " * 20_000, "a text"]
    (window,) = dense.encode_stream(texts, on_overflow="truncate")
    assert np.isfinite(window).all()
    assert_same(window[:1], window[3:])
    assert_same(window[:1], dense.encode_document(["a text"]))


def test_16_threads_stream_from_one_encoder(
    dense: DenseEncoder,
    texts: list[str],
    small_windows: None,
    new_threads: Callable[[], set[str]],
) -> None:
    def encode(shift: int) -> Any:
        rotated = texts[shift:] + texts[:shift]
        windows = list(dense.encode_stream(iter(rotated), on_overflow="truncate"))
        return np.roll(np.concatenate(windows), shift, axis=0)

    expected = dense.encode_document(texts, on_overflow="truncate")
    with ThreadPoolExecutor(16) as pool:
        for found in pool.map(encode, list(range(len(texts))) * 2):
            assert_same(found, expected)
    assert not new_threads()


def test_tokens_are_counted_before_anything_is_cut(dense: DenseEncoder) -> None:
    assert dense.count_tokens("a text") == 4
    assert dense.count_tokens("a text", prompt="query text ") == 6
    counts = dense.count_tokens(text for text in ["a text", "", "text " * 300])
    assert counts.tolist() == [4, 2, 302]
    assert counts.dtype == np.int64


def test_warming_up_changes_nothing(dense: DenseEncoder, colbert: ColbertEncoder) -> None:
    before = dense.encode("a text")
    dense.warm_up()
    colbert.warm_up()
    np.testing.assert_array_equal(dense.encode("a text"), before)


def test_the_memory_is_that_of_the_weights(dense_record: DenseRecord, minilm_folder: Path) -> None:
    record = dense_record(384, parameters=22_713_216, pooling="mean")
    with load(record, checkpoint=minilm_folder, device="cpu") as encoder:
        assert encoder.memory_bytes == pytest.approx(estimate_memory(record), rel=0.02)
    with load(record, checkpoint=minilm_folder, device="cpu", dtype="bfloat16") as encoder:
        assert encoder.memory_bytes == pytest.approx(estimate_memory(record, "bfloat16"), rel=0.02)


def test_a_closed_encoder_says_so(dense: DenseEncoder, colbert: ColbertEncoder) -> None:
    with dense:
        assert dense.encode("a text").shape == (16,)
    dense.close()
    colbert.close()
    for call in (
        lambda: dense.encode("a text"),
        lambda: dense.encode_stream(["a text"]),
        lambda: dense.count_tokens("a text"),
        lambda: dense.memory_bytes,
        dense.warm_up,
        lambda: colbert.encode_query("a text"),
    ):
        with pytest.raises(ClosedEncoderError, match="'tiny-"):
            call()
    assert "DenseEncoder" in repr(dense)
    assert dense.device == "cpu"


def test_a_stream_ends_with_an_error_when_its_encoder_is_closed(
    dense: DenseEncoder, small_windows: None, new_threads: Callable[[], set[str]]
) -> None:
    running = dense.encode_stream(["a text"] * 20)
    next(running)
    dense.close()
    with pytest.raises(ClosedEncoderError):
        next(running)
    assert not new_threads()


def test_loads_and_closes_leave_no_tensor_behind(folder: Path, record: DenseModel[Any]) -> None:
    def tensors() -> list[torch.Tensor]:
        gc.collect()
        kinds = (torch.Tensor, torch.nn.Parameter)
        return [found for found in gc.get_objects() if type(found) in kinds]

    before = tensors()  # kept, so that no address is used again: other tests may let theirs go
    kept = []
    for _ in range(5):
        encoder = load(record, checkpoint=folder, device="cpu")
        encoder.encode("a text")
        encoder.close()
        kept.append(encoder)
    known = {id(tensor) for tensor in before}
    assert [tensor.shape for tensor in tensors() if id(tensor) not in known] == []


def test_quantised_vectors_are_scored_by_what_they_stand_for(dense: DenseEncoder) -> None:
    documents = [f"document {word} of paris" for word in ("a", "b", "c", "late", "the", "query")]
    vectors = dense.encode_document(documents)
    ranges = calibrate(dense.encode_stream(documents))
    exact = dense.similarity(vectors, vectors)
    numbers = quantize(vectors, "int8", ranges)
    for queries in (vectors, numbers):
        found = dense.similarity(queries, numbers, calibration=ranges)
        assert np.abs(found - exact).max() < 0.02
    pairs = dense.similarity_pairwise(vectors, numbers, calibration=ranges)
    np.testing.assert_allclose(pairs, 1, atol=0.01)
    bits = quantize(vectors, "binary")
    assert dense.similarity(bits, bits).diagonal().tolist() == pytest.approx([1] * 6)
    halves = quantize(vectors, "float16")
    np.testing.assert_allclose(dense.similarity(halves, halves), exact, atol=1e-3)
    with pytest.raises(ValueError, match="mean nothing without the ranges"):
        dense.similarity(vectors, numbers)


def test_quantised_token_vectors_are_scored_by_what_they_stand_for(
    colbert: ColbertEncoder, tmp_path: Path
) -> None:
    documents = colbert.encode_document(["a document of paris", "", "late interaction, the text"])
    queries = colbert.encode_query(["late interaction", "paris"])
    ranges = calibrate(documents.values)
    documents.with_values(quantize(documents.values, "uint8", ranges)).save(tmp_path / "index")
    numbers = Ragged.load(tmp_path / "index")
    exact = colbert.similarity(queries, documents)
    found = colbert.similarity(queries, numbers, calibration=ranges)
    np.testing.assert_allclose(found, exact, atol=0.1)
    pairs = colbert.similarity_pairwise(queries, numbers[:2], calibration=ranges)
    np.testing.assert_allclose(pairs, found.diagonal(), rtol=1e-5)


def test_several_devices_give_the_vectors_of_one(
    dense: DenseEncoder, colbert: ColbertEncoder, texts: list[str], small_windows: None
) -> None:
    # "cpu:0" is the CPU under a name of its own, so that a second copy of the model is loaded.
    devices = ["cpu", "cpu:0", "cpu"]
    found = dense.encode_document(texts, devices=devices, on_overflow="truncate")
    assert_same(found, dense.encode_document(texts, on_overflow="truncate"))
    several = colbert.encode_document(texts, devices=devices, on_overflow="truncate")
    one = colbert.encode_document(texts, on_overflow="truncate")
    assert_same(several.values, one.values)
    np.testing.assert_array_equal(several.offsets, one.offsets)


def test_a_device_is_given_its_copy_once_and_gives_it_back(dense: DenseEncoder) -> None:
    alone = dense.memory_bytes
    dense.encode_document(["a text"] * 9, devices=["cpu", "cpu"])
    assert dense.memory_bytes == alone
    for _ in range(2):
        dense.encode_document(["a text"] * 9, devices=["cpu", "cpu:0"])
        assert dense.memory_bytes == 2 * alone
    replica = dense._replicas.on("cpu:0")
    assert replica is not None
    dense.close()
    with pytest.raises(ClosedEncoderError):
        _ = replica.memory_bytes


def test_a_device_that_is_not_there_is_named(dense: DenseEncoder) -> None:
    with pytest.raises(ValueError, match="no-such-device"):
        dense.encode_document(["a text"], devices=["cpu", "no-such-device"])


@pytest.mark.parametrize("side", ["querry", "plain", None])
def test_a_side_that_there_is_not_is_refused_with_the_names_of_all(
    dense: DenseEncoder, colbert: ColbertEncoder, side: Any
) -> None:
    for encoder in (dense, colbert):
        with pytest.raises(ValueError, match=r"side is .*; expected one of query, document, text"):
            encoder.encode_stream(["a query"], side)


def test_plain_texts_take_no_instruction(dense: DenseEncoder, colbert: ColbertEncoder) -> None:
    for encoder in (dense, colbert):
        with pytest.raises(InstructionError):
            encoder.encode_stream(["a query"], "text", instruction="find")


def test_what_would_be_read_as_its_keys_is_refused(dense: DenseEncoder) -> None:
    texts: Any
    for texts in ({"q1": "a query"}, {"a query"}, None, b"a query", np.array("a query")):
        for call in (dense.encode, dense.encode_stream, dense.count_tokens):
            with pytest.raises(TypeError, match=r"^texts is "):
                call(texts)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_weights_of_nan_are_an_error_that_names_the_text_and_the_type(
    dtype: Precision, folder: Path, record: DenseModel[Any]
) -> None:
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.endswith("output.dense.weight"))
    tensors[name] = torch.full_like(tensors[name], torch.nan)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    encoder = load(record, checkpoint=folder, device="cpu", dtype=dtype)
    with pytest.raises(NotFiniteError, match=f"NaN or infinity in {dtype} for the item at index 0"):
        encoder.encode(["a query"])
