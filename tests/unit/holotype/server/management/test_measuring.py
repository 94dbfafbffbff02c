"""Benchmarks by the API, and what is made of their numbers."""

from __future__ import annotations

import csv
import io

from tests.unit.holotype.server.management.conftest import KIND, Site

MODELS = f"/models/{KIND}"


def test_versions_that_serve_and_that_do_not_are_measured_and_compared(site: Site) -> None:
    site.switch("v1", allow_different_vectors=True)
    n_loads = len(site.running.state.pool.events.last(kind="loaded"))
    body = {"versions": ["v1", "v2"], "test_run_id": "night-1", "n_requests": 5}
    job = site.wait(site.post(f"{MODELS}/benchmark", body, key="night-1"))
    assert (job["state"], job["type"], job["kind"]) == ("succeeded", "benchmark", KIND)
    assert [(each["name"], each["state"]) for each in job["steps"]] == [
        ("tiny-dense/v1", "succeeded"),
        ("tiny-dense/v2", "succeeded"),
    ]
    # The version that serves was not loaded again; the other one is gone.
    assert len(site.running.state.pool.events.last(kind="loaded")) == n_loads + 1
    assert [each["name"] for each in site.get("/pool")["models"]] == ["search"]
    assert {each["test_run_id"] for each in job["result"]["runs"]} == {"night-1"}

    page = site.get(f"/models/performance/{KIND}", limit=3)
    rest = site.get(f"/models/performance/{KIND}", limit=3, before=page["next"])
    assert len(page["items"]) + len(rest["items"]) == 4
    assert rest["next"] is None
    one = site.get(f"/models/performance/{KIND}", version="v2", dataset="everyday-en")
    assert [each["version"]["version_id"] for each in one["items"]] == ["v2"]
    names = [each["name"] for each in one["items"][0]["measurements"]]
    assert names == ["ndcg@10", "recall@1", "recall@10", "recall@5"]
    series = site.get(f"/models/performance/{KIND}", metric="latency_p50", points=300)
    assert (series["metric"], series["unit"], len(series["points"])) == ("latency_p50", "ms", 2)

    found = site.get(f"{MODELS}/compare", versions="v1,v2")
    metrics = {(each["dataset"], each["name"]): each for each in found["metrics"]}
    recall = metrics["everyday-en", "recall@1"]
    assert recall["values"][0] == recall["values"][1]
    assert recall["differences"][0] is None
    assert recall["differences"][1]["difference"] == 0
    assert recall["differences"][1]["verdict"] == "unclear"
    assert [each["active"] for each in found["versions"]] == [True, False]
    client = site.running.client
    text = client.get(f"/api{MODELS}/compare", params={"versions": "v1,v2", "format": "csv"})
    assert text.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert {row["metric"] for row in rows} == {each["name"] for each in found["metrics"]}
    plan = site.post(f"{MODELS}/switch/v2", {"dry_run": True}).json()
    assert len(plan["comparison"]["metrics"]) == len(found["metrics"])
    again = site.wait(site.post(f"{MODELS}/benchmark", body))
    assert again["problem"]["code"] == "version_exists"


def test_what_cannot_be_measured_or_compared_is_refused(site: Site) -> None:
    for body, status in (
        ({"versions": []}, 422),
        ({"versions": ["v1"], "datasets": ["/etc/passwd"]}, 422),
        ({"versions": ["v1"], "n_requests": 0}, 422),
        ({"versions": ["v77"]}, 404),
    ):
        assert site.post(f"{MODELS}/benchmark", body).status_code == status, body
    near = site.post(f"{MODELS}/benchmark", {"versions": ["v1"], "datasets": ["everyday"]}).json()
    assert near["suggestions"] == ["everyday-en"]
    client = site.running.client
    for query, status in (
        ({"versions": "v1"}, 422),
        ({"versions": "v1,v1"}, 422),
        ({"versions": "v1,v77"}, 404),
        ({"versions": "v1,v2", "format": "xml"}, 422),
    ):
        answer = client.get(f"/api{MODELS}/compare", params=query)
        assert answer.status_code == status, query
    points = client.get(f"/api/models/performance/{KIND}", params={"points": 10})
    assert "metric" in points.json()["detail"]
    names = {each["name"]: each["types"] for each in site.get("/benchmarks/datasets")["items"]}
    assert names["sentiment-en"] == ["classifier"]


def test_texts_that_no_database_takes_are_refused(site: Site) -> None:
    client = site.running.client
    path = f"/api{MODELS}"
    answers = [
        client.get(path, params={"q": "a\0b"}),
        client.get(f"{path}/history", params={"at": "0001-01-01T00:00:00+14:00"}),
        client.get(f"{path}/history", params={"at": "2026-01-01T00:00:00"}),
        client.get(f"/api/models/performance/{KIND}", params={"dataset": "a\0"}),
        client.get(f"/api/models/performance/{KIND}", params={"metric": "\0", "points": 3}),
        client.get(f"{path}/compare", params={"versions": "v1,v\0"}),
        client.post(f"{path}/switch/v%00", json={}),
        client.post(f"{path}/switch/v1", json={"reason": "a\nb"}),
        client.post(
            f"{path}/switch/v1",
            content=b'{"reason": "\\ud800"}',
            headers={"content-type": "application/json"},
        ),
        client.post(f"{path}/rollback", json={}, headers={b"idempotency-key": b"\xa0"}),
        client.post(
            f"{path}/register",
            json={"reference": "local:/a\0", "version_id": "v9"},
        ),
        client.post(
            "/api/keys",
            json={"name": "x", "scopes": ["infer"], "expires_at": "9999-12-31T23:59:59-14:00"},
        ),
    ]
    assert [each.status_code for each in answers] == [422] * len(answers)
    body = {"reference": f"local:{site.folder}/v1", "version_id": "v9"}
    job = site.wait(site.post(f"{MODELS}/register", {**body, "inference_config": {"dim": "\0"}}))
    assert job["problem"]["status"] == 422
