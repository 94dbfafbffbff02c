"""How the built page is served, and what a server without one says."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from holotype.server import page

BROWSER = {"accept": "text/html,application/xhtml+xml", "accept-encoding": "gzip"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page as a build writes it."""
    built = tmp_path / "page"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<title>the page</title>")
    (built / "assets" / "index-1a2b.js").write_text("// a program\n" * 1000)
    return built


@pytest.fixture
def client(folder: Path) -> TestClient:
    """A client of a server with two APIs and the page."""
    app = FastAPI()

    @app.get("/api/pool")
    def pool() -> str:
        return "x" * 5000

    @app.get("/models")
    def models() -> list[str]:
        return ["search"]

    @app.post("/v1/embeddings")
    def embeddings() -> str:
        return "vectors"

    page.mount(app, folder)
    return TestClient(app, headers=BROWSER)


@pytest.mark.parametrize(
    "path", ["/", "/pool", "/models/text_embedding", "/catalogue/bge-base-en-v1.5"]
)
def test_every_view_is_the_index(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, "the page" in answer.text) == (200, True)
    assert answer.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_files_with_a_digest_are_kept_and_compressed(client: TestClient) -> None:
    answer = client.get("/assets/index-1a2b.js")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"


def test_a_missing_file_is_not_kept(client: TestClient) -> None:
    answer = client.get("/assets/index-0000.js", headers={"accept": "*/*"})
    assert answer.status_code == 404
    assert "immutable" not in client.get("/assets/index-0000.js").headers.get("cache-control", "")


@pytest.mark.parametrize("path", ["/api/none", "/v1/none"])
def test_a_misspelt_call_of_an_api_is_not_the_page(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_apis_answer_as_before(client: TestClient) -> None:
    answer = client.get("/api/pool")
    assert answer.status_code == 200
    assert "content-security-policy" not in answer.headers
    assert "content-encoding" not in answer.headers
    assert client.get("/v1/embeddings").status_code == 405
    assert client.post("/v1/embeddings").text == '"vectors"'


def test_an_address_of_both_is_the_page_for_browsers_and_the_api_for_programs(
    client: TestClient,
) -> None:
    assert "the page" in client.get("/models").text
    for accept in ("*/*", "application/json"):
        assert client.get("/models", headers={"accept": accept}).json() == ["search"]


def test_a_file_outside_of_the_page_is_not_served(client: TestClient, folder: Path) -> None:
    (folder.parent / "secret.txt").write_text("secret")
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"):
        assert "secret" not in client.get(path).text


def test_a_server_without_a_page_says_how_to_build_it(tmp_path: Path) -> None:
    app = FastAPI()
    page.mount(app, tmp_path)
    answer = TestClient(app).get("/")
    assert answer.status_code == 404
    assert "make page" in answer.text
    assert "install holotype again" in answer.text
