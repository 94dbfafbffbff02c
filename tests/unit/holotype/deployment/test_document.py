"""The records of a deployment."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from tests.unit.holotype.deployment.made import FULL, deployments

from holotype.deployment.document import (
    BuiltinSource,
    Deployment,
    MemoryLimit,
    PoolSettings,
    ReferenceSource,
    is_moving,
)
from holotype.deployment.reading import read_text
from holotype.references.ref import ModelRef


@given(deployments())
def test_records_are_values(deployment: Deployment) -> None:
    copy = pickle.loads(pickle.dumps(deployment))
    assert copy == deployment
    assert hash(copy) == hash(deployment)


def test_records_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Deployment().models = ()  # type: ignore[misc]


def test_a_limit_is_a_share_or_bytes_and_never_more_than_there_is() -> None:
    assert MemoryLimit(share=0.5).of(1_000) == 500
    assert MemoryLimit(n_bytes=300).of(1_000) == 300
    assert MemoryLimit(n_bytes=3_000).of(1_000) == 1_000


def test_a_device_has_its_own_limit_else_that_of_all_else_four_fifths() -> None:
    own, every = MemoryLimit(device="cpu", n_bytes=7), MemoryLimit(n_bytes=9)
    pool = PoolSettings(memory=(every, own))
    assert (pool.limit("cpu"), pool.limit("cuda:0")) == (own, every)
    assert PoolSettings(memory=(own,)).limit("cuda:0").of(100) == 80


def test_a_model_is_found_by_its_name() -> None:
    deployment = read_text(FULL)
    found = deployment.find("small")
    assert found is not None
    assert found.name == "small"
    assert deployment.find("smaller") is None


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("hf:org/model", True),
        ("hf:org/model@main", True),
        (f"hf:org/model@{'0' * 40}", False),
        ("local:store@production", True),
        ("local:folder", False),
        ("s3://bucket/prefix", False),
        ("catalogue:bge-m3", False),
    ],
)
def test_repositories_without_a_commit_and_aliases_move(text: str, moves: bool) -> None:
    assert is_moving(ReferenceSource(ref=ModelRef.parse(text))) is moves


def test_a_built_in_classifier_does_not_move() -> None:
    assert not is_moving(BuiltinSource(name="pii"))
