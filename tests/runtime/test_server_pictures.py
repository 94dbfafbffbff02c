"""Pictures over HTTP: vectors and captions are those of the model, and strangers reach no file."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.pictures import broken_files, encoded, photograph, unusual_files
from tests.runtime.image_models import blip, clip, colpali
from tests.runtime.server_process import RunningServer, local, running_server, write_deployment

from holotype import load
from holotype.encoders.captioner import Captioner
from holotype.encoders.colbert import ColbertEncoder
from holotype.encoders.image_text import ImageTextEncoder

PICTURES = [photograph(40, 60), photograph(33, 20, seed=1)]
FILES = [encoded(PICTURES[0]), encoded(PICTURES[1], "JPEG")]
MOST = 20_000


def uri(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models")
    clip(made / "clip")
    blip(made / "captions")
    colpali(made / "pages")
    return made


@pytest.fixture(scope="module")
def server(
    folder: Path, minilm_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    models = {name: local(folder / name) for name in ("clip", "captions", "pages")}
    models["minilm"] = local(minilm_folder)
    models["safe"] = local(folder / "nowhere", "fallback: [clip]", "allow_different_vectors: true")
    deployment = write_deployment(tmp_path_factory.mktemp("server"), models)
    with running_server(deployment=str(deployment), max_texts=8, max_pixels=MOST) as running:
        yield running


@pytest.fixture(scope="module")
def encoder(folder: Path) -> ImageTextEncoder:
    found = load(folder / "clip", device="cpu")
    assert isinstance(found, ImageTextEncoder)
    return found


def vectors_of(response: Any) -> Any:
    assert response.status_code == 200, response.text
    return np.array([one["embedding"] for one in response.json()["data"]], dtype=np.float32)


def refusal(response: Any) -> tuple[int, str, str, str]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["param"], error["message"]


def test_pictures_have_the_vectors_of_the_model(
    server: RunningServer, encoder: ImageTextEncoder
) -> None:
    items = [{"image": uri(FILES[0])}, {"image": base64.b64encode(FILES[1]).decode()}]
    response = server.post("/v1/embeddings", {"model": "clip", "input": items})
    np.testing.assert_allclose(vectors_of(response), encoder.encode_image(FILES), atol=1e-6)
    body = response.json()
    assert body["usage"] == {"prompt_tokens": 0, "total_tokens": 0, "images": 2}
    assert body["fingerprint"] == encoder.fingerprint
    assert response.headers["x-holotype-fingerprint"] == encoder.fingerprint
    assert response.headers["x-holotype-model"] == "clip"


def test_a_data_uri_is_one_in_any_case(server: RunningServer, encoder: ImageTextEncoder) -> None:
    written = base64.b64encode(FILES[0]).decode()
    items = [{"image": f"DATA:IMAGE/PNG;BASE64,{written}"}, {"image": f"data:;base64,{written}"}]
    response = server.post("/v1/embeddings", {"model": "clip", "input": items})
    theirs = encoder.encode_image([FILES[0]] * 2)
    np.testing.assert_allclose(vectors_of(response), theirs, atol=1e-6)


def test_requests_of_several_clients_at_once_get_their_own_vectors(
    server: RunningServer, encoder: ImageTextEncoder
) -> None:
    drawn = [encoded(photograph(20 + seed, 40, seed=seed)) for seed in range(8)]

    def ask(content: bytes) -> Any:
        given = [{"image": uri(content)}]
        return vectors_of(server.post("/v1/embeddings", {"model": "clip", "input": given}))[0]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, drawn))
    theirs = [encoder.encode_image(content) for content in drawn]
    np.testing.assert_allclose(found, theirs, atol=1e-6)


def test_texts_among_pictures_keep_their_places(
    server: RunningServer, encoder: ImageTextEncoder
) -> None:
    items = [
        {"text": "a cat"},
        {"image": uri(FILES[0])},
        {"text": "the red dog"},
        {"image": uri(FILES[1])},
    ]
    asked = {"model": "clip", "input": items, "encoding_format": "base64", "input_type": "query"}
    response = server.post("/v1/embeddings", asked)
    data = response.json()["data"]
    found = np.array([np.frombuffer(base64.b64decode(one["embedding"]), "<f4") for one in data])
    texts, pictures = encoder.encode_query(["a cat", "the red dog"]), encoder.encode_image(FILES)
    theirs = [texts[0], pictures[0], texts[1], pictures[1]]
    np.testing.assert_allclose(found, theirs, atol=1e-6)
    n_tokens = int(encoder.count_tokens(["a cat", "the red dog"]).sum())
    assert response.json()["usage"] == {
        "prompt_tokens": n_tokens,
        "total_tokens": n_tokens,
        "images": 2,
    }


def test_texts_alone_come_in_every_form(server: RunningServer, encoder: ImageTextEncoder) -> None:
    theirs = encoder.encode(["a cat", "a dog"])
    for given in (["a cat", "a dog"], [{"text": "a cat"}, {"text": "a dog"}]):
        response = server.post("/v1/embeddings", {"model": "clip", "input": given})
        np.testing.assert_allclose(vectors_of(response), theirs, atol=1e-6)
        assert response.json()["usage"]["prompt_tokens"] > 0


def test_a_fallback_reads_pictures_too(server: RunningServer, encoder: ImageTextEncoder) -> None:
    items = [{"image": uri(FILES[0])}, {"text": "a cat"}]
    response = server.post("/v1/embeddings", {"model": "safe", "input": items})
    theirs = [encoder.encode_image(FILES[0]), encoder.encode("a cat")]
    np.testing.assert_allclose(vectors_of(response), theirs, atol=1e-6)
    assert response.headers["x-holotype-served-by"] == "clip"


def test_other_vectors_than_expected_are_refused(server: RunningServer) -> None:
    asked: dict[str, Any] = {"model": "clip", "input": [{"image": uri(FILES[0])}]}
    found = refusal(server.post("/v1/embeddings", {**asked, "expect_fingerprint": "other"}))
    assert found[:2] == (409, "fingerprint_mismatch")
    found = refusal(server.post("/v1/embeddings", {**asked, "dimensions": 5}))
    assert found[:2] == (422, "invalid_dimension")


@pytest.mark.parametrize("model", ["minilm", "pages", "captions"])
def test_other_kinds_have_no_vectors_of_pictures(server: RunningServer, model: str) -> None:
    asked = {"model": model, "input": [{"image": uri(FILES[0])}]}
    status, code, _, message = refusal(server.post("/v1/embeddings", asked))
    assert (status, code) == (422, "unprocessable")
    assert "'image-text'" in message


def wrong(folder: Path) -> list[tuple[str, str]]:
    readable = folder / "picture.png"
    readable.write_bytes(FILES[0])
    return [
        ("https://example.org/cat.jpg", "fetches nothing"),
        ("file:///etc/hostname", "fetches nothing"),
        (str(readable), "no base64"),
        ("picture.png", "no base64"),
        (base64.b64encode(str(readable).encode()).decode(), "expected PNG, JPEG, WebP or GIF"),
        ("", "is empty"),
        ("data:text/plain;base64,eA==", "expected data:image/png"),
        ("data:image/png;base64,!", "base64 cannot be decoded"),
        (uri(FILES[0][:60]), "cannot be decoded"),
        (uri(encoded(PICTURES[0], "TIFF")), "expected PNG, JPEG, WebP or GIF"),
    ]


def test_what_is_no_picture_is_refused_by_its_field(server: RunningServer, tmp_path: Path) -> None:
    for text, words in wrong(tmp_path):
        items = [{"image": uri(FILES[0])}, {"image": text}]
        response = server.post("/v1/embeddings", {"model": "clip", "input": items})
        status, code, field, message = refusal(response)
        assert (status, code, field) == (422, "invalid_image", "input[1].image"), text
        assert words in message
        response = server.post("/v1/captions", {"model": "captions", "input": [text]})
        assert refusal(response)[:3] == (422, "invalid_image", "input[0]"), text


def test_unusual_files_are_the_pictures_that_they_hold(
    server: RunningServer, encoder: ImageTextEncoder, folder: Path
) -> None:
    files = unusual_files().values()
    items = [{"image": uri(content)} for content, _ in files]
    response = server.post("/v1/embeddings", {"model": "clip", "input": items})
    theirs = encoder.encode_image([image for _, image in files])
    np.testing.assert_allclose(vectors_of(response), theirs, atol=1e-6)
    found = server.post("/v1/captions", {"model": "captions", "input": items}).json()["data"]
    with load(folder / "captions", device="cpu") as captioner:
        assert isinstance(captioner, Captioner)
        captions = captioner.caption([image for _, image in files])
    assert [one["text"] for one in found] == [one.text for one in captions]


@pytest.mark.parametrize("name", broken_files())
def test_broken_files_are_refused_by_their_field(server: RunningServer, name: str) -> None:
    items = [{"image": uri(FILES[0])}, {"image": uri(broken_files()[name])}]
    for route, model in (("/v1/embeddings", "clip"), ("/v1/captions", "captions")):
        status, code, field, _ = refusal(server.post(route, {"model": model, "input": items}))
        assert (status, code) == (422, "invalid_image")
        assert field.startswith("input[1]")


def test_pictures_are_bounded_before_they_are_decoded(server: RunningServer) -> None:
    large = uri(encoded(Image.new("L", (200, 101))))
    for items in ([{"image": large}], [{"image": uri(encoded(Image.new("L", (100, 90))))}] * 3):
        response = server.post("/v1/embeddings", {"model": "clip", "input": items})
        status, code, _, message = refusal(response)
        assert (status, code) == (413, "body_too_large")
        assert f"{MOST:,}" in message
    small = [{"image": uri(encoded(Image.new("L", (1, 1))))}]
    response = server.post("/v1/embeddings", {"model": "clip", "input": small * 9})
    assert refusal(response)[:3] == (413, "body_too_large", "input")


def test_captions_are_those_of_the_model(server: RunningServer, folder: Path) -> None:
    with load(folder / "captions", device="cpu") as captioner:
        assert isinstance(captioner, Captioner)
        theirs, fingerprint = captioner.caption(FILES), captioner.fingerprint
    given = [{"image": uri(FILES[0])}, uri(FILES[1])]
    response = server.post("/v1/captions", {"model": "captions", "input": given})
    body = response.json()
    assert [one["text"] for one in body["data"]] == [one.text for one in theirs]
    assert [one["score"] for one in body["data"]] == pytest.approx([one.score for one in theirs])
    assert body["usage"]["images"] == 2
    assert body["usage"]["completion_tokens"] == sum(one.n_tokens for one in theirs)
    assert body["fingerprint"] == response.headers["x-holotype-fingerprint"] == fingerprint
    one = server.post("/v1/captions", {"model": "captions", "input": given[0]}).json()
    assert [each["text"] for each in one["data"]] == [theirs[0].text]


def test_captions_come_from_captioners_that_are_expected(server: RunningServer) -> None:
    given = uri(FILES[0])
    found = refusal(server.post("/v1/captions", {"model": "clip", "input": given}))
    assert found[0] == 422
    assert "'captioner'" in found[3]
    asked = {"model": "captions", "input": given, "expect_fingerprint": "other"}
    assert refusal(server.post("/v1/captions", asked))[:2] == (409, "fingerprint_mismatch")
    nothing: dict[str, Any] = {"model": "captions", "input": []}
    assert refusal(server.post("/v1/captions", nothing))[0] == 400


@pytest.fixture(scope="module")
def pages(folder: Path) -> ColbertEncoder:
    found = load(folder / "pages", device="cpu")
    assert isinstance(found, ColbertEncoder)
    return found


def test_pages_have_a_vector_for_every_part(server: RunningServer, pages: ColbertEncoder) -> None:
    items = [{"image": uri(FILES[0])}, {"image": base64.b64encode(FILES[1]).decode()}]
    response = server.post("/embed_all", {"model": "pages", "inputs": items})
    assert response.status_code == 200, response.text
    for ours, theirs in zip(response.json(), pages.encode_image(FILES), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert response.headers["x-holotype-fingerprint"] == pages.fingerprint
    # The only model of this kind need not be named.
    (one,) = server.post("/embed_all", {"inputs": items[0]}).json()
    np.testing.assert_allclose(one, pages.encode_image(FILES[0]), atol=1e-6)
    asked = {"model": "pages", "inputs": "a cat", "input_type": "query"}
    (query,) = server.post("/embed_all", asked).json()
    np.testing.assert_allclose(query, pages.encode_query("a cat"), atol=1e-6)


def test_what_pages_are_not_is_refused(server: RunningServer) -> None:
    items = [{"image": uri(FILES[0])}, {"image": "https://example.org/cat.jpg"}]
    found = refusal_of_problem(server.post("/embed_all", {"model": "pages", "inputs": items}))
    assert found[:2] == (422, "invalid_image")
    assert "inputs[1].image" in found[2]
    for asked, words in [
        ({"model": "pages", "inputs": "a cat"}, "'pages' reads pages, which are pictures"),
        ({"model": "pages", "inputs": "a cat", "input_type": "text"}, "'pages' reads pages, which"),
        ({"model": "pages", "inputs": items[:1], "input_type": "query"}, "input_type says query"),
        ({"model": "pages", "inputs": items[:1], "prompt_name": "query"}, "prompt_name says query"),
        ({"model": "pages", "inputs": []}, "send at least one item"),
        ({"model": "pages", "inputs": ["a cat", items[0]]}, "inputs"),
        ({"model": "clip", "inputs": items[:1]}, "the kind 'colbert'"),
        ({"model": "pages", "inputs": items[:1], "dimensions": 8}, "leave them out"),
    ]:
        response = server.post("/embed_all", asked)
        assert response.status_code in (400, 422)
        assert words in response.text
        assert "encode_" not in response.text
    stated = {"model": "pages", "inputs": items[:1], "input_type": "document"}
    assert server.post("/embed_all", stated).status_code == 200
    asked = {"model": "pages", "inputs": items[:1], "expect_fingerprint": "other"}
    assert refusal_of_problem(server.post("/embed_all", asked))[:2] == (409, "fingerprint_mismatch")


def refusal_of_problem(response: Any) -> tuple[int, str, str]:
    body = response.json()
    return response.status_code, body["code"], body["detail"]


def test_pages_are_ranked_by_the_scores_of_the_model(
    server: RunningServer, pages: ColbertEncoder
) -> None:
    documents = [{"image": uri(file)} for file in (*FILES, encoded(photograph(50, 20, seed=3)))]
    asked = {"query": "a red cat", "documents": documents, "return_documents": True, "top_n": 2}
    files = [*FILES, encoded(photograph(50, 20, seed=3))]
    theirs = pages.similarity(pages.encode_query(["a red cat"]), pages.encode_image(files))[0]
    for extra in ({"model": "pages"}, {}):
        body = server.post("/v1/rerank", asked | extra).json()
        order = np.argsort(-theirs)[:2].tolist()
        assert [one["index"] for one in body["results"]] == order
        scores = [one["relevance_score"] for one in body["results"]]
        assert scores == pytest.approx(theirs[order].tolist(), abs=1e-4)
        assert body["results"][0]["document"] == documents[order[0]]
        assert body["usage"]["images"] == 3
        assert body["usage"]["total_tokens"] == int(pages.measure(["a red cat"], "query").n_tokens)


def test_pages_that_cannot_be_ranked_are_refused(server: RunningServer) -> None:
    page = {"image": uri(FILES[0])}
    for documents, words in [
        ([page, "a text"], "documents[1] has no image"),
        ([page, {"text": "a text"}], "documents[1] has no image"),
        ([page, {"image": 5}], "documents[1] has no image"),
        ([page, {"image": uri(FILES[0][:50])}], "documents[1].image cannot be decoded"),
    ]:
        asked = {"model": "pages", "query": "a cat", "documents": documents}
        response = server.post("/v1/rerank", asked)
        assert response.status_code == 422
        assert words in response.text
    asked = {"model": "clip", "query": "a cat", "documents": [page]}
    assert "'colbert'" in server.post("/v1/rerank", asked).text
    texts = {"model": "pages", "query": "a cat", "documents": ["a text"]}
    # Mistakes of a client take the model from nobody.
    for _ in range(6):
        response = server.post("/v1/rerank", texts)
        assert response.status_code == 422
        assert "'pages' reads pages, which are pictures" in response.text
        assert "encode_" not in response.text
    right = {"model": "pages", "query": "a cat", "documents": [page]}
    assert server.post("/v1/rerank", right).status_code == 200


def test_the_list_of_models_has_their_kinds(server: RunningServer) -> None:
    server.post("/v1/captions", {"model": "captions", "input": uri(FILES[0])})
    kinds = {one["id"]: one["kind"] for one in server.client.get("/v1/models").json()["data"]}
    assert (kinds["clip"], kinds["captions"]) == ("image-text", "captioner")
    found = server.post("/tokenize", {"model": "captions", "inputs": "a cat"})
    assert found.status_code == 422
    assert server.post("/tokenize", {"model": "clip", "inputs": "a cat"}).status_code == 200
