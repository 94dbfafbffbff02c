"""What a repository holds, as far as what was read from its files proves it."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.facts import Candidates, Fact, registry
from catalogue.files import from_counts_of_files, from_read_files

Line = dict[str, Any]
CONFIG = "/files/config"
SAFETENSORS = "/files/weights/safetensors"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def line(mteb_line: Line) -> Line:
    return mteb_line | {"framework": ["safetensors"], "memory_usage_mb": 90}


def test_a_value_read_from_the_configuration_proves_it() -> None:
    source = f"hub: config.json @ {COMMIT}"
    found = from_read_files({"/specs/hidden_dim": [Fact(384, source)]})
    assert found == {CONFIG: [Fact("config.json", source)]}


def test_the_tag_of_a_network_is_made_from_the_configuration() -> None:
    source = f"hub: tags @ {COMMIT}"
    found = from_read_files({"/architecture/type": [Fact("bert", source)]})
    assert found == {CONFIG: [Fact("config.json", source)]}


@pytest.mark.parametrize(
    ("pointer", "source"),
    [
        ("/specs/license", f"hub: tags @ {COMMIT}"),
        ("/encoding/pooling", f"hub: 1_Pooling/config.json @ {COMMIT}"),
        ("/specs/hidden_dim", f"hub-copy: acme/copy config.json @ {COMMIT}"),
        ("/specs/hidden_dim", "hub: config.json"),
    ],
)
def test_other_evidence_says_nothing_of_the_configuration(pointer: str, source: str) -> None:
    assert from_read_files({pointer: [Fact("any", source)]}) == {}


def test_counts_prove_the_files_that_they_were_read_from(line: Line) -> None:
    assert from_counts_of_files(line, {}) == {
        CONFIG: [Fact("config.json", registry(line))],
        SAFETENSORS: [Fact("model.safetensors", registry(line))],
    }


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({"n_embedding_parameters": None}, {}),
        ({"model_type": ["cross-encoder"]}, {}),
        ({"loader": "RepLLaMAModel"}, {}),
        ({}, {"/architecture/type": [Fact("static", "parameter-count")]}),
    ],
)
def test_a_table_measured_otherwise_proves_no_configuration(
    line: Line, change: Line, known: Candidates
) -> None:
    assert CONFIG not in from_counts_of_files(line | change, known)


@pytest.mark.parametrize(
    "change",
    [
        {"framework": ["PyTorch"]},
        {"framework": None},
        {"n_parameters": 33_000_000},
        {"n_parameters": None},
        {"memory_usage_mb": 4_700},
        {"memory_usage_mb": None},
        {"release_date": "2024-01-31"},
        {"release_date": None},
        {"loader": "loader_inner"},
    ],
)
def test_weights_that_may_lie_otherwise_are_left_open(line: Line, change: Line) -> None:
    assert SAFETENSORS not in from_counts_of_files(line | change, {})
