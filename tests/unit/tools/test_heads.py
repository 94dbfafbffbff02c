"""Counts of mteb's that leave out a projection, which lies in a file of its own."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.facts import Fact
from catalogue.heads import PARAMETERS, with_whole_counts

REGISTRY = "mteb: mteb/models/model_implementations/acme_models.py"
PROJECTS = "/architecture/has_projection"
WIDTH, WORDS, BODY = 384, 1000, 5_000_000
NETWORK = WORDS * WIDTH + BODY
LINEAR = {"in": 384, "out": 96, "bias": False, "activation": "identity"}
BIASED = {"in": 96, "out": 768, "bias": True, "activation": "tanh"}


def completed(
    count: int = NETWORK,
    layers: list[dict[str, Any]] | None = None,
    *,
    projects: bool | None = True,
    dim: int = WIDTH,
    source: str = REGISTRY,
) -> dict[str, int | None]:
    """Return the counts that replace `count`, beside a plain model with other words."""

    def sizes(words: int) -> dict[str, Fact]:
        return {"/specs/vocab_size": Fact(words, REGISTRY), "/specs/hidden_dim": Fact(WIDTH, "")}

    plain = {PROJECTS: Fact(False, ""), PARAMETERS: Fact(3000 * WIDTH + BODY, REGISTRY)}
    model = {
        PROJECTS: Fact(projects, ""),
        PARAMETERS: Fact(count, source),
        "/specs/embedding_dim": Fact(dim, REGISTRY),
    }
    facts = {
        "acme/plain": plain | sizes(3000),
        "acme/colbert": model | sizes(WORDS),
        "acme/unknown": {},
    }
    found = with_whole_counts(facts, {"acme/colbert": {"dense_modules": layers}})
    return {name: None if fact is None else fact.value for name, fact in found.items()}


@pytest.mark.parametrize(
    ("layers", "total"),
    [
        ([LINEAR], NETWORK + 384 * 96),
        ([LINEAR, BIASED], NETWORK + 384 * 96 + 96 * 768 + 768),
        (None, None),
    ],
    ids=["one layer", "a bias", "an unknown projection"],
)
def test_the_count_of_a_network_gets_its_projection(
    layers: list[dict[str, Any]] | None, total: int | None
) -> None:
    assert completed(layers=layers) == {"acme/colbert": total}


def test_vectors_of_another_width_come_from_a_projection() -> None:
    assert completed(projects=None, dim=96) == {"acme/colbert": None}


@pytest.mark.parametrize(
    ("count", "projects", "source"),
    [
        (NETWORK + 384 * 96, True, REGISTRY),
        (NETWORK, False, REGISTRY),
        (NETWORK, None, REGISTRY),
        (NETWORK, True, "github: acme/embed README.md @ 1234567"),
    ],
    ids=["with the projection", "no projection", "nobody knows of one", "a better source"],
)
def test_any_other_count_stays(count: int, projects: bool | None, source: str) -> None:
    assert completed(count, [LINEAR], projects=projects, source=source) == {}
