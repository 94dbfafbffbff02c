"""Free licences that only mteb gives, and that a model's family contradicts.

Terms like Gemma's and Llama's hold for every model that is made of the weights. Where mteb alone
calls such a model free, its word does not count: what its maker says is unknown until a card was
read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalogue.facts import MTEB, Fact, is_rounded
from catalogue.provenance import key_of

LICENSE = "/license"
_BASE = "/lineage/adapted_from"
_NETWORK = "/architecture/type"
_PARAMETERS = "/specs/parameters"

_FREE = frozenset(
    (
        *("afl-3.0", "apache-2.0", "bsd-3-clause", "cc-by-3.0", "cc-by-4.0", "cc0-1.0", "mit"),
        *("openmdw-1.1", "unlicense"),
    )
)
"""Licences by the Hub's ids that leave every use free; any other one binds."""

_BINDING_BASES = re.compile(
    r"google/(?:code|embedding|pali|t5)gemma.*|google/gemma-(?!4).*"
    r"|meta-llama/.*|LiquidAI/LFM2.*|Qwen/Qwen2\.5-(?:VL-|Coder-|Omni-)?3B.*",
    re.IGNORECASE,
)
"""Bases under terms of their makers' own: https://ai.google.dev/gemma/terms (Gemma 4 is free),
https://www.llama.com/license/, https://www.liquid.ai/lfm-license, and Qwen's for research, which
of the language models of its generation that are bases here holds for those of 3 billion
parameters."""

_BINDING_NETWORKS = frozenset(
    ["colpali", "gemma", "gemma2", "gemma3", "gemma3_text", "paligemma", "t5gemma", "t5gemma2"]
)
"""Networks of which all known weights are made of Gemma's."""

_NAMES_OF_LLAMA = re.compile(r"llama-?[234]|repllama|sheared-llama", re.IGNORECASE)
"""Names of models made of Llama; a network of that type may have been trained from the start."""

_BINDING_WHERE_SMALL, _FREE_FROM = frozenset(["qwen2_5_omni_thinker", "qwen2_5_vl"]), 5_000_000_000
"""The networks of Qwen2.5-Omni and Qwen2.5-VL, and the size that only models of free weights have."""

Facts = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Families:
    """What is known of all models, by repository, and the bases that mteb names."""

    facts: Mapping[str, Facts]
    mteb: Mapping[str, Mapping[str, Any]]
    children: Mapping[str, list[str]] = field(init=False)
    bound_counts: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        """Find the models that were made of each, and how many parameters those of binding bases have."""
        children: dict[str, list[str]] = {}
        counts: set[int] = set()
        for repository, facts in self.facts.items():
            base = self._base(repository)
            if base is not None:
                children.setdefault(base, []).append(repository)
            size = facts.get(_PARAMETERS)
            bound = any(
                _BINDING_BASES.fullmatch(base) and self._binds(base)
                for base in self._bases(repository)
            )
            if bound and size is not None and not is_rounded(size.value):
                counts.add(size.value)
        object.__setattr__(self, "children", children)
        object.__setattr__(self, "bound_counts", frozenset(counts))

    def contradict(self, repository: str) -> bool:
        """Whether the licence of a model is a free one of mteb's, and something of its family binds."""
        licence = self.facts[repository].get(LICENSE)
        return (
            licence is not None
            and key_of(licence.source) == MTEB
            and licence.value in _FREE
            and self._is_bound(repository)
        )

    def _is_bound(self, repository: str) -> bool:
        return (
            self._is_made_of_bound_weights(repository)
            or any(self._binds(base) for base in self._bases(repository))
            or any(self._binds(copy) for copy in self._conversions(repository))
        )

    def _is_made_of_bound_weights(self, repository: str) -> bool:
        facts = self.facts[repository]
        network, size = facts.get(_NETWORK), facts.get(_PARAMETERS)
        if network is not None and network.value in _BINDING_NETWORKS:
            return True
        if size is not None and size.value in self.bound_counts:
            # Two networks do not have the same number of parameters to the last one by chance.
            return True
        is_large = size is not None and size.value >= _FREE_FROM
        if network is not None and network.value in _BINDING_WHERE_SMALL and not is_large:
            return True
        return bool(_NAMES_OF_LLAMA.search(repository.rpartition("/")[2]))

    def _binds(self, repository: str) -> bool:
        licence = self.facts.get(repository, {}).get(LICENSE)
        if licence is not None and key_of(licence.source) != MTEB:
            return licence.value not in _FREE
        return bool(_BINDING_BASES.fullmatch(repository)) or (
            licence is not None and licence.value not in _FREE
        )

    def _bases(self, repository: str) -> Iterator[str]:
        seen = {repository}
        base = self._base(repository)
        while base is not None and base not in seen:
            yield base
            seen.add(base)
            base = self._base(base)

    def _base(self, repository: str) -> str | None:
        fact = self.facts.get(repository, {}).get(_BASE)
        base = self.mteb.get(repository, {}).get("adapted_from") if fact is None else fact.value
        return base or None

    def _conversions(self, repository: str) -> Iterator[str]:
        """Yield the same maker's copies of a model in another format: its name and more."""
        for child in self.children.get(repository, ()):
            if child.startswith(f"{repository}-"):
                yield child
