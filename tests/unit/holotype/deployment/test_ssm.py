"""Deployments in AWS Systems Manager Parameter Store, as moto serves it."""

from __future__ import annotations

import importlib
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.deployment.made import one
from tests.unit.holotype.publishing.store.object_stores import free_port

from holotype.deployment.last_good import LastGood
from holotype.deployment.problems import DeploymentError
from holotype.deployment.snapshots import DeploymentSourceError
from holotype.deployment.sources import load_deployment, open_source
from holotype.deployment.ssm import open_ssm, ssm_tier
from holotype.deployment.watching import Watch
from holotype.errors import MissingExtraError

TEXT = one("source: 's3://bucket/prefix'")


def put(client: Any, name: str, text: str, **options: Any) -> None:
    client.put_parameter(Name=name, Value=text, **{"Type": "String", "Overwrite": True} | options)


@contextmanager
def answering(patch: pytest.MonkeyPatch, code: str) -> Iterator[list[str]]:
    """A store that answers every request with an error; gives what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(str(self.headers["X-Amz-Target"]))
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"__type": code, "message": "no"}).encode()
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    try:
        yield asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "location", ["ssm:", "ssm:name", "ssm:/", "ssm:/a b", "ssm://a", "ssm:/a/:1", "ssm:/a:1:2"]
)
def test_what_names_no_parameter_is_refused(location: str) -> None:
    with pytest.raises(DeploymentSourceError, match="write ssm:/NAME"):
        open_ssm(location)


def test_a_parameter_is_a_deployment_with_its_version(ssm: Any) -> None:
    put(ssm, "/holotype/production", "old")
    put(ssm, "/holotype/production", TEXT)
    found = open_source("ssm:/holotype/production").fetch()
    (document,) = found.documents
    assert (document.name, document.text) == ("ssm:/holotype/production", TEXT)
    assert (found.version, document.folder, document.allow_code) == ("2", None, False)


def test_an_earlier_version_and_a_label_are_found(ssm: Any) -> None:
    for text in ("first", "second"):
        put(ssm, "/a", text)
    ssm.label_parameter_version(Name="/a", ParameterVersion=1, Labels=["live"])
    for location in ("ssm:/a:1", "ssm:/a:live"):
        found = open_source(location).fetch()
        assert (found.documents[0].text, found.version) == ("first", "1")


def test_parameters_of_a_path_are_read_over_all_pages_in_order(ssm: Any) -> None:
    for number in range(25):
        put(ssm, f"/d/m{number:02}", f"text {number}")
    put(ssm, "/d/deeper/x", "not this")
    put(ssm, "/d/m03", "changed")
    found = open_source("ssm:/d/").fetch()
    assert [each.name for each in found.documents] == [f"ssm:/d/m{n:02}" for n in range(25)]
    assert found.documents[3].text == "changed"
    assert found.version.startswith("m00:1,m01:1,m02:1,m03:2,")


def test_an_encrypted_parameter_is_decrypted(ssm: Any) -> None:
    put(ssm, "/a", TEXT, Type="SecureString")
    assert ssm.get_parameter(Name="/a")["Parameter"]["Value"] != TEXT
    assert open_source("ssm:/a").fetch().documents[0].text == TEXT


def test_a_list_is_no_deployment(ssm: Any) -> None:
    put(ssm, "/a", "a,b", Type="StringList")
    with pytest.raises(DeploymentSourceError, match="is a StringList; put"):
        open_source("ssm:/a").fetch()


def test_a_parameter_that_is_too_large_is_refused_with_what_to_do(ssm: Any) -> None:
    put(ssm, "/a", "é" * 4_097, Tier="Advanced")
    with pytest.raises(DeploymentSourceError, match=r"8,194 bytes.*split it.*ssm:/PATH/"):
        open_source("ssm:/a").fetch()


def test_the_size_in_bytes_decides_the_tier() -> None:
    assert ssm_tier("é" * 2_048, "a") == "Standard"
    assert ssm_tier("é" * 2_048 + "x", "a") == "Advanced"
    assert ssm_tier("x" * 8_192, "a") == "Advanced"
    with pytest.raises(DeploymentSourceError):
        ssm_tier("x" * 8_193, "a")


@pytest.mark.parametrize(
    ("location", "words"),
    [("ssm:/none", "no such parameter"), ("ssm:/none/", "no parameters"), ("ssm:/a:7", "version")],
)
def test_what_is_not_in_the_store_is_refused(ssm: Any, location: str, words: str) -> None:
    put(ssm, "/a", TEXT)
    with pytest.raises(DeploymentSourceError, match=words):
        open_source(location).fetch()


def test_code_of_a_store_runs_by_the_operators_word_only(ssm: Any) -> None:
    put(ssm, "/a", one("source: {type: custom, factory: 'acme:Encoder'}"))
    with pytest.raises(DeploymentError, match="--allow-code"):
        load_deployment("ssm:/a")
    assert load_deployment("ssm:/a", allow_code=True).deployment.names == ("m",)


@pytest.mark.usefixtures("ssm")
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ThrottlingException", "throttles"),
        ("AccessDeniedException", "allow ssm:GetParameter"),
        ("InternalServerError", "InternalServerError"),
    ],
)
def test_an_answer_of_the_store_is_explained(
    code: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with (
        answering(monkeypatch, code) as asked,
        pytest.raises(DeploymentSourceError, match=words),
    ):
        open_source("ssm:/a").fetch()
    assert set(asked) == {"AmazonSSM.GetParameter"}
    assert len(asked) == (4 if code == "ThrottlingException" else 1)


@pytest.mark.usefixtures("ssm")
def test_a_store_that_is_down_is_an_error_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    port = free_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(DeploymentSourceError, match=f"EndpointConnectionError.*{port}"):
        open_source("ssm:/a").fetch()


def test_without_a_region_or_credentials_the_error_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("REGION", "DEFAULT_REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "PROFILE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(DeploymentSourceError, match="AWS_DEFAULT_REGION"):
        open_source("ssm:/a").fetch()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(DeploymentSourceError, match="AWS_PROFILE"):
        open_source("ssm:/a").fetch()


def test_without_boto3_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    load = importlib.import_module

    def refuse(name: str) -> Any:
        if name == "boto3":
            raise ModuleNotFoundError(name=name)
        return load(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install 'holotype\[aws\]'"):
        open_source("ssm:/a").fetch()


def test_a_watch_follows_a_parameter_from_version_to_version(ssm: Any) -> None:
    seen: queue.Queue[Any] = queue.Queue()
    put(ssm, "/a", TEXT)
    with Watch(open_source("ssm:/a"), seen.put, seen.put, poll_s=0.05) as watch:
        assert seen.get(timeout=30).version == "1"
        put(ssm, "/a", one("source: 's3://bucket/new'"))
        assert seen.get(timeout=30).version == "2"
        put(ssm, "/a", "models: [")
        assert isinstance(seen.get(timeout=30), DeploymentError)
        put(ssm, "/a", one("source: 's3://bucket/newest'"))
        assert seen.get(timeout=30).version == "4"
        succeeded_at = watch.last_success_at
    assert succeeded_at is not None
    assert seen.empty()


def test_the_last_good_copy_serves_while_the_store_fails(
    ssm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    kept = LastGood(tmp_path)
    put(ssm, "/a", TEXT)
    put(ssm, "/a", TEXT + "# again\n")
    first = load_deployment("ssm:/a", last_good=kept)
    assert (first.failure, first.version) == (None, "2")
    put(ssm, "/a", "models: 5")
    wrong = load_deployment("ssm:/a", last_good=kept)
    assert isinstance(wrong.failure, DeploymentError)
    with answering(monkeypatch, "ThrottlingException"):
        throttled = load_deployment("ssm:/a", last_good=kept)
    assert "throttles" in str(throttled.failure)
    for found in (wrong, throttled):
        assert (found.deployment, found.version) == (first.deployment, "2")
        assert (found.digest, found.fetched_at) == (first.digest, first.fetched_at)
    with answering(monkeypatch, "ThrottlingException"), pytest.raises(DeploymentSourceError):
        load_deployment("ssm:/b", last_good=kept)
