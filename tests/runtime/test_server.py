"""The server's inference on real weights and small checkpoints, over real connections."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SparseEncoder
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sparse_encoder.modules import MLMTransformer, SpladePooling
from tests.runtime.conftest import HIDDEN_DIM
from tests.runtime.heads import save_head
from tests.runtime.server_process import RunningServer, local, running_server, write_deployment
from tests.runtime.sparse import save_language_model

from holotype.encoders import load
from holotype.models import ALL_MINILM_L6_V2
from holotype.publishing import CreationOptions, create_artifact

TEXTS = ["what eats fish?", "Paris is in France.", "a third text, longer than the others"]
NAMES = {0: "anger", 1: "joy", 2: "fear"}


@pytest.fixture(scope="module")
def server(
    minilm_folder: Path, bert_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server of one model of each kind; MiniLM has its real weights."""
    folder = tmp_path_factory.mktemp("server")
    language_model = save_language_model(folder / "language-model")
    splade = SparseEncoder(
        modules=[MLMTransformer(str(language_model)), SpladePooling("max")], device="cpu"
    )
    splade.save(str(folder / "sparse"))
    deployment = write_deployment(
        folder,
        {
            "minilm": local(minilm_folder, "preload: true"),
            "reranker": local(save_head(folder / "reranker", "Bert", num_labels=1)),
            "emotions": local(save_head(folder / "emotions", "Bert", num_labels=3, id2label=NAMES)),
            "sparse": local(folder / "sparse"),
            "pii": "{source: {type: builtin, name: pii}}",
            "safe-pii": local(
                folder / "nowhere", "fallback: [pii]", "allow_different_vectors: true"
            ),
            "broken": local(folder / "nowhere"),
            "safe": local(
                folder / "nowhere", "fallback: [minilm]", "allow_different_vectors: true"
            ),
            "safe-sparse": local(
                folder / "nowhere", "fallback: [sparse]", "allow_different_vectors: true"
            ),
        },
    )
    with running_server(deployment=str(deployment), max_texts=300) as running:
        yield running


@pytest.fixture(scope="module")
def ranged(
    minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server of a model whose vectors have any size of a range."""
    folder = tmp_path_factory.mktemp("ranged")
    record = replace(ALL_MINILM_L6_V2, id="ranged", matryoshka_range=(32, 384))
    options = CreationOptions(entry=record, link=True)
    create_artifact(f"local:{minilm_folder}", folder / "ranged", options)
    models = {"ranged": local(folder / "ranged", "preload: true")}
    with running_server(deployment=str(write_deployment(folder, models))) as running:
        yield running


@pytest.fixture(scope="module")
def minilm(minilm_folder: Path) -> Any:
    """The model of the server, loaded by itself."""
    return load("all-minilm-l6-v2", checkpoint=minilm_folder, device="cpu")


def error_of(response: Any) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    error: dict[str, Any] = body.get("error", body)
    return error


def test_embeddings_are_those_of_the_model(server: RunningServer, minilm: Any) -> None:
    body = server.post("/v1/embeddings", {"model": "minilm", "input": TEXTS}).json()
    found = np.array([each["embedding"] for each in body["data"]], dtype=np.float32)
    assert [each["index"] for each in body["data"]] == [0, 1, 2]
    np.testing.assert_allclose(found, minilm.encode(TEXTS), atol=1e-6)
    n_tokens = int(minilm.count_tokens(TEXTS).sum())
    assert body["usage"] == {"prompt_tokens": n_tokens, "total_tokens": n_tokens}


def test_base64_is_the_same_vector(server: RunningServer) -> None:
    asked = {"model": "minilm", "input": TEXTS[0]}
    plain = server.post("/embeddings", asked).json()["data"][0]["embedding"]
    packed = server.post("/embeddings", {**asked, "encoding_format": "base64"}).json()
    vector = np.frombuffer(base64.b64decode(packed["data"][0]["embedding"]), dtype="<f4")
    np.testing.assert_allclose(vector, np.array(plain, dtype=np.float32), atol=1e-6)


def test_many_texts_are_all_there_in_their_order(server: RunningServer) -> None:
    texts = [f"text number {number}" for number in range(200)]
    body = server.post("/v1/embeddings", {"model": "minilm", "input": texts}).json()
    last = server.post("/v1/embeddings", {"model": "minilm", "input": texts[-1]}).json()
    assert [each["index"] for each in body["data"]] == list(range(200))
    np.testing.assert_allclose(
        body["data"][-1]["embedding"], last["data"][0]["embedding"], atol=1e-5
    )


def test_every_answer_names_the_model_that_made_it(server: RunningServer, minilm: Any) -> None:
    response = server.post(
        "/v1/embeddings", {"model": "minilm", "input": "x"}, x_request_id="mine-1"
    )
    headers = response.headers
    assert headers["x-request-id"] == "mine-1"
    assert headers["x-holotype-model"] == headers["x-holotype-served-by"] == "minilm"
    assert headers["x-holotype-generation"] == "1"
    assert headers["x-holotype-variant"] == "default"
    assert headers["x-holotype-fingerprint"] == minilm.fingerprint
    assert headers["server-timing"].startswith("queue;dur=")


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/embeddings", {"model": "minilm", "input": ["x"]}, "minilm"),
        ("/v1/rerank", {"model": "reranker", "query": "x", "documents": ["y"]}, "reranker"),
        ("/rerank", {"query": "x", "texts": ["y"]}, "reranker"),
        ("/classify", {"model": "emotions", "input": ["x"]}, "emotions"),
        ("/embed", {"inputs": "x"}, "minilm"),
        ("/embed_sparse", {"inputs": "x"}, "sparse"),
        ("/predict", {"model": "emotions", "inputs": "x"}, "emotions"),
        ("/similarity", {"inputs": {"source_sentence": "x", "sentences": ["y"]}}, "minilm"),
        ("/tokenize", {"model": "minilm", "inputs": "x"}, "minilm"),
    ],
)
def test_answers_of_every_shape_name_their_model(
    server: RunningServer, path: str, body: dict[str, Any], name: str
) -> None:
    response = server.post(path, body)
    assert response.status_code == 200, response.text
    found = {
        field: response.headers.get(f"x-holotype-{field}")
        for field in ("model", "served-by", "variant", "generation", "fingerprint")
    }
    (status,) = server.state.pool.status().of(name)
    assert status.version is not None
    assert found == {
        "model": name,
        "served-by": name,
        "variant": "default",
        "generation": str(status.version.number),
        "fingerprint": status.version.fingerprint,
    }
    assert response.headers["x-holotype-version"]
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])
    timing = r"queue;dur=[\d.]+, batch;dur=[\d.]+, total;dur=[\d.]+"
    assert re.fullmatch(timing, response.headers["server-timing"])


def test_requests_have_ids_of_their_own(server: RunningServer) -> None:
    ids = [server.client.get("/health").headers["x-request-id"] for _ in range(50)]
    assert len(set(ids)) == 50


def test_a_folder_is_shown_by_its_name_only(server: RunningServer, minilm_folder: Path) -> None:
    response = server.post("/v1/embeddings", {"model": "minilm", "input": "x"})
    assert response.headers["x-holotype-version"] == minilm_folder.name


def test_token_ids_are_those_of_the_model(server: RunningServer, minilm: Any) -> None:
    ids = [[token.id for token in minilm.tokenize(text)] for text in TEXTS]
    asked = [{"model": "minilm", "input": given} for given in (ids, TEXTS, ids[0])]
    tokens, texts, one = [server.post("/v1/embeddings", body).json()["data"] for body in asked]
    assert tokens == texts
    assert one[0]["embedding"] == pytest.approx(texts[0]["embedding"], abs=1e-5)


def test_token_ids_of_another_tokenizer_are_refused(server: RunningServer) -> None:
    openai_ids = [3923, 374, 264, 7795, 30]
    found = error_of(server.post("/v1/embeddings", {"model": "minilm", "input": openai_ids}))
    assert found["status"] == 422
    assert "check_embedding_ctx_length=False" in found["message"]


def test_a_dimension_that_the_model_does_not_have_is_refused(server: RunningServer) -> None:
    asked = {"model": "minilm", "input": "x", "dimensions": 100}
    found = error_of(server.post("/v1/embeddings", asked))
    assert (found["status"], found["code"], found["dimensions"]) == (
        422,
        "invalid_dimension",
        [384],
    )
    assert server.post("/v1/embeddings", asked | {"dimensions": 384}).status_code == 200


@pytest.mark.parametrize("dim", [32, 100, 384])
def test_any_dimension_of_a_models_range_is_returned(
    ranged: RunningServer, minilm: Any, dim: int
) -> None:
    asked = {"model": "ranged", "input": TEXTS[0], "dimensions": dim}
    (one,) = ranged.post("/v1/embeddings", asked).json()["data"]
    whole = minilm.encode(TEXTS[:1])[0, :dim]
    np.testing.assert_allclose(one["embedding"], whole / np.linalg.norm(whole), atol=1e-6)


@pytest.mark.parametrize("dim", [31, 385])
def test_a_dimension_beyond_a_models_range_is_refused_with_the_range(
    ranged: RunningServer, dim: int
) -> None:
    asked = {"model": "ranged", "input": "x", "dimensions": dim}
    found = error_of(ranged.post("/v1/embeddings", asked))
    assert (found["status"], found["code"]) == (422, "invalid_dimension")
    assert (found["dimensions"], found["dimension_range"]) == ([384], [32, 384])
    assert found["message"] == f"'ranged' has no vectors of {dim} dimensions; ask for 32 to 384"
    listed = ranged.client.get("/v1/models/ranged").json()
    assert (listed["dimensions"], listed["dimension_range"]) == ([384], [32, 384])


def test_a_text_that_is_too_long_is_refused_with_its_index(server: RunningServer) -> None:
    asked = {"model": "minilm", "input": ["short", "long " * 400]}
    found = error_of(server.post("/v1/embeddings", asked))
    assert (found["status"], found["code"]) == (422, "text_too_long")
    assert (found["index"], found["limit_tokens"]) == (1, 256)
    assert "truncate: true" in found["message"]


def test_a_text_that_is_cut_is_counted(server: RunningServer) -> None:
    asked = {"model": "minilm", "input": ["short", "long " * 400], "truncate": True}
    usage = server.post("/v1/embeddings", asked).json()["usage"]
    assert usage == {
        "prompt_tokens": 3 + 256,
        "total_tokens": 3 + 256,
        "truncated_texts": 1,
        "truncated_tokens": 402 - 256,
    }


def test_vectors_that_are_not_expected_are_refused(server: RunningServer, minilm: Any) -> None:
    asked = {"model": "minilm", "input": "x", "expect_fingerprint": minilm.fingerprint}
    assert server.post("/v1/embeddings", asked).status_code == 200
    refused = server.post("/v1/embeddings", asked | {"expect_fingerprint": "sha256:other"})
    assert (refused.status_code, error_of(refused)["code"]) == (409, "fingerprint_mismatch")
    by_header = server.post(
        "/embed", {"model": "minilm", "inputs": "x"}, x_holotype_expect_fingerprint="sha256:other"
    )
    assert by_header.status_code == 409


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "minilm", "input": []}, 400, "invalid_request"),
        ({"model": "minlm", "input": "x"}, 404, "model_not_found"),
        ({"model": "minilm"}, 422, "unprocessable"),
        ({"model": "minilm", "input": "x", "dimension": 8}, 422, "unprocessable"),
        ({"model": "minilm", "input": [1.5]}, 422, "unprocessable"),
        ({"model": "minilm", "input": "x", "input_type": "quary"}, 422, "unprocessable"),
        ({"model": "minilm", "input": "x", "task": "separation"}, 422, "unprocessable"),
        ({"model": "reranker", "input": "x"}, 422, "unprocessable"),
        ({"model": "minilm", "input": ["x"] * 301}, 413, "body_too_large"),
        ({"model": "broken", "input": "x"}, 424, "load_failed"),
    ],
)
def test_a_wrong_request_is_answered_in_the_shape_of_openai(
    server: RunningServer, body: dict[str, Any], status: int, code: str
) -> None:
    response = server.post("/v1/embeddings", body)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, code)
    assert error["message"] and error["request_id"] == response.headers["x-request-id"]


def test_a_name_that_is_wrong_gets_suggestions(server: RunningServer) -> None:
    body = server.post("/embed", {"model": "minlm", "inputs": "x"}).json()
    assert body["suggestions"] == ["minilm"]
    assert body["type"] == "urn:holotype:problem:model_not_found"


def test_a_fallback_says_that_it_answered(server: RunningServer) -> None:
    response = server.post("/v1/embeddings", {"model": "safe", "input": "x"})
    assert response.status_code == 200
    assert response.headers["x-holotype-model"] == "safe"
    assert response.headers["x-holotype-served-by"] == "minilm"


@pytest.mark.parametrize(
    ("path", "body", "hint"),
    [
        ("/embed_sparse", {"model": "safe", "inputs": "x"}, "only models of the kind 'sparse'"),
        ("/embed_all", {"model": "safe", "inputs": "x"}, "only models of the kind 'colbert'"),
        ("/embed", {"model": "safe-sparse", "inputs": "x"}, "it has no single vector for a text"),
    ],
)
def test_a_fallback_of_another_kind_than_is_asked_for_is_refused(
    server: RunningServer, path: str, body: dict[str, Any], hint: str
) -> None:
    response = server.post(path, body)
    assert response.status_code == 422
    assert hint in response.json()["detail"]


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/v2/rerank"])
def test_a_number_that_is_too_small_is_refused_with_its_limit(
    server: RunningServer, path: str
) -> None:
    body = {"model": "reranker", "query": "q", "documents": ["a"], "top_n": 0}
    response = server.post(path, body)
    assert response.status_code == 422
    assert "top_n: found 0, expected 1 or more" in error_of(response)["detail"]


def test_rerank_in_the_shape_of_jina(server: RunningServer) -> None:
    asked = {"model": "reranker", "query": "fish", "documents": [*TEXTS, {"text": "more"}]}
    body = server.post("/v1/rerank", asked | {"top_n": 2, "return_documents": True}).json()
    scores = [each["relevance_score"] for each in body["results"]]
    assert len(scores) == 2 and scores == sorted(scores, reverse=True)
    texts = [*TEXTS, "more"]
    for each in body["results"]:
        assert each["document"] == {"text": texts[each["index"]]}
    assert body["usage"]["total_tokens"] > 0


def test_rerank_in_the_shape_of_tei_gives_the_same_order(server: RunningServer) -> None:
    jina = server.post("/v2/rerank", {"model": "reranker", "query": "q", "documents": TEXTS}).json()
    tei = server.post(
        "/rerank", {"model": "reranker", "query": "q", "texts": TEXTS, "return_text": True}
    ).json()
    assert [each["index"] for each in tei] == [each["index"] for each in jina["results"]]
    assert tei[0]["text"] == TEXTS[tei[0]["index"]]


def test_rerank_with_both_shapes_or_none_is_refused(server: RunningServer) -> None:
    for more in ({}, {"texts": ["a"], "documents": ["a"]}):
        response = server.post("/rerank", {"model": "reranker", "query": "q", **more})
        assert response.status_code == 422


def test_classify_returns_every_label(server: RunningServer) -> None:
    body = server.post("/classify", {"model": "emotions", "input": TEXTS}).json()
    assert len(body["data"]) == 3
    for row in body["data"]:
        assert {each["label"] for each in row} == set(NAMES.values())
        assert sum(each["score"] for each in row) == pytest.approx(1, abs=1e-5)
    raw = server.post("/classify", {"model": "emotions", "input": TEXTS, "raw_scores": True})
    logits = {each["label"]: each["score"] for each in raw.json()["data"][0]}
    scores = {each["label"]: each["score"] for each in body["data"][0]}
    assert np.log(scores["joy"] / scores["fear"]) == pytest.approx(
        logits["joy"] - logits["fear"], abs=1e-4
    )


def test_predict_takes_texts_and_pairs(server: RunningServer) -> None:
    def predict(inputs: Any) -> Any:
        return server.post("/predict", {"model": "emotions", "inputs": inputs}).json()

    one, pair = predict("a text"), predict(["a text", "another"])
    assert len(one) == len(pair) == 3 and one != pair
    assert predict([["a text"], ["a text", "another"]]) == [
        [{"label": e["label"], "score": pytest.approx(e["score"], abs=1e-5)} for e in row]
        for row in (one, pair)
    ]


def test_a_builtin_classifier_answers(server: RunningServer) -> None:
    body = server.post("/classify", {"model": "pii", "input": ["write to a@example.com"]}).json()
    assert body["data"][0][0]["label"] == "email"
    assert body["usage"]["total_tokens"] is None


@pytest.mark.parametrize("inputs", [["mail a@b.com", "b"], [["a", "b"]], [["a"], ["a", "b"]]])
def test_a_pair_for_a_model_of_single_texts_is_refused(server: RunningServer, inputs: Any) -> None:
    for model in ("pii", "safe-pii"):
        response = server.post("/predict", {"model": model, "inputs": inputs})
        assert (response.status_code, error_of(response)["code"]) == (422, "unsupported_input")
        assert response.json()["detail"] == (
            f'{model!r} reads single texts, not pairs; send inputs as [["first text"], '
            '["second text"]]'
        )
    # What it says is right.
    right = server.post("/predict", {"model": "pii", "inputs": [["mail a@b.com"], ["b"]]})
    assert [len(row) for row in right.json()] == [1, 0]


@pytest.mark.parametrize("path", ["/classify", "/predict"])
def test_raw_scores_of_what_has_none_are_refused(server: RunningServer, path: str) -> None:
    field = "input" if path == "/classify" else "inputs"
    response = server.post(path, {"model": "pii", field: "a", "raw_scores": True})
    assert response.status_code == 422
    assert response.json()["detail"] == (
        "'pii' has no raw scores: its scores are not made of logits; leave raw_scores out"
    )
    raw = server.post(path, {"model": "emotions", field: "a", "raw_scores": True})
    assert raw.status_code == 200


def test_a_load_that_failed_advises_what_a_deployment_has(server: RunningServer) -> None:
    detail = error_of(server.post("/embed", {"model": "broken", "inputs": "a"}))["detail"]
    assert "checkpoint=" not in detail


def test_sparse_vectors_are_those_of_the_model(server: RunningServer) -> None:
    found = server.post("/embed_sparse", {"model": "sparse", "inputs": TEXTS[:2]}).json()
    with server.state.pool.acquire("sparse") as lease:
        expected = lease.model.encode(TEXTS[:2])
    for row, vector in zip(found, expected, strict=True):
        assert [each["index"] for each in row] == vector.indices.tolist()
        np.testing.assert_allclose([each["value"] for each in row], vector.values, rtol=1e-5)


def test_embed_and_similarity_in_the_shape_of_tei(server: RunningServer, minilm: Any) -> None:
    vectors = server.post("/embed", {"model": "minilm", "inputs": TEXTS}).json()
    np.testing.assert_allclose(vectors, minilm.encode(TEXTS), atol=1e-6)
    inputs = {"source_sentence": TEXTS[0], "sentences": TEXTS}
    scores = server.post("/similarity", {"model": "minilm", "inputs": inputs}).json()
    assert scores[0] == pytest.approx(1, abs=1e-5) and scores[1] < 0.9


def test_vectors_of_another_length_than_the_models_are_refused(server: RunningServer) -> None:
    asked = {"model": "minilm", "inputs": "x", "normalize": False}
    assert server.post("/embed", asked).status_code == 422
    assert server.post("/embed", asked | {"normalize": True}).status_code == 200


def test_tokens_have_their_places(server: RunningServer) -> None:
    (tokens,) = server.post("/tokenize", {"model": "minilm", "inputs": "Fish swim"}).json()
    assert [each["special"] for each in tokens] == [True, False, False, True]
    assert [(each["start"], each["stop"]) for each in tokens[1:3]] == [(0, 4), (5, 9)]


def test_models_say_what_they_take(server: RunningServer, minilm: Any) -> None:
    found = {each["id"]: each for each in server.client.get("/v1/models").json()["data"]}
    one = found["minilm"]
    assert (one["kind"], one["dimensions"], one["max_tokens"]) == ("dense", [384], 256)
    assert one["dimension_range"] is None
    assert one["fingerprint"] == minilm.fingerprint
    assert server.client.get("/v1/models/minilm").json() == one
    assert server.client.get("/v1/models/minlm").json()["error"]["suggestions"] == ["minilm"]


def test_models_say_before_they_are_loaded_what_they_say_then(
    minilm_folder: Path, bert_folder: Path, tmp_path: Path
) -> None:
    language_model = save_language_model(tmp_path / "language-model")
    splade = SparseEncoder(
        modules=[MLMTransformer(str(language_model)), SpladePooling("max")], device="cpu"
    )
    splade.save(str(tmp_path / "sparse"))
    rerank = {"query": "fish", "documents": ["a", "b"]}
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "minilm": ("/v1/embeddings", {"input": "x"}),
        "short": ("/v1/embeddings", {"input": "x"}),
        "sparse": ("/embed_sparse", {"inputs": "x"}),
        "reranker": ("/v1/rerank", rerank),
        "emotions": ("/classify", {"input": "x"}),
    }
    emotions = save_head(tmp_path / "emotions", "Bert", num_labels=3, id2label=NAMES)
    deployment = write_deployment(
        tmp_path,
        {
            "minilm": local(minilm_folder),
            "short": local(minilm_folder, "inference: {max_length: 64}"),
            "sparse": local(tmp_path / "sparse"),
            "reranker": local(save_head(tmp_path / "reranker", "Bert", num_labels=1)),
            "emotions": local(emotions),
            "broken": local(tmp_path / "nowhere"),
            "nomic": "{source: 'catalogue:nomic-embed-text-v1.5'}",
            "qwen": "{source: 'catalogue:qwen3-embedding-0.6b'}",
            "both": "{ensemble: {of: {minilm: 0.5, short: 0.5}, combine: mean}}",
        },
    )
    known = ("kind", "dimensions", "labels", "prompts")
    with running_server(deployment=str(deployment)) as server:

        def described() -> dict[str, dict[str, Any]]:
            found = server.client.get("/v1/models").json()["data"]
            return {each["id"]: each for each in found}

        before = described()
        assert {each.get("state", "cold") for each in before.values()} == {"cold"}
        for name, (path, body) in calls.items():
            assert server.post(path, {"model": name, **body}).status_code == 200, name
        after = described()
    for name in calls:
        assert after[name]["state"] == "ready"
        cold, warm = ({key: each[name][key] for key in known} for each in (before, after))
        assert cold == warm, name
        # The limit of a folder without a record is read at the load.
        assert before[name]["max_tokens"] in (None, after[name]["max_tokens"])
    assert before["short"]["max_tokens"] == 64
    assert before["broken"]["kind"] is None
    assert before["nomic"]["dimensions"] == [64, 128, 256, 512, 768]
    assert before["qwen"]["dimension_range"] == [32, 1024]
    assert before["nomic"]["max_tokens"] == 8192
    assert before["nomic"]["prompts"]["query"] == "search_query: "
    assert (before["both"]["kind"], before["both"]["members"]) == ("ensemble", ["minilm", "short"])


def test_a_request_that_names_no_model_gets_the_only_one_that_fits(server: RunningServer) -> None:
    pair = {"query": "fish", "texts": TEXTS}
    for path, body, name in (
        ("/embed", {"inputs": "x"}, "minilm"),
        ("/similarity", {"inputs": {"source_sentence": "x", "sentences": ["y"]}}, "minilm"),
        ("/embed_sparse", {"inputs": "x"}, "sparse"),
        ("/rerank", pair, "reranker"),
    ):
        response = server.post(path, body)
        assert response.status_code == 200, response.text
        assert response.headers["x-holotype-model"] == name
    several = server.post("/predict", {"inputs": "x"})
    assert several.status_code == 422
    assert "several of the kind 'classifier': emotions, pii;" in several.json()["detail"]
    # Of these, no kind is known.
    assert "broken, safe" in server.post("/embed_all", {"inputs": "x"}).json()["detail"]


def test_the_default_model_is_named_by_a_header(server: RunningServer) -> None:
    refused = server.post("/tokenize", {"inputs": "x"})
    assert refused.status_code == 422 and "minilm" in refused.json()["detail"]
    named = server.post("/tokenize", {"inputs": "x"}, x_holotype_model_name="minilm")
    assert named.headers["x-holotype-model"] == "minilm"
    info = server.client.get("/info", headers={"x-holotype-model-name": "minilm"}).json()
    assert (info["model_id"], info["max_input_length"]) == ("minilm", 256)


def test_metrics_have_no_names_but_those_of_the_deployment(server: RunningServer) -> None:
    server.post("/v1/embeddings", {"model": "minilm", "input": "x", "user": "an-attacker"})
    server.post("/v1/embeddings", {"model": "evil-name", "input": "x"})
    server.client.get("/evil-path")
    text = server.client.get("/metrics").text
    assert 'holotype_batches_total{model="minilm",variant="default"}' in text
    assert 'holotype_http_requests_total{route="/v1/embeddings",status="200"}' in text
    assert "evil" not in text and "attacker" not in text


def test_metrics_name_routes_as_a_client_writes_them(server: RunningServer) -> None:
    for path in ("/api/pool", "/api/models/", "/api/nowhere", "/v1/models/minilm", "/health"):
        server.client.get(path)
    found = server.client.get("/metrics").text
    routes = set(re.findall(r'holotype_http_requests_total\{route="([^"]*)"', found))
    assert routes >= {"/api/pool", "/api/models/", "/v1/models/{name}", "/health", "other"}
    assert not {route for route in routes if route.startswith(("/pool", "/models"))}


def test_each_client_names_the_side_whose_prompt_is_put_before_a_text(
    save_dense: Any, tmp_path: Path
) -> None:
    folder = save_dense(
        Pooling(HIDDEN_DIM, "mean"), prompts={"query": "query: ", "document": "passage: "}
    )
    deployment = write_deployment(tmp_path, {"m": local(folder, "preload: true")})
    with running_server(deployment=str(deployment)) as server:
        with server.state.pool.acquire("m") as lease:
            expected = {
                "query": lease.model.encode_query("bread"),
                "document": lease.model.encode_document("bread"),
                None: lease.model.encode("bread"),
            }
        assert len({vector.tobytes() for vector in expected.values()}) == 3
        for more, side in (
            ({}, None),
            ({"input_type": "query"}, "query"),
            ({"input_type": "search_document"}, "document"),
            ({"task": "retrieval.query"}, "query"),
            ({"task": "retrieval.passage"}, "document"),
        ):
            body = server.post("/v1/embeddings", {"model": "m", "input": "bread", **more}).json()
            vector = body["data"][0]["embedding"]
            np.testing.assert_allclose(vector, expected[side], atol=1e-6, err_msg=str(more))
        for prompt_name in ("query", "document", None):
            asked = {"inputs": "bread", "prompt_name": prompt_name}
            (vector,) = server.post("/embed", asked).json()
            np.testing.assert_allclose(vector, expected[prompt_name], atol=1e-6)


def test_a_colbert_model_has_a_vector_for_every_token(save_colbert: Any, tmp_path: Path) -> None:
    folder = save_colbert(prompts={"query": "[unused0] ", "document": "[unused1] "})
    deployment = write_deployment(tmp_path, {"late": local(folder)})
    with running_server(deployment=str(deployment)) as server:
        asked = {"inputs": "a query", "prompt_name": "query"}
        (found,) = server.post("/embed_all", asked).json()
        with server.state.pool.acquire("late") as lease:
            expected = lease.model.encode_query("a query")
            document = lease.model.encode_document("a query")
            neither = lease.model.encode("a query")
        np.testing.assert_allclose(found, expected, atol=1e-5)
        # Without a side, a text is a document: vectors of neither side fit no index.
        (found,) = server.post("/embed_all", {"inputs": "a query"}).json()
        np.testing.assert_allclose(found, document, atol=1e-5)
        (found,) = server.post("/embed_all", {"inputs": "a query", "input_type": "text"}).json()
        np.testing.assert_allclose(found, neither, atol=1e-5)
        assert len(document) > len(neither)
        assert server.post("/embed_sparse", {"inputs": "x"}).status_code == 422


def test_a_colbert_model_ranks_texts(save_colbert: Any, tmp_path: Path) -> None:
    folder = save_colbert()
    deployment = write_deployment(tmp_path, {"late": local(folder)})
    documents = ["what eats fish", "a bird", "a cat eats a fish"]
    with running_server(deployment=str(deployment)) as server:
        asked = {"model": "late", "query": "what eats fish", "documents": documents}
        body = server.post("/v1/rerank", asked).json()
        with server.state.pool.acquire("late") as lease:
            model = lease.model
            expected = model.similarity(
                model.encode_query(["what eats fish"]), model.encode_document(documents)
            )[0]
            lengths = model.measure(documents, "document").n_tokens
            lengths += model.measure(["what eats fish"], "query").n_tokens
        found = {one["index"]: one["relevance_score"] for one in body["results"]}
        np.testing.assert_allclose([found[at] for at in range(3)], expected, atol=1e-4)
        assert body["usage"]["total_tokens"] == lengths
        assert "images" not in body["usage"]
