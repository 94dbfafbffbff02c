"""Counts of parameters that leave out the projection, which lies in a file of its own.

mteb adds up the headers of one file, `model.safetensors`, where the network lies. Sentence
Transformers and PyLate write a projection into a folder beside it. Such a count is that of the
network to the last parameter, which another model without a projection shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from catalogue.facts import DERIVED, MTEB, Fact
from catalogue.provenance import key_of
from catalogue.shapes import COUNTED

PARAMETERS = "/specs/parameters"

_PROJECTS = "/architecture/has_projection"
_VOCABULARY = "/specs/vocab_size"
_WIDTH = "/specs/hidden_dim"
_DIM = "/specs/embedding_dim"
_BY_THE_FILE = (MTEB, COUNTED)
"""Sources that know nothing of the files beside the network's."""

Facts = Mapping[str, Fact]


def with_whole_counts(
    facts: Mapping[str, Facts], encoding: Mapping[str, Mapping[str, Any]]
) -> dict[str, Fact | None]:
    """Return the counts of the models whose projection is missing in what was chosen.

    Args:
        facts: what was chosen for each model, by repository.
        encoding: the encoding facts, by repository, with the modules that are linear layers.

    Returns:
        The count with the projection; None where the projection's shape is not known.
    """
    networks = {
        network
        for chosen in facts.values()
        if not _value(chosen, _PROJECTS, unknown=True)
        for network in _network(chosen)
    }
    return {
        repository: _completed(chosen[PARAMETERS], encoding.get(repository, {}))
        for repository, chosen in facts.items()
        if _projects(chosen)
        for network in _network(chosen)
        if network in networks and key_of(chosen[PARAMETERS].source) in _BY_THE_FILE
    }


def _network(facts: Facts) -> Iterable[tuple[int, int]]:
    """Yield the width, and the parameters besides the table of tokens, where they are known."""
    total, words, width = (_value(facts, p) for p in (PARAMETERS, _VOCABULARY, _WIDTH))
    if total and words and width:
        yield width, total - words * width


def _projects(facts: Facts) -> bool:
    """Whether a source says so, or the vectors have another width than the network."""
    dim, width = _value(facts, _DIM), _value(facts, _WIDTH)
    return bool(_value(facts, _PROJECTS, unknown=dim and width and dim != width))


def _completed(count: Fact, row: Mapping[str, Any]) -> Fact | None:
    layers = row.get("dense_modules")
    if not layers:
        return None
    sizes = (layer["out"] * (layer["in"] + layer["bias"]) for layer in layers)
    return Fact(count.value + sum(sizes), DERIVED)


def _value(facts: Facts, pointer: str, *, unknown: Any = None) -> Any:
    fact = facts.get(pointer)
    return unknown if fact is None or fact.value is None else fact.value
