"""Versions, the pool, keys and the catalogue by the API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.runtime.server_process import RunningServer, running_server
from tests.unit.holotype.server.management.conftest import KIND, Site, open_site

from holotype.registry import ApiKeys

MODELS = f"/models/{KIND}"


def test_a_version_is_checked_and_registered_in_the_background(site: Site) -> None:
    body = {"reference": f"local:{site.folder}/v1", "version_id": "again", "model_id": "mine"}
    checks = site.post(f"{MODELS}/register", {**body, "dry_run": True})
    assert checks.status_code == 200
    found = {each["name"]: each for each in checks.json()["checks"]}
    assert {each["outcome"] for each in found.values()} == {"passed"}
    assert set(found) == {"kind", "reference", "type", "name", "vectors"}
    response = site.post(f"{MODELS}/register", body, key="register-1")
    job = site.wait(response)
    assert (job["state"], job["result"]["name"]) == ("succeeded", "mine/again")
    assert job["result"]["created_by"] == "local"
    assert site.wait(site.post(f"{MODELS}/register", body, key="register-1"))["id"] == job["id"]
    assert site.get(f"{MODELS}/versions/mine/again") == job["result"]
    assert [each["name"] for each in site.get(MODELS, q="MINE")["items"]] == ["mine/again"]

    other = {**body, "reference": f"local:{site.folder}/v2"}
    taken = site.post(f"{MODELS}/register", {**other, "dry_run": True}).json()["checks"]
    assert [each["name"] for each in taken if each["outcome"] == "failed"] == ["name"]
    failed = site.wait(site.post(f"{MODELS}/register", other))
    assert failed["problem"]["code"] == "version_exists"


def test_what_cannot_be_registered_is_said(site: Site) -> None:
    nowhere = {"reference": "local:/nowhere", "version_id": "v9"}
    found = site.post(f"{MODELS}/register", {**nowhere, "dry_run": True}).json()["checks"]
    assert [each["name"] for each in found if each["outcome"] == "failed"] == ["reference"]
    job = site.wait(site.post(f"{MODELS}/register", nowhere))
    assert "local:/nowhere: there is no such folder" in job["problem"]["detail"]
    good = {"reference": f"local:{site.folder}/v1", "version_id": "v9"}
    for wrong, field in (
        ({**good, "version_id": "a/b"}, "version_id"),
        ({**good, "inference_config": {"trust_remote_code": True}}, "trust_remote_code"),
        ({**good, "more": 1}, "more"),
        ({"version_id": "v9"}, "reference"),
        ({**good, "dry_run": "yes"}, "dry_run"),
    ):
        answer = site.post(f"{MODELS}/register", wrong)
        assert answer.status_code == 422
        assert field in answer.json()["detail"]
    guessed = site.post(f"{MODELS}/register", {"ref": "local:x", "version_id": "v9"}).json()
    assert guessed["errors"] == [
        {"field": "reference", "message": "is missing, expected a text"},
        {
            "field": "ref",
            "message": "found a field that is unknown here, expected one of reference, version_id, "
            "model_id, inference_config, dry_run",
        },
    ]
    switch = site.post(f"{MODELS}/switch/v1", {"expected": 0}).json()["errors"]
    assert [each["field"] for each in switch] == ["expected"]
    assert "expected one of expected_generation, reason" in switch[0]["message"]
    dim = {**good, "inference_config": {"dim": 7}, "dry_run": True}
    checks = site.post(f"{MODELS}/register", dim).json()["checks"]
    assert [each["name"] for each in checks if each["outcome"] == "failed"] != []


def test_pages_of_versions_follow_each_other(site: Site) -> None:
    first = site.get(MODELS, limit=2)
    second = site.get(MODELS, limit=2, before=first["next"])
    names = [each["id"] for page in (first, second) for each in page["items"]]
    assert names == sorted(names, reverse=True)
    assert len(set(names)) == 4
    every = site.get(MODELS, limit=1000)
    assert every["next"] is None
    assert names == [each["id"] for each in every["items"]][:4]


def test_the_pool_is_loaded_pinned_planned_and_unloaded(site: Site) -> None:
    site.switch("v1", allow_different_vectors=True)
    assert site.post("/pool/search/unload").status_code == 200
    plan = site.post("/pool/search/plan").json()
    assert (plan["fits"], plan["would_unload"]) == ("now", [])
    assert plan["need_bytes"] > 0
    job = site.wait(site.post("/pool/search/load"))
    assert (job["type"], job["subject"], job["state"]) == ("load", "search", "succeeded")
    assert job["result"]["items"][0]["state"] == "ready"
    assert site.post("/pool/search/pin").json()["items"][0]["pinned"]
    assert not site.post("/pool/search/unpin").json()["items"][0]["pinned"]
    pool = site.get("/pool")
    (model,) = pool["models"]
    assert (model["name"], model["state"]) == ("search", "ready")
    assert model["version"]["reference"] == f"registry:{KIND}@tiny-dense/v1"
    (device,) = pool["devices"]
    assert device["held_bytes"] >= model["memory_bytes"] > 0
    assert device["free_bytes"] == (
        device["budget_bytes"] - device["held_bytes"] - device["unreturned_bytes"]
    )
    assert {"loaded", "unloaded"} <= {each["kind"] for each in pool["events"]}
    assert pool["policy"]["swap"] == "overlap"
    for action in ("load", "unload", "pin", "unpin", "plan"):
        answer = site.post(f"/pool/serch/{action}")
        assert (answer.status_code, answer.json()["suggestions"]) == (404, ["search"])


def test_jobs_are_listed_by_their_state(site: Site) -> None:
    site.switch("v1")
    site.wait(site.post("/pool/search/load"))
    jobs = site.get("/jobs", state="succeeded", limit=5)["items"]
    assert jobs[0]["type"] == "load"
    assert {each["state"] for each in jobs} == {"succeeded"}
    assert site.get("/jobs", state="queued")["items"] == []
    assert site.running.client.get("/api/jobs/nothing").status_code == 404


def test_the_server_tells_of_itself_and_its_database(site: Site) -> None:
    found = site.get("/server")
    dialect = site.registry.database.dialect
    assert (found["database"]["kind"], found["database"]["ok"]) == (dialect, True)
    assert found["database"]["last_contact_at"].endswith("Z")
    assert found["started_at"].endswith("Z")
    assert found["n_threads"] >= 1


def test_the_catalogue_is_searched(site: Site) -> None:
    page = site.get("/catalogue", q="bge M3", type="dense", limit=1)
    assert (page["items"][0]["id"], page["total"] >= 1) == ("bge-m3", True)
    some = site.get("/catalogue", language="German", license="mit", max_dim=1024, limit=3, offset=1)
    assert len(some["items"]) == 3
    assert some["total"] > 3
    entry = site.get("/catalogue/BAAI/bge-base-en-v1.5")
    assert entry["id"] == "bge-base-en-v1.5"
    assert entry["provenance"]
    assert all(each["title"] for each in entry["sources"].values())
    client = site.running.client
    assert client.get("/api/catalogue/bge-m33").json()["suggestions"]
    assert client.get("/api/catalogue", params={"license": "nonsense"}).status_code == 422


@pytest.fixture(scope="module")
def guarded(
    models: Path,
    sqlite_address: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """A server with a key of the operator's own: `root`."""
    folder = tmp_path_factory.mktemp("guarded")
    with open_site(sqlite_address(), models, folder, api_keys=("root",)) as made:
        yield made


def call(site: Site, method: str, path: str, key: str | None, **options: object) -> httpx.Response:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return site.running.client.request(method, f"/api{path}", headers=headers, **options)  # type: ignore[arg-type]


def test_keys_are_made_shown_once_and_do_what_their_scopes_say(guarded: Site) -> None:
    made: dict[str, str] = {}
    for scope in ("infer", "operate", "admin"):
        body = {"name": scope, "scopes": [scope]}
        answer = call(guarded, "POST", "/keys", "root", json=body)
        assert answer.status_code == 201
        made[scope] = answer.json()["key"]
    listed = call(guarded, "GET", "/keys", made["admin"]).json()["items"]
    assert {"infer", "operate", "admin"} <= {each["name"] for each in listed}
    assert not any(key in str(listed) for key in made.values())
    table = {
        ("GET", "/models/"): ("infer", 200),
        ("GET", "/pool"): ("infer", 200),
        ("GET", "/jobs"): ("infer", 200),
        ("GET", "/catalogue?limit=1"): ("infer", 200),
        ("GET", "/server"): ("infer", 200),
        ("GET", "/benchmarks/datasets"): ("infer", 200),
        ("POST", f"{MODELS}/switch/none"): ("operate", 404),
        ("POST", "/pool/none/plan"): ("operate", 404),
        ("POST", "/reload"): ("operate", 200),
        ("GET", "/keys"): ("admin", 200),
        ("DELETE", "/keys/99999"): ("admin", 404),
    }
    order = ("infer", "operate", "admin")
    for (method, path), (least, status) in table.items():
        assert call(guarded, method, path, None).status_code == 401
        for scope in order:
            allowed = order.index(scope) >= order.index(least)
            found = call(guarded, method, path, made[scope]).status_code
            assert found == (status if allowed else 403), (method, path, scope)


def test_a_switch_names_the_key_that_asked_for_it(guarded: Site) -> None:
    body = {"name": "alice", "scopes": ["operate"]}
    key = call(guarded, "POST", "/keys", "root", json=body).json()["key"]
    job = call(guarded, "POST", f"{MODELS}/switch/v1", key, json={}).json()
    assert job["actor"] == "alice"
    for _ in range(3000):
        if (active := guarded.registry.active(KIND)) is not None:
            break
        time.sleep(0.02)
    assert active is not None
    assert active.actor == "alice"


def test_a_key_that_is_revoked_here_is_refused_at_once(guarded: Site) -> None:
    body = {"name": "guest", "scopes": ["infer"], "expires_at": "2099-01-01T00:00:00Z"}
    made = call(guarded, "POST", "/keys", "root", json=body).json()
    assert made["expires_at"] == "2099-01-01T00:00:00Z"
    assert call(guarded, "GET", "/pool", made["key"]).status_code == 200
    gone = call(guarded, "DELETE", f"/keys/{made['id']}", "root").json()
    assert gone["revoked_by"] == "operator"
    assert call(guarded, "GET", "/pool", made["key"]).status_code == 401


@pytest.mark.parametrize("ends_by", ["revocation", "expiry"])
def test_a_stream_of_events_ends_with_its_key(guarded: Site, ends_by: str) -> None:
    body: dict[str, object] = {"name": f"ends by {ends_by}", "scopes": ["infer"]}
    if ends_by == "expiry":
        body["expires_at"] = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
    made = call(guarded, "POST", "/keys", "root", json=body).json()
    headers = {"authorization": f"Bearer {made['key']}"}
    with guarded.running.client.stream("GET", "/api/events", headers=headers) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        next(lines)
        if ends_by == "revocation":
            call(guarded, "DELETE", f"/keys/{made['id']}", "root")
        began_s = time.monotonic()
        for _ in lines:
            assert time.monotonic() - began_s < 20
        assert time.monotonic() - began_s < 20


def test_wrong_keys_and_bodies_are_refused(guarded: Site) -> None:
    for wrong in (
        {"name": "", "scopes": ["infer"]},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["root"]},
        {"name": "x", "scopes": ["infer"], "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "x", "scopes": ["infer"], "expires_at": "2099-01-01T00:00:00"},
        {"name": "a\nb", "scopes": ["infer"]},
        {"name": 7, "scopes": ["infer"]},
    ):
        assert call(guarded, "POST", "/keys", "root", json=wrong).status_code == 422, wrong
    assert not [e for e in ApiKeys(guarded.registry.database).list() if e.name in ("", "x")]


@pytest.fixture
def without_registry() -> Iterator[RunningServer]:
    with running_server() as running:
        yield running


def test_a_server_without_a_registry_says_how_to_give_it_one(
    without_registry: RunningServer,
) -> None:
    for path in ("/api/models/", "/api/models/k/history", "/api/keys"):
        answer = without_registry.client.get(path)
        assert answer.status_code == 503
        assert "--database sqlite:///FILE" in answer.json()["detail"]
        assert answer.json()["code"] == "no_registry"
    server = without_registry.client.get("/api/server").json()
    assert (server["database"], server["deployment"]) == (None, None)
    assert without_registry.client.get("/api/pool").status_code == 200


def test_a_server_without_a_deployment_has_none_to_read_again(
    without_registry: RunningServer,
) -> None:
    answer = without_registry.client.post("/api/reload")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_deployment")
    assert answer.json()["detail"].endswith("start: holotype serve deployment.yaml")
    assert "apply()" not in answer.text
    # Nothing was deployed, so nothing is said to have been.
    assert without_registry.client.get("/api/pool").json()["events"] == []


def test_the_description_names_the_shape_of_every_answer(site: Site) -> None:
    schema = site.running.client.get("/openapi.json").json()
    paths = {path: each for path, each in schema["paths"].items() if path.startswith("/api/")}
    assert len(paths) > 25
    for path, methods in paths.items():
        for method, operation in methods.items():
            successes = [code for code in operation["responses"] if code.startswith("2")]
            assert successes, (path, method)
            content = operation["responses"][successes[0]]["content"]
            (shape,) = [e for name, e in content.items() if "json" in name or "event" in name][:1]
            assert shape.get("schema") or "itemSchema" in shape, (path, method)
