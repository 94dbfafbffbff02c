"""What a server needs of encoders: lengths, tokens, and vectors that are cut to fewer dimensions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers.base.modules import Normalize
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.conftest import HIDDEN_DIM
from tests.runtime.parity import DenseRecord, Save

from holotype.encoders import load
from holotype.errors import InvalidArgumentError, InvalidDimensionError, TextOverflowError

TEXTS = ["what is late interaction", "a document", ""]


@pytest.mark.parametrize("normalized", [True, False])
def test_shortened_vectors_are_those_of_a_model_that_was_loaded_shorter(
    save_dense: Save, dense_record: DenseRecord, normalized: bool
) -> None:
    modules = [Pooling(HIDDEN_DIM, "mean"), *([Normalize()] if normalized else [])]
    folder = save_dense(*modules)
    record: Any = dense_record(HIDDEN_DIM, matryoshka_dims=(8, 16, HIDDEN_DIM))
    with (
        load(record, checkpoint=folder, device="cpu") as whole,
        load(record, checkpoint=folder, device="cpu", dim=16) as short,
    ):
        assert whole.dims == (8, 16, HIDDEN_DIM) and short.dims == (8, 16)
        found = whole.shorten(whole.encode(TEXTS), 16)
        np.testing.assert_allclose(found, short.encode(TEXTS), atol=1e-6)
        assert whole.fingerprint_of_dim(16) == short.fingerprint != whole.fingerprint
        assert whole.fingerprint_of_dim(HIDDEN_DIM) == whole.fingerprint
        with pytest.raises(InvalidDimensionError):
            whole.shorten(whole.encode(TEXTS), 12)


def test_a_model_with_a_range_is_cut_to_any_size_in_it(
    save_dense: Save, dense_record: DenseRecord
) -> None:
    folder = save_dense(Pooling(HIDDEN_DIM, "mean"), Normalize())
    record: Any = dense_record(HIDDEN_DIM, matryoshka_range=(8, HIDDEN_DIM))
    with (
        load(record, checkpoint=folder, device="cpu") as whole,
        load(record, checkpoint=folder, device="cpu", dim=13) as short,
    ):
        assert whole.dims == range(8, HIDDEN_DIM + 1) and short.dims == range(8, 14)
        found = whole.shorten(whole.encode(TEXTS), 13)
        np.testing.assert_allclose(found, short.encode(TEXTS), atol=1e-6)
        assert whole.fingerprint_of_dim(13) == short.fingerprint != whole.fingerprint
        with pytest.raises(InvalidDimensionError, match="any dim from 8 to"):
            whole.shorten(whole.encode(TEXTS), 7)
        with pytest.raises(InvalidDimensionError, match="any dim from 8 to 13"):
            short.shorten(short.encode(TEXTS), 14)


def test_lengths_are_what_the_model_reads(minilm_folder: Path) -> None:
    with load("all-minilm-l6-v2", checkpoint=minilm_folder, device="cpu") as encoder:
        texts = ["short", "long " * 400]
        lengths = encoder.measure(texts)
        assert lengths.n_read == (3, 256) and lengths.n_cut == (0, 146)
        assert lengths.n_tokens == 259 and lengths.n_cut_texts == 1
        counted = encoder.count_tokens(texts)
        assert [*counted] == [a + b for a, b in zip(lengths.n_read, lengths.n_cut, strict=True)]
        with pytest.raises(TextOverflowError) as error:
            lengths.require_whole("m")
        assert (error.value.first_index, error.value.n_tokens) == (1, 146)


@pytest.mark.parametrize(
    "text", ["What's a fish?", "don't, e-mail: a@b.org", "über naïve Straße", "x", "", "日本語"]
)
def test_tokens_can_be_read_back(minilm_folder: Path, text: str) -> None:
    with load("all-minilm-l6-v2", checkpoint=minilm_folder, device="cpu") as encoder:
        for special in (True, False):
            ids = [token.id for token in encoder.tokenize(text, special_tokens=special)]
            again = encoder.text_of(ids)
            assert [t.id for t in encoder.tokenize(again, special_tokens=special)] == ids


@pytest.mark.parametrize("ids", [[3923, 374, 264], [-1], [10**9], [101, 101]])
def test_tokens_that_no_text_has_are_refused(minilm_folder: Path, ids: list[int]) -> None:
    with (
        load("all-minilm-l6-v2", checkpoint=minilm_folder, device="cpu") as encoder,
        pytest.raises(InvalidArgumentError, match="send the text itself"),
    ):
        encoder.text_of(ids)
