"""Several modes of one checkpoint: each as on its own, from one pass through one transformer."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tests.runtime.bge_m3 import COLBERT, DENSE, MAX_LENGTH, AuthorsModel, save_bge_m3
from tests.runtime.bge_m3 import sparse_model as sparse_model_of

from holotype.encoders import IncompatibleModesError, ModeNotLoadedError, load, load_modes
from holotype.encoders.modes import AnyModeVectors, ModesEncoder, ModeVectors
from holotype.encoders.torch_backend.backbone import Backbone
from holotype.encoders.torch_backend.packed_backbone import PackedBackbone
from holotype.encoders.vectors.ragged import Ragged
from holotype.encoders.vectors.similarity import Vectors
from holotype.encoders.vectors.sparse import SparseVectors
from holotype.errors import (
    ClosedEncoderError,
    InstructionError,
    InvalidArgumentError,
    TextOverflowError,
    TextOverflowWarning,
    UnsafeCheckpointError,
    UnsupportedModelError,
)
from holotype.records import SparseModel

All = ModesEncoder[Vectors, SparseVectors, Ragged[np.float32]]
AllVectors = ModeVectors[Vectors, SparseVectors, Ragged[np.float32]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bge_m3(tmp_path_factory.mktemp("modes"))


@pytest.fixture(scope="module")
def sparse(folder: Path) -> SparseModel:
    return sparse_model_of(folder)


@pytest.fixture(scope="module")
def encoder(folder: Path, sparse: SparseModel) -> Iterator[All]:
    with load_modes(
        dense=DENSE, sparse=sparse, colbert=COLBERT, checkpoint=folder, device="cpu"
    ) as found:
        yield found


def assert_equal(ours: AllVectors, theirs: AllVectors) -> None:
    assert ours.dense.dtype == ours.sparse.values.dtype == ours.colbert.values.dtype == np.float32
    np.testing.assert_allclose(ours.dense, theirs.dense, atol=1e-5)
    np.testing.assert_allclose(ours.sparse.to_dense(), theirs.sparse.to_dense(), atol=1e-5)
    np.testing.assert_array_equal(ours.colbert.offsets, theirs.colbert.offsets)
    np.testing.assert_allclose(ours.colbert.values, theirs.colbert.values, atol=1e-5)


@pytest.mark.parametrize("batch_size", [None, 3])
@pytest.mark.parametrize("method", ["encode_query", "encode_document", "encode"])
def test_every_mode_is_as_its_own_encoder_has_it(
    method: str,
    batch_size: int | None,
    encoder: All,
    folder: Path,
    sparse: SparseModel,
    texts: list[str],
) -> None:
    options: dict[str, Any] = {"batch_size": batch_size, "on_overflow": "truncate"}
    found = getattr(encoder, method)(texts, **options)
    singles = [load(record, checkpoint=folder, device="cpu") for record in (DENSE, sparse, COLBERT)]
    dense, words, tokens = (getattr(single, method)(texts, **options) for single in singles)
    assert len(found) == len(texts)
    assert_equal(found, ModeVectors(dense=dense, sparse=words, colbert=tokens))


def test_every_mode_is_as_the_authors_define_it(
    encoder: All, folder: Path, texts: list[str]
) -> None:
    found = encoder.encode_document(texts, on_overflow="truncate")
    expected = [AuthorsModel(folder).encode(text) for text in texts]
    np.testing.assert_allclose(found.dense, [one.dense for one in expected], atol=1e-5)
    words = found.sparse.to_dense()
    np.testing.assert_allclose(words, [one.sparse for one in expected], atol=1e-5)
    for tokens, one in zip(found.colbert, expected, strict=True):
        np.testing.assert_allclose(tokens, one.colbert, atol=1e-5)
    reference = SentenceTransformer(str(folder), device="cpu")
    np.testing.assert_allclose(found.dense, reference.encode(texts), atol=1e-5)


@pytest.mark.parametrize("kind", [PackedBackbone, Backbone])
def test_a_batch_takes_one_pass(
    kind: type[Backbone | PackedBackbone],
    folder: Path,
    sparse: SparseModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if kind is Backbone:
        # What is on no list of architectures is padded.
        monkeypatch.setattr(
            "holotype.encoders.torch_backend.transformer_opening.PACKING_DEVICES", ()
        )
        monkeypatch.setattr("holotype.encoders.torch_backend.forwards.PACKING_DEVICES", ())
    passes = 0
    run = kind.token_vectors

    def counted(self: Any, batch: Any) -> torch.Tensor:
        nonlocal passes
        passes += 1
        return run(self, batch)

    monkeypatch.setattr(kind, "token_vectors", counted)
    with load_modes(
        dense=DENSE, sparse=sparse, colbert=COLBERT, checkpoint=folder, device="cpu"
    ) as encoder:
        found = encoder.encode_document(["late interaction", "query", "a document"] * 2)
        assert passes == 1
        encoder.encode_query(["late interaction", "query", "a document"], batch_size=2)
        assert passes == 3
    authors = AuthorsModel(folder).encode("a document")
    np.testing.assert_allclose(found.dense[2], authors.dense, atol=1e-5)
    np.testing.assert_allclose(found.colbert[5], authors.colbert, atol=1e-5)


def test_the_transformer_is_in_memory_once(encoder: All, folder: Path, sparse: SparseModel) -> None:
    dense = load(DENSE, checkpoint=folder, device="cpu").memory_bytes
    layers = 4 * (33 + 16 * 33)
    assert encoder.memory_bytes == dense + layers
    assert encoder.sparse.memory_bytes == dense + 4 * 33


@pytest.mark.parametrize("modes", [*itertools.combinations(["dense", "sparse", "colbert"], 2)])
def test_any_two_modes_run_together(
    modes: tuple[str, str], encoder: All, folder: Path, sparse: SparseModel
) -> None:
    records: dict[str, Any] = {"dense": DENSE, "sparse": sparse, "colbert": COLBERT}
    chosen = {mode: records[mode] for mode in modes}
    load_some: Any = load_modes
    whole = encoder.encode_query(["late interaction", "x"])
    with load_some(**chosen, checkpoint=folder, device="cpu") as some:
        found = some.encode_query(["late interaction", "x"])
        (missing,) = {"dense", "sparse", "colbert"} - {*modes}
        assert some.modes == modes
        assert getattr(found, missing) is None
        with pytest.raises(ModeNotLoadedError, match=f"{missing}= to load_modes"):
            getattr(some, missing)
        assert len(found) == 2
        same = ModeVectors(
            **{mode: getattr(found if mode in modes else whole, mode) for mode in records}
        )
        assert_equal(same, whole)


def test_one_text_is_a_sequence_of_one_and_no_text_of_none(encoder: All) -> None:
    one = encoder.encode_query("late interaction")
    assert_equal(one, encoder.encode_query(["late interaction"]))
    assert one.dense.shape == (1, 32)
    none = encoder.encode_query([])
    assert len(none) == len(none.sparse) == len(none.colbert) == 0
    assert none.dense.shape == (0, 32)
    assert none.colbert.dim == 16


def test_a_stream_gives_window_by_window_what_a_call_gives(
    encoder: All, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holotype.encoders.running.pipeline._ITEMS_AT_ONCE", 4)
    texts = [f"document {number}" for number in range(10)]
    parts = list(encoder.encode_stream(iter(texts)))
    assert [len(part) for part in parts] == [4, 4, 2]
    whole = encoder.encode_document(texts)
    np.testing.assert_allclose(np.concatenate([part.dense for part in parts]), whole.dense)
    np.testing.assert_allclose(parts[1].colbert[2], whole.colbert[6], atol=1e-6)


def test_what_is_too_long_is_cut_with_a_warning_or_refused(encoder: All) -> None:
    long = "query " * 200
    assert encoder.max_length == MAX_LENGTH
    with pytest.warns(TextOverflowWarning, match=r"tiny-m3 \+ tiny-m3-sparse \+ tiny-m3-colbert"):
        found = encoder.encode_document(["x", long])
    assert found.colbert.lengths[1] == MAX_LENGTH - 1
    with pytest.raises(TextOverflowError):
        encoder.encode_document(["x", long], on_overflow="error")


def test_prompt_and_top_k_reach_every_mode(encoder: All) -> None:
    found = encoder.encode(["interaction"], prompt="late ", top_k=2)
    same = encoder.encode(["late interaction"])
    np.testing.assert_allclose(found.dense, same.dense, atol=1e-6)
    assert len(found.sparse[0]) == 2 < len(same.sparse[0])
    assert len(found.colbert[0]) == len(same.colbert[0])
    with pytest.raises(ValueError, match="top_k is 0"):
        encoder.encode(["x"], top_k=0)
    with pytest.raises(InstructionError):
        encoder.encode_query(["x"], instruction="find")


def authors_scores(folder: Path, query: str, document: str) -> tuple[float, float, float]:
    """The scores of one pair, as the authors' library computes them."""
    ours, theirs = (AuthorsModel(folder).encode(text) for text in (query, document))
    colbert = (ours.colbert @ theirs.colbert.T).max(axis=1).sum() / len(ours.colbert)
    return float(ours.dense @ theirs.dense), float(ours.sparse @ theirs.sparse), float(colbert)


def test_the_score_is_the_authors_weighted_mean(encoder: All, folder: Path) -> None:
    queries, documents = ["late interaction", "x"], ["a document", "interaction of a query"]
    weights = {"dense": 0.4, "sparse": 0.2, "colbert": 0.4}
    found = encoder.encode_query(queries), encoder.encode_document(documents)
    scores = encoder.similarity(*found, weights={"dense": 4, "sparse": 2, "colbert": 4})
    assert scores.dtype == np.float32
    for row, query in enumerate(queries):
        for column, document in enumerate(documents):
            parts = authors_scores(folder, query, document)
            expected = sum(w * score for w, score in zip(weights.values(), parts, strict=True))
            assert scores[row, column] == pytest.approx(expected, rel=1e-4)
    pairs = encoder.similarity_pairwise(*found, weights={"dense": 4, "sparse": 2, "colbert": 4})
    np.testing.assert_allclose(pairs, np.diag(scores), rtol=1e-5)
    only = encoder.similarity(*found, weights={"dense": 1, "sparse": 0, "colbert": 0})
    np.testing.assert_allclose(only, encoder.dense.similarity(found[0].dense, found[1].dense))


@pytest.mark.parametrize(
    "wrong", [{"a": "b"}, {"a"}, None, b"a", np.array("a"), np.ones(2, complex)], ids=str
)
def test_what_holds_no_vectors_is_refused_by_every_mode(wrong: Any, encoder: All) -> None:
    found: Any = encoder.encode_query(["x"])
    even = {"dense": 1, "sparse": 1, "colbert": 1}
    scored: list[tuple[Any, dict[str, Any], Any]] = [
        (encoder.dense, {}, found.dense),
        (encoder.sparse, {}, found.sparse),
        (encoder.colbert, {}, found.colbert),
        (encoder, {"weights": even}, found),
    ]
    for one, options, vectors in scored:
        for score in (one.similarity, one.similarity_pairwise):
            with pytest.raises(TypeError, match=r"(similarity|vectors) "):
                score(vectors, wrong, **options)
    with pytest.raises(InvalidArgumentError, match=r"not ndarray of float32; make it"):
        encoder.sparse.similarity(found.dense, found.sparse)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"dense": 1, "sparse": 1}, "expected one for each mode"),
        ({"dense": 1, "sparse": 1, "lexical": 1}, "expected one for each mode"),
        ({}, "weights has nothing"),
        ({"dense": 1, "sparse": -1, "colbert": 1}, "none below 0"),
        ({"dense": 0, "sparse": 0, "colbert": 0}, "one above it"),
    ],
)
def test_weights_that_are_not_those_of_the_modes_are_refused(
    weights: Any, message: str, encoder: All
) -> None:
    found: AnyModeVectors = encoder.encode_query(["x"])
    with pytest.raises(ValueError, match=message):
        encoder.similarity(found, found, weights=weights)
    with pytest.raises(ValueError, match=message):
        encoder.similarity_pairwise(found, found, weights=weights)


def test_modes_of_different_weights_are_refused(sparse: SparseModel) -> None:
    with pytest.raises(IncompatibleModesError, match="revisions differ, '1111") as caught:
        load_modes(dense=DENSE, colbert=replace(COLBERT, revision="2" * 40))
    assert caught.value.ids == ("tiny-m3", "tiny-m3-colbert")
    with pytest.raises(IncompatibleModesError, match="repositories differ"):
        load_modes(dense=DENSE, sparse=replace(sparse, huggingface_id="tests/other"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"document_length": 40}, r"lengths of documents in tokens differ, 94 and 40"),
        ({"query_length": 32}, r"lengths of queries in tokens differ, 94 and 32"),
        ({"query_prompt": "find: "}, r"prompts of queries differ"),
        ({"query_marker": "x"}, r"markers of queries differ, None and 'x'"),
    ],
)
def test_modes_that_read_texts_in_other_ways_are_refused(
    changes: dict[str, Any], message: str, folder: Path
) -> None:
    with pytest.raises(IncompatibleModesError, match=message):
        load_modes(dense=DENSE, colbert=replace(COLBERT, **changes), checkpoint=folder)


def test_expanded_queries_are_refused(folder: Path, sparse: SparseModel) -> None:
    expanding = replace(COLBERT, query_expansion=True, query_length=MAX_LENGTH)
    with pytest.raises(IncompatibleModesError, match="expansions of queries differ, None and 94"):
        load_modes(sparse=sparse, colbert=expanding, checkpoint=folder)


def test_what_is_no_set_of_modes_is_refused(folder: Path, sparse: SparseModel) -> None:
    load_any: Any = load_modes
    with pytest.raises(TypeError, match="got 1 of the modes"):
        load_any(dense=DENSE, checkpoint=folder)
    with pytest.raises(TypeError, match="dense= got 'tiny-m3-colbert'; expected a record"):
        load_any(dense=COLBERT, sparse=sparse, checkpoint=folder)
    splade = replace(sparse, activation="log1p-relu")
    with pytest.raises(UnsupportedModelError, match="last layer of a language model"):
        load_modes(dense=DENSE, sparse=splade, checkpoint=folder)


def test_records_of_no_reference_are_refused_under_a_lock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sparse: SparseModel
) -> None:
    monkeypatch.setenv("HOLOTYPE_LOCK", str(tmp_path / "holotype.lock"))
    with pytest.raises(Exception, match="under the lock"):
        load_modes(dense=DENSE, sparse=sparse)


def test_a_closed_encoder_runs_nothing(folder: Path, sparse: SparseModel) -> None:
    encoder = load_modes(dense=DENSE, sparse=sparse, checkpoint=folder, device="cpu")
    single = encoder.dense
    encoder.close()
    encoder.close()
    for call in (lambda: encoder.encode(["x"]), lambda: single.encode(["x"])):
        with pytest.raises(ClosedEncoderError):
            call()
    with pytest.raises(ClosedEncoderError):
        _ = encoder.memory_bytes


def test_threads_get_what_one_call_gets(encoder: All, texts: list[str]) -> None:
    expected = encoder.encode_document(texts, on_overflow="truncate")
    start = threading.Barrier(4)

    def run(_: int) -> AllVectors:
        start.wait()
        return encoder.encode_document(texts, on_overflow="truncate")

    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(run, range(4)):
            assert_equal(found, expected)


def test_two_batches_run_at_once_on_a_device_that_is_named_twice(
    encoder: All, texts: list[str]
) -> None:
    found = encoder.encode_document(texts, devices=["cpu", "cpu"], on_overflow="truncate")
    assert_equal(found, encoder.encode_document(texts, on_overflow="truncate"))


def test_the_parts_tell_what_they_are(encoder: All, folder: Path) -> None:
    assert repr(encoder) == (
        "ModesEncoder(dense='tiny-m3', sparse='tiny-m3-sparse', colbert='tiny-m3-colbert', "
        f"query_prompt='', document_prompt='', max_length={MAX_LENGTH}, device='cpu', "
        "dtype='float32')"
    )
    encoder.warm_up()
    single = load(DENSE, checkpoint=folder, device="cpu")
    assert encoder.dense.fingerprint == single.fingerprint
    assert encoder.count_tokens("late interaction") == single.count_tokens("late interaction")
    assert encoder.count_tokens(["x"]).tolist() == single.count_tokens(["x"]).tolist()
    tokens = encoder.sparse.decode(encoder.encode_query(["x"]).sparse[0])
    assert all(weight > 0 for _, weight in tokens)


def test_a_pickled_layer_is_refused(tmp_path: Path) -> None:
    folder = save_bge_m3(tmp_path)
    (folder / "sparse_linear.safetensors").rename(folder / "sparse_linear.pt")
    with pytest.raises(UnsafeCheckpointError, match=r"sparse_linear\.pt"):
        load_modes(dense=DENSE, sparse=sparse_model_of(folder), checkpoint=folder)
