"""The real all-MiniLM-L6-v2: the same vectors as sentence-transformers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from tests.parity_table import Subject
from tests.runtime.parity import assert_same

from holotype.encoders import load
from holotype.encoders.dense import DenseEncoder
from holotype.errors import TextOverflowError, TextOverflowWarning
from holotype.records import DenseModel

MINILM: DenseModel[Any] = DenseModel(
    id="all-minilm-l6-v2",
    type="dense",
    name="all-MiniLM-L6-v2",
    huggingface_id="sentence-transformers/all-MiniLM-L6-v2",
    organization="Sentence Transformers",
    description="A small English embedding model.",
    embedding_dim=384,
    hidden_dim=384,
    context_length=256,
    vocab_size=30522,
    has_projection=False,
    pooling="mean",
    normalize=True,
    similarity="cosine",
    query_prompt="",
    document_prompt="",
)
OF = Subject(kind="dense", architecture="bert (all-MiniLM-L6-v2)", format="sentence-transformers")


@pytest.fixture(scope="module")
def minilm(minilm_folder: Path) -> DenseEncoder:
    return load(MINILM, checkpoint=minilm_folder, device="cpu")


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_vectors_equal_those_of_sentence_transformers(
    minilm: DenseEncoder, minilm_reference: SentenceTransformer, texts: list[str], batch_size: int
) -> None:
    theirs = minilm_reference.encode(texts, batch_size=batch_size)
    with pytest.warns(TextOverflowWarning):
        documents = minilm.encode_document(texts, batch_size=batch_size)
    assert_same(documents, theirs, of=OF)
    ours = minilm.encode_query(texts, batch_size=batch_size, on_overflow="truncate")
    assert_same(ours, theirs, of=OF)


def test_a_text_of_100_000_characters_is_read_like_the_reference_reads_it(
    minilm: DenseEncoder, minilm_reference: SentenceTransformer
) -> None:
    texts = ["long " * 20_000, "unbroken" * 12_500]
    ours = minilm.encode(texts, on_overflow="truncate")
    assert_same(ours, minilm_reference.encode(texts), of=OF)


def test_one_text_gives_one_vector_and_no_text_gives_none(minilm: DenseEncoder) -> None:
    assert minilm.encode("a text").shape == (384,)
    assert minilm.encode(["a text"]).shape == (1, 384)
    assert minilm.encode([]).shape == (0, 384)
    assert minilm.encode(()).dtype == np.float32


def test_neither_order_nor_company_changes_a_vector(minilm: DenseEncoder, texts: list[str]) -> None:
    whole = minilm.encode(texts, on_overflow="truncate")
    backwards = minilm.encode(texts[::-1], batch_size=2, on_overflow="truncate")[::-1]
    alone = np.stack([minilm.encode(text, on_overflow="truncate") for text in texts])
    assert_same(whole, backwards)
    assert_same(whole, alone)
    assert_same(whole[0], whole[texts.index(texts[0], 1)])


def test_similarity_is_the_cosine_that_the_reference_computes(
    minilm: DenseEncoder, minilm_reference: SentenceTransformer
) -> None:
    queries = ["what eats fish?", "a capital"]
    documents = ["Cats like tuna.", "Paris is in France.", "The sky is blue."]
    ours = minilm.similarity(minilm.encode_query(queries), minilm.encode_document(documents))
    theirs = minilm_reference.similarity(
        minilm_reference.encode(queries), minilm_reference.encode(documents)
    )
    assert ours.shape == (2, 3)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert minilm.similarity(minilm.encode_query("one"), minilm.encode_document("one")).shape == (
        1,
        1,
    )


def test_16_threads_share_an_encoder_and_get_the_vectors_of_one(
    minilm: DenseEncoder, texts: list[str]
) -> None:
    short = [text[:80] for text in texts]
    chunks = [short[shift:] + short[:shift] for shift in range(len(short))] * 2
    alone = [minilm.encode(chunk) for chunk in chunks]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(minilm.encode, chunks))
    for ours, theirs in zip(together, alone, strict=True):
        assert_same(ours, theirs)


def test_a_cut_text_is_reported_once_at_the_line_of_the_caller(minilm: DenseEncoder) -> None:
    texts = ["short", "word " * 300, "word " * 260]
    with pytest.warns(
        TextOverflowWarning, match=r"2 of 3 texts .* 256 tokens .* 52 tokens"
    ) as seen:
        minilm.encode_document(texts)
    assert [Path(warning.filename).name for warning in seen] == [Path(__file__).name]


def test_a_text_that_is_too_long_can_be_refused(minilm: DenseEncoder) -> None:
    with pytest.raises(TextOverflowError, match="256 tokens") as caught:
        minilm.encode_query(["short", "word " * 300], on_overflow="error")
    assert (caught.value.n_texts, caught.value.n_tokens) == (1, 46)
    assert (caught.value.max_length, caught.value.first_index) == (256, 1)


def test_a_text_of_just_the_length_is_not_cut(minilm: DenseEncoder) -> None:
    minilm.encode_query("word " * 254, on_overflow="error")


def test_an_encoder_says_what_it_runs(minilm: DenseEncoder) -> None:
    assert minilm.record is MINILM
    assert (minilm.dim, minilm.device, minilm.dtype, minilm.max_length) == (
        384,
        "cpu",
        "float32",
        256,
    )
    assert minilm.config.device == "cpu"
    assert repr(minilm) == (
        "DenseEncoder('all-minilm-l6-v2', dim=384, pooling='mean', normalized=True, "
        "similarity='cosine', query_prompt='', document_prompt='', max_length=256, "
        "device='cpu', dtype='float32')"
    )


def test_half_precision_stays_near_and_returns_float32(
    minilm: DenseEncoder, minilm_folder: Path
) -> None:
    texts = ["what eats fish?", "Paris is in France."]
    halved = load(MINILM, checkpoint=minilm_folder, device="cpu", dtype="bfloat16").encode(texts)
    assert halved.dtype == np.float32
    assert (halved * minilm.encode(texts)).sum(1).min() > 0.999


@pytest.mark.parametrize("texts", [[1], ["fine", None], [b"bytes"], b"bytes", [["nested"]]])
def test_what_is_no_text_is_refused_by_its_position(minilm: DenseEncoder, texts: Any) -> None:
    with pytest.raises(TypeError, match=r"(at index \d is|texts is of type) \S+"):
        minilm.encode(texts)


def test_half_of_a_surrogate_pair_is_refused_by_its_position(minilm: DenseEncoder) -> None:
    with pytest.raises(ValueError, match="index 1 holds half of a surrogate pair at position 2"):
        minilm.encode(["fine", "ab\ud800"])


def test_wrong_options_are_refused(minilm: DenseEncoder) -> None:
    with pytest.raises(ValueError, match="batch_size is 0"):
        minilm.encode("text", batch_size=0)
    silent: Any = "silent"
    with pytest.raises(ValueError, match="expected one of error, warn, truncate"):
        minilm.encode("text", on_overflow=silent)


def test_a_device_that_is_not_there_is_refused(minilm_folder: Path) -> None:
    with pytest.raises(ValueError, match="there is no device 'cuda:99' here"):
        load(MINILM, checkpoint=minilm_folder, device="cuda:99")
