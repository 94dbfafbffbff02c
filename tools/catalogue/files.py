"""What a repository holds, as far as what was read from its files proves it.

A value that was read from a file proves the file. The registry counts parameters from the headers
of the weights, and token embeddings from the configuration, both of which it looks for at the top
of the repository only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalogue.facts import Candidates, Fact, best, is_rounded, registry
from catalogue.provenance import is_followed

_NETWORK = "/architecture/type"
_CONFIG = "/files/config"
_SAFETENSORS = "/files/weights/safetensors"

_CONFIG_NAME = "config.json"
_WEIGHTS_NAME = "model.safetensors"

_LOADERS_OF_ADAPTERS = ("RepLLaMAModel", "loader_inner")
"""Loaders of mteb that put what the repository holds on another repository's model."""

_LARGEST_SINGLE_FILE_MB = 4_700
"""Transformers 4 and Sentence Transformers split weights of more than 5 GB."""

_SAFETENSORS_BY_DEFAULT_SINCE = "2024-02-01"
"""From here on both libraries save in this format: a commit with weights has it from the start.

Earlier commits may lie before the one that added a copy in this format.
"""


def from_read_files(found: Candidates) -> Candidates:
    """Return the configuration that something was read from: itself, or the tag of its network.

    The Hub makes the tag with the network's name from the configuration at the top of the
    repository.
    """
    readings = [
        fact
        for pointer, facts in found.items()
        for fact in facts
        if fact.source.startswith(f"hub: {_CONFIG_NAME} @ ")
        or (pointer == _NETWORK and fact.source.startswith("hub: tags @ "))
    ]
    followed = [Fact(_CONFIG_NAME, fact.source) for fact in readings if is_followed(fact.source)]
    return {_CONFIG: followed} if followed else {}


def from_counts_of_files(row: Mapping[str, Any], found: Candidates) -> Candidates:
    """Return the files that the registry's counts were read from.

    Args:
        row: a line of mteb's registry.
        found: what is known of the model so far.
    """
    proven: Candidates = {}
    if row["loader"] in _LOADERS_OF_ADAPTERS:
        return proven
    network = best(found.get(_NETWORK, []))
    of_vectors = network is not None and network.value == "static"
    scores = row["model_type"] == ["cross-encoder"]
    if row["n_embedding_parameters"] and not of_vectors and not scores:
        # It measures the table of a cross-encoder itself, and that of static vectors is the model.
        proven[_CONFIG] = [Fact(_CONFIG_NAME, registry(row))]
    if _counts_one_file(row):
        proven[_SAFETENSORS] = [Fact(_WEIGHTS_NAME, registry(row))]
    return proven


def _counts_one_file(row: Mapping[str, Any]) -> bool:
    total, memory, released = row["n_parameters"], row["memory_usage_mb"], row["release_date"]
    return bool(
        "safetensors" in (row.get("framework") or ())
        and total
        and not is_rounded(total)
        and memory
        and memory < _LARGEST_SINGLE_FILE_MB
        and released
        and released >= _SAFETENSORS_BY_DEFAULT_SINCE
    )
