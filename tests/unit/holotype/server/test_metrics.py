"""What `/metrics` says of a pool stays readable by Prometheus, however long it runs."""

from __future__ import annotations

from collections import Counter

from prometheus_client.parser import text_string_to_metric_families
from tests.unit.holotype.pool.serving import Kitchen

from holotype.pool import Pool
from holotype.server.metrics import ServerMetrics


def series(pool: Pool) -> Counter[tuple[str, frozenset[tuple[str, str]]]]:
    """Return how often each series is in the text."""
    text = ServerMetrics(pool).text().decode()
    return Counter(
        (sample.name, frozenset(sample.labels.items()))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    )


def test_loading_a_model_again_makes_no_new_series() -> None:
    kitchen = Kitchen()
    with kitchen.pool(kitchen.spec("a")) as pool:
        for _ in range(2):
            pool.call("a", "encode_query", ["x"])
            pool.unload("a")
        before = series(pool)
        for _ in range(3):
            pool.call("a", "encode_query", ["x"])
            pool.unload("a")
        assert series(pool) == before
        assert pool.metrics.value("loads", "a") == 5


def test_copies_of_a_model_are_series_of_their_own() -> None:
    kitchen = Kitchen()
    with kitchen.pool(kitchen.spec("a", copies=2, preload=True)) as pool:
        pool.wait_until_ready()
        found = series(pool)
    assert set(found.values()) == {1}
    copies = {dict(labels)["copy"] for name, labels in found if name == "holotype_model_generation"}
    assert copies == {"1", "2"}
