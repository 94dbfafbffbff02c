"""How a server stops: not ready, then drained, with no request cut; at once after a second signal."""

from __future__ import annotations

import os
import signal
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Semaphore

import httpx
import pytest
from tests.runtime.server_process import local, server_process, write_deployment

N_CLIENTS = 8


@pytest.fixture
def deployment(tmp_path: Path, minilm_folder: Path) -> Path:
    """MiniLM, and a model that takes as many seconds as a text says."""
    (tmp_path / "slow_model.py").write_text(
        textwrap.dedent(
            """
            import os
            import pathlib
            import time
            import numpy as np

            class Slow:
                dim = 2

                def encode(self, sentences):
                    if sentences != ["text"]:
                        pathlib.Path(os.environ["BEGUN"]).touch()
                    for text in sentences:
                        time.sleep(0 if text == "text" else float(text))
                    return np.ones((len(sentences), 2), dtype=np.float32)
            """
        )
    )
    return write_deployment(
        tmp_path,
        {
            "minilm": local(minilm_folder, "preload: true"),
            "slow": "{source: {type: custom, factory: 'slow_model:Slow'}, preload: true}",
        },
    )


def options(deployment: Path, drain_s: float) -> tuple[list[str], dict[str, str]]:
    paths = (str(deployment.parent), os.environ.get("PYTHONPATH", ""))
    arguments = [str(deployment), "--allow", "slow_model:Slow", "--drain", str(drain_s)]
    begun = str(deployment.with_name("begun"))
    return arguments, {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "BEGUN": begun}


def wait_until_ready(client: httpx.Client) -> None:
    for _ in range(600):
        if client.get("/ready").status_code == 200:
            return
        Event().wait(0.1)
    raise AssertionError(client.get("/ready").text)


def wait_until_begun(deployment: Path) -> None:
    """Wait until the slow model runs."""
    for _ in range(600):
        if deployment.with_name("begun").exists():
            return
        Event().wait(0.1)
    raise AssertionError("the slow model has not begun")


def calls(url: str, answered: Semaphore) -> Iterator[int]:
    """Call as long as the server does not say that it stops; yield each status."""
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        while True:
            response = client.post("/v1/embeddings", json={"model": "minilm", "input": "a text"})
            yield response.status_code
            answered.release()
            if response.headers.get("connection") == "close":
                return


def test_sigterm_under_load_cuts_no_request(deployment: Path) -> None:
    arguments, variables = options(deployment, 1.0)
    with (
        server_process(*arguments, **variables) as (process, url),
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
        ThreadPoolExecutor(N_CLIENTS + 1) as threads,
    ):
        wait_until_ready(client)
        answered = Semaphore(0)
        running = [threads.submit(lambda: list(calls(url, answered))) for _ in range(N_CLIENTS)]
        # It is still running when the port closes.
        long = threads.submit(
            httpx.post, f"{url}/embed", json={"model": "slow", "inputs": "3"}, timeout=60
        )
        wait_until_begun(deployment)
        assert all(answered.acquire(timeout=60) for _ in range(2 * N_CLIENTS))
        process.send_signal(signal.SIGTERM)
        for _ in range(100):
            ready = client.get("/ready")
            if ready.status_code == 503:
                break
        assert ready.json()["problems"] == ["the server is stopping"]
        statuses = [status for each in running for status in each.result()]
        assert len(statuses) > N_CLIENTS and set(statuses) == {200}
        assert long.result().status_code == 200
        assert process.wait(60) == 0
        with pytest.raises(httpx.ConnectError):
            client.get("/health")


def test_a_second_signal_stops_at_once(deployment: Path) -> None:
    arguments, variables = options(deployment, 30.0)
    with (
        server_process(*arguments, **variables) as (process, url),
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
        ThreadPoolExecutor(1) as threads,
    ):
        wait_until_ready(client)
        cut = threads.submit(
            httpx.post, f"{url}/embed", json={"model": "slow", "inputs": "50"}, timeout=60
        )
        wait_until_begun(deployment)
        process.send_signal(signal.SIGTERM)
        Event().wait(0.3)
        process.send_signal(signal.SIGINT)
        began_s = time.monotonic()
        assert process.wait(30) == 1
        assert time.monotonic() - began_s < 20
        with pytest.raises(httpx.HTTPError):
            cut.result()


def test_ctrl_c_drains_as_sigterm_does(deployment: Path) -> None:
    arguments, variables = options(deployment, 3.0)
    with (
        server_process(*arguments, **variables) as (process, url),
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):
        wait_until_ready(client)
        process.send_signal(signal.SIGINT)
        for _ in range(100):
            ready = client.get("/ready")
            if ready.status_code == 503:
                break
        assert ready.json()["problems"] == ["the server is stopping"]
        assert client.get("/health").status_code == 200
        assert process.wait(60) == 0
