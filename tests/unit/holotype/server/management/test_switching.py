"""Switches by the API: planned, carried out in the background, once, and with nobody in between."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx
from tests.unit.holotype.server.management.conftest import KIND, Site

from holotype.server.management.job_store import Jobs

MODELS = f"/models/{KIND}"


def names(activations: list[dict[str, Any]]) -> list[str]:
    return [each["version"]["version_id"] for each in activations]


def test_a_switch_is_planned_carried_out_and_served(new_site: Site) -> None:
    plan = new_site.post(f"{MODELS}/switch/v1", {"dry_run": True})
    assert plan.status_code == 200
    found = plan.json()
    assert (found["from"], found["to"]["version_id"], found["serving"]) == (None, "v1", ["search"])
    assert found["memory"]["fits"] == "now"
    assert found["memory"]["need_bytes"] > 0
    assert {each["name"]: each["outcome"] for each in found["checks"]} == {
        "generation": "passed",
        "files": "passed",
        "memory": "passed",
        "last check": "skipped",
    }
    assert new_site.get("/models/")["items"][0]["active"] is None

    job = new_site.wait(
        new_site.post(f"{MODELS}/switch/v1", {"reason": "the first", "expected_generation": 0})
    )
    assert (job["state"], job["type"], job["subject"]) == ("succeeded", "switch", "tiny-dense/v1")
    assert [(each["name"], each["state"]) for each in job["steps"]] == [
        (name, "succeeded") for name in ("load", "check", "record", "switch")
    ]
    assert job["progress"] == 1
    assert (job["result"]["generation"], job["result"]["reason"]) == (1, "the first")
    assert new_site.served() == "v1"
    (kind,) = new_site.get("/models/")["items"]
    assert (kind["kind"], kind["type"], kind["n_versions"]) == (KIND, "dense", 5)
    assert kind["since"] == kind["active"]["at"]
    version = new_site.get(f"{MODELS}/versions/tiny-dense/v1")
    assert version["active"]
    assert version["last_check"]["outcome"] == "passed"
    assert version["last_check"]["facts"]["dim"] == 16


def test_a_switch_loads_once(site: Site) -> None:
    site.switch("v1")
    before = len(site.running.state.pool.events.last(kind="loaded"))
    site.switch("v2")
    assert site.served() == "v2"
    # Who follows the registry has noticed by then, and had nothing to do.
    site.running.state.pool.apply(site.running.state.pool.deployment)
    assert len(site.running.state.pool.events.last(kind="loaded")) == before + 1


def test_what_is_active_already_is_neither_loaded_nor_recorded_again(site: Site) -> None:
    before = site.switch("v1")
    n_loads = len(site.running.state.pool.events.last(kind="loaded"))
    job = site.wait(site.post(f"{MODELS}/switch/v1", {"expected_generation": before["generation"]}))
    assert (job["state"], job["result"]) == ("succeeded", before)
    assert [each["name"] for each in job["steps"]] == ["record"]
    assert "nothing has changed" in job["steps"][0]["message"]
    assert len(site.running.state.pool.events.last(kind="loaded")) == n_loads
    key = f"again-{site.registry.database.dialect}"
    keyed = site.wait(site.post(f"{MODELS}/switch/v1", {}, key=key))
    assert keyed["result"]["generation"] == before["generation"] + 1


def test_rollback_returns_and_the_history_tells_who_and_why(site: Site) -> None:
    first = site.switch("v1")
    second = site.switch("v2", reason="faster")
    job = site.wait(site.post(f"{MODELS}/rollback", {"reason": "slower, after all"}))
    assert (job["type"], job["subject"], job["state"]) == ("rollback", "tiny-dense/v1", "succeeded")
    assert site.served() == "v1"
    page = site.get(f"{MODELS}/history", limit=3)
    assert names(page["items"]) == ["v1", "v2", "v1"]
    assert [each["action"] for each in page["items"]] == ["rollback", "activate", "activate"]
    assert [each["version"]["active"] for each in page["items"]] == [True, False, True]
    assert page["items"][0]["reason"] == "slower, after all"
    assert page["items"][0]["actor"] == "local"
    at = site.get(f"{MODELS}/history", at=second["at"])
    assert names(at["items"]) == ["v2"]
    if first["generation"] > 1:
        more = site.get(f"{MODELS}/history", limit=2, before=page["next"])
        assert more["items"][0]["generation"] == first["generation"] - 1


def test_the_same_key_is_one_activation_also_for_a_server_that_forgot_it(site: Site) -> None:
    path, key = f"{MODELS}/switch/v3", f"deploy-{site.registry.database.dialect}"
    site.switch("v1")
    jobs = [site.wait(site.post(path, {"reason": "r"}, key=key)) for _ in range(2)]
    assert jobs[0] == jobs[1]
    site.switch("v1")
    n_loads = len(site.running.state.pool.events.last(kind="loaded"))
    management = site.running.app.state.management
    management.jobs.close()
    management.jobs = Jobs()
    again = site.wait(site.post(path, {"reason": "r"}, key=key))
    assert again["id"] != jobs[0]["id"]
    assert again["result"]["generation"] == jobs[0]["result"]["generation"]
    assert len(site.running.state.pool.events.last(kind="loaded")) == n_loads
    assert site.served() == "v1"
    other = site.post(f"{MODELS}/switch/v2", {}, key=key)
    assert (other.status_code, other.json()["code"]) == (409, "request_reused")


def test_other_vectors_are_refused_unless_they_are_meant(site: Site) -> None:
    site.switch("v1")
    refused = site.post(f"{MODELS}/switch/other")
    assert (refused.status_code, refused.json()["code"]) == (409, "different_vectors")
    plan = site.post(f"{MODELS}/switch/other", {"dry_run": True}).json()
    assert plan["different_vectors"]
    done = site.switch("other", allow_different_vectors=True)
    assert done["new_vector_space"]
    assert site.served() == "other"
    site.switch("v1", allow_different_vectors=True)


def test_an_old_generation_is_refused_with_the_name_of_who_switched(site: Site) -> None:
    generation = site.switch("v1", allow_different_vectors=True)["generation"]
    site.switch("v2", expected_generation=generation)
    refused = site.post(f"{MODELS}/switch/v3", {"expected_generation": generation})
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "stale_generation")
    assert "made by 'local'" in problem["detail"]
    assert problem["found_generation"] == generation + 1
    assert site.post(f"{MODELS}/rollback", {"expected_generation": generation}).status_code == 409
    for no_number in (str(generation), True, 1.5):
        wrong = site.post(f"{MODELS}/switch/v3", {"expected_generation": no_number})
        assert wrong.status_code == 422
        assert "expected_generation" in wrong.json()["detail"]


def test_what_is_not_there_is_named_with_what_is_similar(site: Site) -> None:
    for path in (f"{MODELS}/switch/v11", "/models/text_embeding/switch/v1"):
        problem = site.post(path).json()
        assert (problem["status"], problem["code"]) == (404, "version_not_found")
        assert problem["suggestions"]


def test_a_damaged_version_is_refused_and_the_old_one_goes_on(own_site: Site) -> None:
    own_site.switch("v1")
    weights = own_site.folder / "v2" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    job = own_site.wait(own_site.post(f"{MODELS}/switch/v2"))
    assert job["state"] == "failed"
    assert "model.safetensors" in job["problem"]["detail"]
    assert job["problem"]["status"] < 500
    assert own_site.served() == "v1"
    assert len(own_site.registry.history(KIND)) == 1


def test_of_operators_at_once_one_switches_and_the_others_are_told_of_whom(own_site: Site) -> None:
    own_site.switch("v1")
    url, go = own_site.running.url, threading.Barrier(6)
    answers: list[httpx.Response] = []

    def run(number: int) -> None:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            go.wait()
            body = {"expected_generation": 1}
            path = f"/api{MODELS}/switch/v{2 + number % 2}"
            answers.append(client.post(path, json=body))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (accepted,) = (each for each in answers if each.status_code == 202)
    assert own_site.wait(accepted)["state"] == "succeeded"
    refused = [each.json() for each in answers if each is not accepted]
    assert {each["status"] for each in refused} == {409}
    assert all("'local'" in each["detail"] for each in refused)
    assert own_site.registry.active(KIND).generation == 2  # type: ignore[union-attr]


def test_nobody_notices_switches_under_load(own_site: Site) -> None:
    own_site.switch("v1")
    url, stop = own_site.running.url, threading.Event()
    failures: list[str] = []
    n_answers = [0] * 32

    def call(number: int) -> None:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            while not stop.is_set():
                body = {"model": "search", "input": f"a text of the client {number}"}
                response = client.post("/v1/embeddings", json=body)
                if response.status_code != 200:
                    failures.append(response.text)
                n_answers[number] += 1

    threads = [threading.Thread(target=call, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    try:
        for number in range(6):
            own_site.switch(f"v{1 + (number + 1) % 3}")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert min(n_answers) > 0
    assert own_site.registry.active(KIND).generation == 7  # type: ignore[union-attr]


def test_what_does_not_fit_is_refused_before_and_changes_nothing(
    own_site: Site, tmp_path: Path
) -> None:
    own_site.switch("v1")
    file = tmp_path / "deployment.yaml"
    text = file.read_text()
    file.write_text(text.replace("min_resident: 0s", "min_resident: 0s, memory: 1MiB"))
    assert own_site.post("/reload").status_code == 200
    plan = own_site.post(f"{MODELS}/switch/v2", {"dry_run": True}).json()
    assert plan["memory"]["fits"] == "never"
    assert [e["outcome"] for e in plan["checks"] if e["name"] == "memory"] == ["failed"]
    job = own_site.wait(own_site.post(f"{MODELS}/switch/v2"))
    assert (job["state"], job["problem"]["code"]) == ("failed", "model_too_large")
    assert [each["state"] for each in job["steps"]] == ["failed"]
    assert own_site.served() == "v1"
    assert own_site.registry.active(KIND).generation == 1  # type: ignore[union-attr]
