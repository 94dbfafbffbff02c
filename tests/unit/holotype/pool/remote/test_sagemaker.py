"""Endpoints of SageMaker: the emulator's, and a loopback server that fails on demand."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest

from holotype.deployment.document import (
    ArchitectureSpec,
    Deployment,
    ModelSpec,
    SagemakerSource,
    VariantSpec,
)
from holotype.encoders.running.scores import LabelScore
from holotype.pool import Pool, PoolError, Sizes
from holotype.pool.remote import sagemaker
from holotype.pool.remote.sagemaker import (
    MOST_BODY_BYTES,
    MOST_TEXTS,
    RemoteError,
    RemoteRefusalError,
    RemoteTimeoutError,
    SagemakerClassifier,
    SagemakerEncoder,
    SagemakerEndpoint,
)

Reply = tuple[int, Any, str]


def vectors(texts: list[str]) -> Reply:
    return 200, [[float(len(text)), 1.0] for text in texts], ""


class Server:
    """An endpoint on this machine: each reply is made by the next of some functions."""

    def __init__(self) -> None:
        """Answer vectors."""
        self.replies: list[Callable[[list[str]], Reply]] = []
        self.usual: Callable[[list[str]], Reply] = vectors
        self.requests: list[list[str]] = []
        self.paths: set[str] = set()
        self.lock = Lock()
        self.url = ""

    def reply(self, path: str, body: bytes) -> Reply:
        texts = json.loads(body)["inputs"]
        assert len(body) <= MOST_BODY_BYTES
        with self.lock:
            self.requests.append(texts)
            self.paths.add(path)
            make = self.replies.pop(0) if self.replies else self.usual
        return make(texts)


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(sagemaker, "_FIRST_PAUSE_S", 0.001)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    found = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, value, kind = found.reply(self.path, body)
            text = value if isinstance(value, bytes) else json.dumps(value).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                if kind:
                    self.send_header("x-amzn-errortype", kind)
                self.end_headers()
                self.wfile.write(text)
            except OSError:
                return

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    found.url = f"http://127.0.0.1:{http.server_port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", found.url)
    yield found
    http.shutdown()
    thread.join()
    http.server_close()


@contextmanager
def encoder(timeout_s: float = 30.0, **more: Any) -> Iterator[SagemakerEncoder]:
    endpoint = SagemakerEndpoint("emb", region="eu-central-1", timeout_s=timeout_s)
    made = SagemakerEncoder(endpoint, dim=None, **more)
    yield made
    made.close()


def failure(status: int, kind: str, **body: Any) -> Callable[[list[str]], Reply]:
    return lambda texts: (status, {"Message": "no", **body}, kind)


def test_texts_become_vectors_in_their_order(server: Server) -> None:
    texts = ["x" * n for n in range(1, 100)]
    with encoder() as made:
        found = made.encode_query(texts)
        assert found[:, 0].tolist() == list(range(1, 100))
        assert made.encode("four").tolist() == [4, 1]
        assert made.encode([]).shape == (0, 0)
    assert server.paths == {"/endpoints/emb/invocations"}
    assert max(map(len, server.requests)) == MOST_TEXTS


def test_no_body_is_longer_than_sagemaker_takes(server: Server) -> None:
    texts = ["ü" * 200_000] * 9
    with encoder() as made:
        assert made.encode(texts).shape == (9, 2)
        with pytest.raises(RemoteRefusalError, match=r"index 1: 6,000,0\d\d bytes"):
            made.encode(["short", "x" * 6_000_000])
    # Escaped, each character has six bytes.
    assert sorted(map(len, server.requests)) == [1, 4, 4]


@pytest.mark.parametrize(
    "answer",
    [
        lambda rows: {"embedding": rows},
        lambda rows: {"embeddings": rows},
        lambda rows: {"data": [{"index": n, "embedding": row} for n, row in enumerate(rows)][::-1]},
    ],
)
def test_the_shapes_of_usual_containers_are_read(server: Server, answer: Any) -> None:
    server.usual = lambda texts: (200, answer(vectors(texts)[1]), "")
    with encoder() as made:
        assert made.encode(["a", "bb"]).tolist() == [[1, 1], [2, 1]]


@pytest.mark.parametrize(
    "fail",
    [
        failure(503, "ServiceUnavailable"),
        failure(429, "ThrottlingException"),
        failure(500, "InternalFailure"),
        failure(429, "ModelNotReadyException"),
        failure(424, "ModelError", OriginalStatusCode=503, OriginalMessage="busy"),
    ],
)
def test_what_may_pass_is_tried_again(server: Server, fail: Any) -> None:
    server.replies = [fail, fail]
    with encoder() as made:
        assert made.encode(["a"]).shape == (1, 2)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("fail", "error", "message"),
    [
        (failure(400, "ValidationError"), RemoteError, "answers 400 ValidationError: no"),
        (failure(403, "AccessDeniedException"), RemoteError, "answers 403 AccessDenied"),
        (
            failure(424, "ModelError", OriginalStatusCode=413, OriginalMessage="too long"),
            RemoteRefusalError,
            "answers 413 ModelError: too long",
        ),
    ],
)
def test_what_will_not_pass_is_not_tried_again(
    server: Server, fail: Any, error: type[Exception], message: str
) -> None:
    server.replies = [fail]
    with encoder() as made, pytest.raises(error, match=message):
        made.encode(["a"])
    assert len(server.requests) == 1


class Pauses:
    """Waiting that takes no time: a clock that the pauses move on."""

    def __init__(self) -> None:
        """Start at zero."""
        self.now_s = 0.0

    def wait(self, seconds: float) -> bool:
        """Let so much time pass; nobody closes the endpoint meanwhile."""
        self.now_s += seconds
        return False

    def set(self) -> None:
        """Take that the endpoint is closed."""


def test_trying_again_ends_with_the_deadline(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = Pauses()
    monkeypatch.setattr(sagemaker, "Event", lambda: pauses)
    monkeypatch.setattr(sagemaker, "monotonic", lambda: pauses.now_s)
    server.usual = failure(503, "ServiceUnavailable")
    with encoder(timeout_s=60.0) as made, pytest.raises(RemoteError, match="answers 503") as caught:
        made.encode(["a"])
    assert caught.value.retry_after_s is not None
    assert len(server.requests) > 5
    assert 60 - 1.5 * sagemaker._LONGEST_PAUSE_S <= pauses.now_s < 60


def test_a_server_that_does_not_answer_is_left_at_the_deadline(server: Server) -> None:
    gate = Event()

    def hang(texts: list[str]) -> Reply:
        gate.wait(30)
        return vectors(texts)

    server.usual = hang
    with encoder(timeout_s=0.2) as made:
        with pytest.raises((RemoteTimeoutError, RemoteError)):
            made.encode(["a"])
        gate.set()


def test_a_server_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "http://127.0.0.1:9")
    monkeypatch.setattr(sagemaker, "_FIRST_PAUSE_S", 3_600.0)
    with encoder() as made, pytest.raises(RemoteError, match="cannot be reached"):
        made.encode(["a"])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<html>", "not JSON"),
        ([], "0 rows for 1 texts"),
        ({"error": "x"}, "no list of rows"),
        ([[[1.0, 2.0], [3.0, 4.0]]], "no vector for each text"),
        ([["a"]], "no vector for each text"),
        ([[]], "no vector for each text"),
        ([[float("nan")]], "NaN or infinity"),
    ],
)
def test_an_answer_of_another_form_is_an_error_and_not_tried_again(
    server: Server, answer: Any, message: str
) -> None:
    server.usual = lambda texts: (200, answer, "")
    with encoder() as made, pytest.raises(RemoteError, match=message):
        made.encode(["a"])
    assert len(server.requests) == 1


def test_instructions_are_refused(server: Server) -> None:
    with encoder() as made, pytest.raises(ValueError, match="takes no instruction"):
        made.encode_query("a", instruction="find")


def classifier() -> SagemakerClassifier:
    endpoint = SagemakerEndpoint("tox", region="eu-central-1", timeout_s=30)
    return SagemakerClassifier(endpoint, labels=("good", "bad"))


def test_labels_become_scores(server: Server) -> None:
    row = [{"label": "bad", "score": 0.9}, {"label": "good", "score": 0.2}]
    server.usual = lambda texts: (200, [row] * len(texts), "")
    made = classifier()
    np.testing.assert_allclose(made.predict_scores(["a", "b"]), [[0.2, 0.9]] * 2)
    (best,) = made.classify("a")
    assert isinstance(best, LabelScore)
    assert (best.label, round(best.score, 3)) == ("bad", 0.9)
    found: Any = made.classify(["a"], threshold=0.1)
    assert [one.label for one in found[0]] == ["bad", "good"]
    # Some containers answer the best label alone, or leave a list out for a single text.
    server.usual = lambda texts: (200, row, "")
    np.testing.assert_allclose(made.predict_scores("a"), [0.2, 0.9])
    server.usual = lambda texts: (200, [row[0]] * len(texts), "")
    np.testing.assert_allclose(made.predict_scores(["a", "b"]), [[0, 0.9]] * 2)
    made.close()


def test_an_unknown_label_names_those_of_the_deployment(server: Server) -> None:
    server.usual = lambda texts: (200, [[{"label": "LABEL_1", "score": 0.9}]], "")
    made = classifier()
    with pytest.raises(RemoteError, match="expected a score of one of the labels 'good', 'bad'"):
        made.classify("a")
    made.close()


def spec(name: str, **more: Any) -> ModelSpec:
    source = SagemakerSource(endpoint="emb", region="eu-central-1")
    return ModelSpec(name=name, variants=(VariantSpec(source=source),), **more)


def test_a_pool_serves_endpoints_like_models(server: Server) -> None:
    deployment = Deployment(models=(spec("far", dim=2, timeout_s=5.0),))
    with Pool(deployment, sizes=Sizes(None)) as pool:
        far = pool.encoder("far")
        assert far.encode_query(["abc"]).tolist() == [[3, 1]]
        answer = far.call("encode", ["x"])
        assert (answer.version.device, answer.version.reference) == ("sagemaker", "sagemaker:emb")
        assert pool.status().devices[0].held_bytes == 0
        server.usual = failure(503, "ServiceUnavailable")
        with pytest.raises(RemoteError):
            far.with_options().call("encode", ["x"])


def test_the_kind_of_an_endpoint_follows_from_its_architecture(server: Server) -> None:
    row = [{"label": "bad", "score": 0.9}]
    server.usual = lambda texts: (200, [row] * len(texts), "")
    architecture = ArchitectureSpec(type="bert-sequence-classification", labels=("good", "bad"))
    deployment = Deployment(models=(spec("tox", architecture=architecture),))
    with Pool(deployment, sizes=Sizes(None)) as pool:
        assert pool.classifier("tox").classify("x")[0].label == "bad"


def test_a_missing_region_says_where_to_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(PoolError, match="add region: to its source"):
        SagemakerEndpoint("emb", region=None, timeout_s=1)


def test_the_emulator_of_aws_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    moto: Any = importlib.import_module("moto.server")
    emulator = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    emulator.start()
    host, port = emulator.get_host_and_port()
    url = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", url)
    answers = {"region": "eu-central-1", "results": [{"Body": "[[1.0, 2.0]]"}]}
    request = Request(
        f"{url}/moto-api/static/sagemaker/endpoint-results",
        data=json.dumps(answers).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urlopen(request) as response:
        assert response.status == 201
    with encoder() as made:
        assert made.encode("x").tolist() == [1, 2]
    emulator.stop()
