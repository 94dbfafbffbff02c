"""Late interaction with pictures: vectors and scores of transformers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tests.pictures import photograph
from tests.runtime.image_models import colpali, colqwen2
from tests.runtime.parity import assert_same

from holotype import load
from holotype.encoders import ColbertEncoder
from holotype.encoders.checkpoints.visual import VISUAL
from holotype.errors import CatalogueMismatchError, ImageError, UnsupportedModelError
from holotype.records import ColbertModel

QUERIES = ["a red cat", "the house of two dog and a cat", "photo"]
PAGES = [photograph(80, 60), photograph(90, 30, seed=1), photograph(61, 80, seed=2)]
MAKERS = {"colpali": colpali, "colqwen2": colqwen2}


@pytest.fixture(scope="module", params=list(MAKERS))
def each(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("model")
    processor = MAKERS[request.param](folder)
    model: Any = getattr(transformers, VISUAL[request.param]).from_pretrained(folder).eval()
    encoder = load(folder, device="cpu")
    assert isinstance(encoder, ColbertEncoder)
    return processor, model, encoder, folder


@torch.no_grad()
def vectors(model: Any, inputs: Any) -> Any:
    inputs.pop("labels", None)
    return model(**inputs).embeddings


def test_vectors_of_pictures(each: Any) -> None:
    processor, model, encoder, _ = each
    found = encoder.encode_image(PAGES)
    assert len(found) == len(PAGES)
    for page, ours in zip(PAGES, found, strict=True):
        theirs = vectors(model, processor.process_images([page]))[0].numpy()
        assert_same(ours, theirs)
        assert_same(encoder.encode_image(page), theirs)


def test_vectors_of_queries(each: Any) -> None:
    processor, model, encoder, _ = each
    found = encoder.encode_query(QUERIES)
    for query, ours in zip(QUERIES, found, strict=True):
        theirs = vectors(model, processor.process_queries([query]))[0].numpy()
        assert_same(ours, theirs)
        assert_same(encoder.encode_query(query), theirs)


def test_scores(each: Any) -> None:
    processor, model, encoder, _ = each
    queries = [vectors(model, processor.process_queries([one]))[0] for one in QUERIES]
    pages = [vectors(model, processor.process_images([one]))[0] for one in PAGES]
    # Page by page: padding of shorter pages would score 0, above what is negative.
    scores = [processor.score_retrieval(queries, [page]) for page in pages]
    theirs = torch.cat(scores, dim=1).numpy()
    ours = encoder.similarity(encoder.encode_query(QUERIES), encoder.encode_image(PAGES))
    assert np.abs(ours - theirs).max() <= 1e-4
    assert np.ptp(theirs) > 1e-2


def test_streams_and_batches(each: Any) -> None:
    _, _, encoder, _ = each
    several = PAGES * 15
    whole = encoder.encode_image(several, batch_size=4)
    windows = list(encoder.encode_image_stream(iter(several)))
    assert len(windows) > 1
    streamed = [vectors for window in windows for vectors in window]
    for ours, theirs in zip(whole, streamed, strict=True):
        assert_same(ours, theirs)
    assert len(encoder.encode_image([])) == 0
    with pytest.raises(ImageError, match="index 1 is empty"):
        encoder.encode_image([PAGES[0], b""])


def test_texts_that_are_no_queries_are_refused(each: Any) -> None:
    _, _, encoder, _ = each
    for call in (encoder.encode_document, encoder.encode):
        with pytest.raises(UnsupportedModelError, match=r"its documents are pictures"):
            call(["a page"])
    assert encoder.encode_query([]).lengths.tolist() == []
    encoder.warm_up()


def test_a_query_that_is_too_long_keeps_what_stands_after_it(each: Any) -> None:
    _, _, encoder, folder = each
    short = load(folder, device="cpu", max_length=24)
    (found,) = short.encode_query(["cat " * 200], on_overflow="truncate")
    assert len(found) <= 128
    assert len(encoder.encode_query(["cat " * 200], on_overflow="truncate")[0]) == 128


def test_other_prompts_and_records(each: Any) -> None:
    processor, model, _, folder = each
    record = ColbertModel[Any](
        id="tiny",
        type="colbert",
        name="Tiny",
        huggingface_id="none/tiny",
        organization="none",
        description="A tiny model.",
        embedding_dim=16,
        query_suffix="<pad><pad>",
    )
    encoder = load(record, checkpoint=folder, device="cpu")
    theirs = vectors(model, processor(text=["a cat"], suffix="<pad><pad>"))[0].numpy()
    assert_same(encoder.encode_query("a cat"), theirs)
    with pytest.raises(CatalogueMismatchError, match="embedding_dim"):
        load(dataclasses.replace(record, embedding_dim=128), checkpoint=folder)
