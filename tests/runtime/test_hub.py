"""Where files come from: the Hub's cache, or a Hub, which a server of this test plays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub.constants
import numpy as np
import onnx
import onnxruntime
import pytest
from sentence_transformers.base.modules.dense import Dense
from sentence_transformers.sentence_transformer.modules import Pooling
from tests.runtime.heads import cross_encoder_record, save_head
from tests.runtime.parity import DenseRecord, Save, SparseRecord, read
from tests.runtime.sparse import save_language_model

from holotype.encoders import load
from holotype.encoders.exports import export
from holotype.encoders.graphs.manifest import MANIFEST_FILE
from holotype.encoders.graphs.onnx_backend import OnnxGraph
from holotype.errors import CheckpointError, CheckpointNotFoundError

pytestmark = pytest.mark.usefixtures("_each_network_is_traced_once")

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of a machine without a connection."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return folder


def test_a_record_without_a_revision_needs_a_folder(dense_record: DenseRecord) -> None:
    with pytest.raises(CheckpointError, match="pins no revision, and a branch may change"):
        load(dense_record())


def test_a_model_that_is_not_in_the_cache_says_what_to_run_where(
    cache: Path, dense_record: DenseRecord
) -> None:
    with pytest.raises(CheckpointNotFoundError) as caught:
        load(dense_record(revision=REVISION))
    message = str(caught.value)
    assert message.startswith(f"tests/tiny-dense@{REVISION}: is not in the Hub's cache")
    assert f"hf download tests/tiny-dense --revision {REVISION} --include '*.json'" in message
    assert "checkpoint=" in message
    assert "*.bin" not in message


def test_a_model_in_the_cache_needs_no_connection(
    cache: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    saved = save_dense(Pooling(32, "mean"), Dense(32, 16))
    snapshot = cache / "models--tests--tiny-dense/snapshots" / REVISION
    snapshot.parent.mkdir(parents=True)
    saved.rename(snapshot)
    assert load(dense_record(16, revision=REVISION)).encode("a text").shape == (16,)
    with pytest.raises(CheckpointNotFoundError, match=r"f{40}: is not in the Hub's cache"):
        load(dense_record(16, revision="f" * 40))


def test_a_model_of_which_another_library_fetched_a_part_is_not_run_without_its_layers(
    cache: Path, save_dense: Save, dense_record: DenseRecord
) -> None:
    saved = save_dense(Pooling(32, "mean"), Dense(32, 16))
    snapshot = cache / "models--tests--tiny-dense/snapshots" / REVISION
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (saved / name).rename(snapshot / name)
    with pytest.raises(CheckpointNotFoundError, match=r"may hold a part of it only: it has no mod"):
        load(dense_record(pooling="mean", revision=REVISION))


def graph_with_shared_weights(cache: Path) -> Path:
    """A graph in the Hub's cache; its weights lie beside it, and are shared by repositories."""
    numbers = onnx.numpy_helper.from_array(np.ones((4, 2), np.float32), "weights")
    floats = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Cast", ["ids"], ["numbers"], to=floats),
            onnx.helper.make_node("MatMul", ["numbers", "weights"], ["vectors"]),
        ],
        "graph",
        [onnx.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, [1, 4])],
        [onnx.helper.make_tensor_value_info("vectors", floats, [1, 2])],
        [numbers],
    )
    repository = cache / "models--tests--tiny-dense"
    snapshot = repository / "snapshots" / REVISION
    for folder in (repository / "blobs", cache / "blobs/ab", snapshot):
        folder.mkdir(parents=True)
    opsets = [onnx.helper.make_opsetid("", 17)]
    onnx.save_model(
        onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9),
        str(snapshot / "model.onnx"),
        save_as_external_data=True,
        location="model.onnx_data",
        size_threshold=0,
    )
    shared, blob = cache / "blobs/ab" / ("ab" + "0" * 62), repository / "blobs" / ("1" * 64)
    (snapshot / "model.onnx_data").rename(shared)
    blob.symlink_to(f"../../blobs/ab/{shared.name}")
    (snapshot / "model.onnx_data").symlink_to(f"../../blobs/{blob.name}")
    (snapshot / "model.onnx").rename(repository / "blobs" / ("2" * 64))
    (snapshot / "model.onnx").symlink_to(f"../../blobs/{'2' * 64}")
    return snapshot / "model.onnx"


def test_a_graph_whose_weights_the_cache_shares_is_run(cache: Path) -> None:
    pytest.importorskip("onnxruntime", minversion="1.32")
    graph = OnnxGraph(graph_with_shared_weights(cache), device=None, dtype="float32")
    ids = np.ones((1, 4), np.int64)
    assert graph.run("vectors", {"ids": ids}).tolist() == [[4.0, 4.0]]


def test_an_older_onnx_runtime_that_refuses_shared_weights_is_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = graph_with_shared_weights(cache)

    def refuse(path: Path, **options: object) -> None:
        raise RuntimeError("External data path escapes model directory")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    with pytest.raises(CheckpointError, match=r"pip install 'onnxruntime>=1\.32'"):
        OnnxGraph(path, device=None, dtype="float32")
    outside = path.parents[4] / "model.onnx"
    with pytest.raises(CheckpointError, match="fetch it again, or export it again"):
        OnnxGraph(outside, device=None, dtype="float32")


class Hub(ThreadingHTTPServer):
    """As much of a Hub as a download of one repository at one commit needs."""

    def __init__(self, files: Path) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files = files
        self.requests: list[str] = []


class _Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = urlsplit(self.path).path
        self.server.requests.append(path)
        files = self.server.files
        if path == f"/api/models/tests/tiny-dense/tree/{REVISION}":
            found = [file for file in sorted(files.rglob("*")) if file.is_file()]
            body = json.dumps(
                [
                    {
                        "type": "file",
                        "path": str(file.relative_to(files)),
                        "size": file.stat().st_size,
                        "oid": f"{at:040x}",
                    }
                    for at, file in enumerate(found)
                ]
            ).encode()
        else:
            _, _, name = path.partition(f"/tests/tiny-dense/resolve/{REVISION}/")
            file = files / name
            if not name or not file.is_file():
                self.send_error(404)
                return
            body = file.read_bytes()
        self.send_response(200)
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("ETag", f'"{hash(body):x}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


@contextmanager
def serving(files: Path) -> Iterator[Hub]:
    """A Hub that has these files."""
    server = Hub(files)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hub(save_dense: Save) -> Iterator[Hub]:
    """A Hub that has one model, with pickled weights and conversions beside the right ones."""
    files = save_dense(Pooling(32, "mean"), Dense(32, 16))
    (files / "pytorch_model.bin").write_bytes(b"pickle")
    (files / "modeling.py").write_text("raise SystemExit")
    (files / "onnx").mkdir()
    (files / "onnx/config.json").write_text("{}")
    with serving(files) as server:
        yield server


def reaching(hub: Hub, tmp_path: Path) -> dict[str, str]:
    """The environment of a program that knows this Hub only, with an empty cache."""
    environment = os.environ | {
        "HF_HOME": str(tmp_path / "home"),
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_address[1]}",
        "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
    }
    environment.pop("HF_HUB_OFFLINE", None)
    return environment


PROGRAM = """
from holotype.encoders import load
from holotype.records import DenseModel
record = DenseModel(
    id="tiny-dense", type="dense", name="Tiny", huggingface_id="tests/tiny-dense",
    organization="Tests", description="A model of the tests.", embedding_dim=16,
    revision=REVISION,
)
first = load(record).encode("a text")
print("encoded", first.shape, flush=True)
input()
assert (load(record).encode("a text") == first).all()
print("again", flush=True)
"""


def test_a_download_takes_the_pinned_commit_and_nothing_that_can_run(
    hub: Hub, tmp_path: Path
) -> None:
    environment = reaching(hub, tmp_path)
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.replace("REVISION", repr(REVISION))],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        assert program.stdout is not None
        assert program.stdin is not None
        assert program.stdout.readline() == "encoded (16,)\n"
        asked = list(hub.requests)
        program.stdin.write("\n")
        program.stdin.close()
        assert program.stdout.read() == "again\n"
    assert program.returncode == 0
    assert hub.requests == asked, "a commit that is in the cache needs no request"
    ours = [path for path in asked if "tiny-dense" in path]
    assert [path for path in ours if REVISION not in path] == []
    names = {path.partition(REVISION)[2] for path in ours}
    assert {"/config.json", "/2_Dense/model.safetensors", "/tokenizer.json"} <= names
    assert not {name for name in names if name.endswith((".bin", ".py")) or "onnx" in name}


GRAPH_PROGRAM = """
import json, sys
import holotype.records
from holotype.encoders import load
kind, known, call = sys.argv[1:]
record = getattr(holotype.records, kind)(
    id="tiny-model", name="Tiny", huggingface_id="tests/tiny-dense", organization="Tests",
    description="A model of the tests.", revision=REVISION, onnx_file="onnx/model.onnx",
    **json.loads(known),
)
encoder = load(record, backend="onnx")
found = getattr(encoder, call)(["a text"]) if call != "predict" else encoder.predict([("a", "b")])
print(found.shape, sorted({"torch", "transformers"} & set(sys.modules)))
"""


def fetched(
    hub: Hub, tmp_path: Path, kind: str, call: str, **known: object
) -> tuple[str, set[str]]:
    """Run a model of the Hub on its own graph; return what was printed, and the files asked for."""
    program = GRAPH_PROGRAM.replace("REVISION", repr(REVISION))
    command = [sys.executable, "-c", program, kind, json.dumps(known), call]
    environment = reaching(hub, tmp_path)
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    names = {path.partition(f"/resolve/{REVISION}/")[2] for path in hub.requests}
    return result.stdout, names - {""}


def test_a_graph_of_the_hub_comes_without_the_weights_that_it_replaces(
    save_dense: Save, dense_record: DenseRecord, tmp_path: Path
) -> None:
    folder = save_dense(Pooling(32, "mean"), Dense(32, 16))
    files = export(dense_record(16), backend="onnx", checkpoint=folder, to=tmp_path / "made").folder
    (files / MANIFEST_FILE).unlink()
    (files / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    (files / "onnx" / "model_quantized.onnx").write_bytes(b"another graph")
    (files / "openvino").mkdir()
    (files / "openvino" / "openvino_model.xml").write_text("<xml/>")
    with serving(files) as hub:
        known = {"type": "dense", "embedding_dim": 16}
        printed, names = fetched(hub, tmp_path, "DenseModel", "encode", **known)
    assert printed == "(1, 16) []\n"
    assert {"onnx/model.onnx", "2_Dense/model.safetensors", "tokenizer.json"} <= names
    assert not names & {
        "model.safetensors",
        "onnx/model_quantized.onnx",
        "openvino/openvino_model.xml",
    }


def test_an_export_on_the_hub_comes_whole(sparse_record: SparseRecord, tmp_path: Path) -> None:
    folder = save_language_model(tmp_path / "plain")
    n_words = read(folder, "config.json")["vocab_size"]
    known = {"pooling": "max", "activation": "log1p-relu"}
    record = sparse_record(n_words, **known)
    files = export(record, backend="onnx", checkpoint=folder, to=tmp_path / "made").folder
    with serving(files) as hub:
        told = {"type": "sparse", "embedding_dim": n_words, **known}
        printed, names = fetched(hub, tmp_path, "SparseModel", "encode", **told)
    assert printed == f"(1, {n_words}) []\n"
    # Each file was compared with its digest.
    assert names == {*read(files, MANIFEST_FILE)["files"], MANIFEST_FILE}


def test_a_rerankers_own_graph_is_fetched_and_run(tmp_path: Path) -> None:
    folder = save_head(tmp_path / "plain", "Bert", num_labels=1)
    record = cross_encoder_record()
    files = export(record, backend="onnx", checkpoint=folder, to=tmp_path / "made").folder
    (files / MANIFEST_FILE).unlink()
    with serving(files) as hub:
        known = {"type": "cross-encoder", "embedding_dim": None}
        printed, names = fetched(hub, tmp_path, "CrossEncoderModel", "predict", **known)
    assert printed == "(1,) []\n"
    assert "onnx/model.onnx" in names
