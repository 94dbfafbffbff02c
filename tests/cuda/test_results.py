"""Every kind of model on a GPU: the results of the CPU, in every type of arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.cuda.comparing import DTYPES, MANY, assert_near
from tests.cuda.conftest import DEVICE
from tests.pictures import photograph
from tests.runtime.backbones import BACKBONES, HIDDEN_DIM, MARKERS
from tests.runtime.bge_m3 import COLBERT, DENSE, save_bge_m3, sparse_model
from tests.runtime.heads import ARCHITECTURES as CLASSIFIERS
from tests.runtime.heads import PAIRS, classifier_record, cross_encoder_record, save_head
from tests.runtime.image_models import blip, clip, siglip2
from tests.runtime.parity import ColbertRecord, DenseRecord, Save, SparseRecord, read
from tests.runtime.sparse import save_language_model

from holotype import load
from holotype.encoders import ImageTextEncoder, load_modes
from holotype.records import CaptionerModel
from holotype.run_options import Precision

PICTURES = [photograph(40 + 7 * at, 60 - 3 * at, seed=at) for at in range(5)]


def on_both(dtype: Precision) -> tuple[tuple[str, Precision], ...]:
    """The CPU with its exact arithmetic, and the GPU with another."""
    return ("cpu", "float32"), (DEVICE, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("architecture", BACKBONES)
def test_dense_vectors(
    architecture: str, dtype: Any, backbone: Callable[[str], Path], dense_record: DenseRecord
) -> None:
    record = dense_record(pooling="mean", context_length=64)
    folder = backbone(architecture)
    with load(record, checkpoint=folder, device="cpu", dtype="float32") as reference:
        exact = reference.encode(MANY, on_overflow="truncate")
    with load(record, checkpoint=folder, device=DEVICE, dtype=dtype) as encoder:
        assert (encoder.device, encoder.dtype) == (DEVICE, dtype)
        whole = encoder.encode(MANY, on_overflow="truncate")
        assert_near(whole, exact, dtype, of=f"dense, {architecture}")
        alone = np.stack([encoder.encode(text, on_overflow="truncate") for text in MANY])
        backwards = encoder.encode(MANY[::-1], batch_size=3, on_overflow="truncate")[::-1]
        assert_near(alone, exact, dtype, of=f"alone, {architecture}")
        assert_near(backwards, exact, dtype, of=f"backwards, {architecture}")


@pytest.mark.parametrize(
    "pooling", ["cls", "max", "mean", "weightedmean", "lasttoken", "mean_sqrt_len_tokens"]
)
def test_every_pooling(
    pooling: Any, backbone: Callable[[str], Path], save_dense: Save, dense_record: DenseRecord
) -> None:
    transformer = Transformer(str(backbone("bert")))
    folder = save_dense(Pooling(HIDDEN_DIM, pooling), transformer=transformer)
    exact, ours = (
        load(dense_record(), checkpoint=folder, device=device).encode(MANY, on_overflow="truncate")
        for device in ("cpu", DEVICE)
    )
    assert_near(ours, exact, "float32", of=f"pooling, {pooling}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("architecture", ["bert", "modernbert", "mpnet", "deberta-v2"])
@pytest.mark.parametrize("attends", [True, False])
def test_token_vectors(
    attends: bool,
    architecture: str,
    dtype: Any,
    backbone: Callable[[str], Path],
    save_colbert: Save,
    colbert_record: ColbertRecord,
) -> None:
    expansion = {"strategy": "fixed", "length": 24, "attend": attends}
    transformer = Transformer(
        str(backbone(architecture)), document_length=80, query_expansion=expansion
    )
    prompts = dict(zip(("query", "document"), MARKERS, strict=True))
    folder = save_colbert(transformer=transformer, prompts=prompts, skiplist_words=[".", ","])
    reference = load(colbert_record(), checkpoint=folder, device="cpu", dtype="float32")
    encoder = load(colbert_record(), checkpoint=folder, device=DEVICE, dtype=dtype)
    for side in ("encode_query", "encode_document"):
        exact = getattr(reference, side)(MANY, on_overflow="truncate")
        ours = getattr(encoder, side)(MANY, on_overflow="truncate")
        assert [len(one) for one in ours] == [len(one) for one in exact]
        assert_near(
            np.concatenate(list(ours)), np.concatenate(list(exact)), dtype, of=f"{side}, colbert"
        )


@pytest.mark.parametrize("pooling", ["max", "sum"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("architecture", ["bert", "distilbert", "modernbert", "electra"])
def test_weights_of_words(
    architecture: str, dtype: Any, pooling: Any, sparse_record: SparseRecord, tmp_path: Path
) -> None:
    folder = save_language_model(tmp_path / "plain", architecture)
    n_words = int(read(folder, "config.json")["vocab_size"])
    record = sparse_record(n_words, pooling=pooling, activation="log1p-relu")
    exact = load(record, checkpoint=folder, device="cpu", dtype="float32").encode(
        MANY, on_overflow="truncate"
    )
    ours = load(record, checkpoint=folder, device=DEVICE, dtype=dtype).encode(
        MANY, on_overflow="truncate"
    )
    assert_near(ours.to_dense(), exact.to_dense(), dtype, of=f"sparse, {architecture}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("architecture", [name for name in CLASSIFIERS if name != "Bart"])
def test_scores_of_pairs(architecture: str, dtype: Any, tmp_path: Path) -> None:
    folder = save_head(tmp_path / "model", architecture, num_labels=1)
    record = cross_encoder_record()
    found = [
        load(record, checkpoint=folder, device=device, dtype=each).predict(
            PAIRS, on_overflow="truncate"
        )
        for device, each in on_both(dtype)
    ]
    tolerance = {"float32": 1e-4, "bfloat16": 0.25, "float16": 0.02}[dtype]
    np.testing.assert_allclose(found[1], found[0], atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("architecture", ["Bert", "ModernBert-mean", "Qwen3"])
def test_scores_of_labels(architecture: str, dtype: Any, tmp_path: Path) -> None:
    folder = save_head(tmp_path / "model", architecture, num_labels=3)
    exact, ours = (
        load(classifier_record(), checkpoint=folder, device=device, dtype=each).predict_scores(
            MANY, on_overflow="truncate"
        )
        for device, each in on_both(dtype)
    )
    tolerance = {"float32": 1e-5, "bfloat16": 0.1, "float16": 0.01}[dtype]
    np.testing.assert_allclose(ours, exact, atol=tolerance)


def test_several_modes_of_one_checkpoint(tmp_path: Path) -> None:
    folder = save_bge_m3(tmp_path)
    sparse = sparse_model(folder)
    exact, ours = (
        load_modes(
            dense=DENSE, sparse=sparse, colbert=COLBERT, checkpoint=folder, device=device
        ).encode_document(MANY, on_overflow="truncate")
        for device in ("cpu", DEVICE)
    )
    assert_near(ours.dense, exact.dense, "float32", of="modes, dense")
    assert_near(ours.sparse.to_dense(), exact.sparse.to_dense(), "float32", of="modes, sparse")
    for one, other in zip(ours.colbert, exact.colbert, strict=True):
        assert_near(one, other, "float32", of="modes, colbert")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", [clip, siglip2])
def test_vectors_of_pictures_and_texts(make: Any, dtype: Any, tmp_path: Path) -> None:
    make(tmp_path)
    reference, encoder = (
        load(tmp_path, device=device, dtype=each) for device, each in on_both(dtype)
    )
    assert isinstance(reference, ImageTextEncoder)
    assert isinstance(encoder, ImageTextEncoder)
    texts = ["a cat", "the photo of a red dog and two cat", "a house"]
    exact, ours = (one.encode_image(PICTURES) for one in (reference, encoder))
    assert_near(ours, exact, dtype, of=f"pictures, {make.__name__}")
    exact, ours = (one.encode(texts) for one in (reference, encoder))
    assert_near(ours, exact, dtype, of=f"texts, {make.__name__}")


def test_captions(tmp_path: Path) -> None:
    blip(tmp_path)
    record = CaptionerModel(
        id="tiny",
        type="captioner",
        name="Tiny",
        huggingface_id="none/tiny",
        organization="none",
        description="A tiny model.",
        embedding_dim=None,
        max_new_tokens=9,
    )
    exact, ours = (
        load(record, checkpoint=tmp_path, device=device).caption(PICTURES)
        for device in ("cpu", DEVICE)
    )
    assert [one.text for one in ours] == [one.text for one in exact]
    our_scores, exact_scores = ([one.score for one in each] for each in (ours, exact))
    np.testing.assert_allclose(our_scores, exact_scores, rtol=1e-4)
