"""The stream of events: real connections that are cut, resumed, and ended by the server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR
from typing import Any

import httpx
import pytest
from tests.unit.holotype.server.management.conftest import KIND, Site

from holotype.server.management.event_hub import MOST_READERS


class Stream:
    """A client that reads events on a thread."""

    def __init__(self, url: str, last_id: str | None = None) -> None:
        """Connect, and wait for the first line."""
        self.events: list[dict[str, Any]] = []
        self.comments: list[str] = []
        self.retry: str | None = None
        self.ended = threading.Event()
        self._changed = threading.Condition()
        self._client = httpx.Client(base_url=url, timeout=60, trust_env=False)
        headers = {} if last_id is None else {"last-event-id": last_id}
        self._connection = self._client.stream("GET", "/api/events", headers=headers)
        self._response = self._connection.__enter__()
        assert self._response.status_code == 200
        assert self._response.headers["content-type"].startswith("text/event-stream")
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        self.wait(lambda: self.retry is not None)

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self._response.iter_lines():
                name, _, value = line.partition(":")
                with self._changed:
                    if line.startswith(":"):
                        self.comments.append(value.strip())
                    elif name == "retry":
                        self.retry = value.strip()
                    elif line:
                        fields[name] = value.removeprefix(" ")
                    elif "data" in fields:
                        self.events.append({**fields, "data": json.loads(fields["data"])})
                        fields = {}
                    self._changed.notify_all()
        except httpx.HTTPError:
            pass
        finally:
            self.ended.set()

    def wait(self, holds: Any) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, 60), self.events

    def find(self, type: str, **values: Any) -> dict[str, Any]:
        """Wait for an event of a type whose data have these values, and return it."""

        def found() -> list[dict[str, Any]]:
            return [
                each
                for each in self.events
                if each["event"] == type and values.items() <= each["data"].items()
            ]

        self.wait(found)
        return found()[0]

    def close(self) -> None:
        # Else the thread goes on reading until the next ping, which is up to 15 seconds away.
        with suppress(OSError):  # the server has ended it before
            self._response.extensions["network_stream"].get_extra_info("socket").shutdown(SHUT_RDWR)
        self._response.close()
        self._thread.join()
        self._client.close()


@contextmanager
def stream(site: Site, last_id: str | None = None) -> Iterator[Stream]:
    made = Stream(site.running.url, last_id)
    try:
        yield made
    finally:
        made.close()


def test_a_switch_is_told_step_by_step_and_a_cut_stream_goes_on(site: Site) -> None:
    with stream(site) as reading:
        assert reading.retry == "1000"
        site.switch("v1", allow_different_vectors=True)
        job = reading.find("job", state="succeeded")["data"]
        assert (job["type"], job["kind"], job["subject"]) == ("switch", KIND, "tiny-dense/v1")
        activation = reading.find("activation")["data"]
        assert activation["version"]["version_id"] == "v1"
        assert activation["version"]["active"]
        loaded = reading.find("pool", kind="loaded")
        assert loaded["data"]["values"]["memory_bytes"] > 0
        states = [e["data"]["state"] for e in reading.events if e["event"] == "job"]
        assert states == sorted(states, key=["queued", "running", "succeeded"].index)
        last = reading.events[-1]["id"]
    site.switch("v2")
    with stream(site, last) as again:
        again.find("activation")
        again.find("job", state="succeeded", subject="tiny-dense/v2")
        assert "reset" not in {each["event"] for each in again.events}
        numbers = [int(each["id"].partition("-")[2]) for each in again.events]
        first = int(last.partition("-")[2]) + 1
        assert numbers == list(range(first, first + len(numbers)))
        twice = [e for e in again.events if e["event"] == "activation"]
        assert [e["data"]["version"]["version_id"] for e in twice] == ["v2"]


def test_a_client_of_another_server_begins_anew(site: Site) -> None:
    with stream(site, "deadbeef-7") as reading:
        assert reading.find("reset")["data"]["message"]


def test_a_reload_is_told(own_site: Site) -> None:
    with stream(own_site) as reading:
        assert own_site.post("/reload").status_code == 200
        assert reading.find("deployment")["data"]["kind"] == "deployment_applied"


def test_an_idle_stream_shows_that_it_lives(
    own_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.05)
    with stream(own_site) as reading:
        reading.wait(lambda: reading.comments.count("ping") >= 3)


def test_streams_end_by_themselves_when_the_server_stops(own_site: Site) -> None:
    with stream(own_site) as reading:
        began = time.monotonic()
        own_site.running.server.handle_exit(15, None)
        assert reading.ended.wait(30)
        # Not after `stop_s`, which is when uvicorn would cut it.
        assert time.monotonic() - began < 10


def test_more_readers_than_the_server_takes_are_refused(
    own_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holotype.server.management.events.MOST_READERS", 1)
    assert MOST_READERS > 1
    with stream(own_site) as reading:
        own_site.running.app.state.management.events.add("health", {"ready": True})
        reading.find("health")
        refused = own_site.running.client.get("/api/events")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "10"


def test_health_is_told_when_it_changes(own_site: Site) -> None:
    with stream(own_site) as reading:
        own_site.running.state.is_draining = True
        found = reading.find("health", ready=False)["data"]
        assert found["problems"] == ["the server is stopping"]
        own_site.running.state.is_draining = False
        reading.find("health", ready=True)
