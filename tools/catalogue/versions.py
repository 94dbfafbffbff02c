"""Lengths that only mteb gives, and that a better source refutes for another version of a model.

Who filled in mteb's line of one version with the length of the training, or of the language model,
did the same with the next one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from catalogue.facts import MTEB, Fact
from catalogue.provenance import key_of
from catalogue.refuted import with_refuted_values

LENGTH = "/specs/context_length"

_VERSION = re.compile(r"-v\d+(\.\d+)*(?=-|$)", re.IGNORECASE)
_UNUSED_POSITIONS = 2
"""RoBERTa's, which some lines of the registry count as length: no other version errs for that."""


def with_refuted_lengths(
    facts: Mapping[str, Mapping[str, Fact]], mteb: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """Return the repositories whose length is mteb's alone, and wrong for another of their versions.

    Args:
        facts: what was chosen for each model, by repository.
        mteb: mteb's registry, by repository.
    """
    return with_refuted_values(
        facts,
        mteb,
        pointer=LENGTH,
        key="max_tokens",
        group=_without_version,
        refutes=_refutes,
    )


def _refutes(fact: Fact, length: int) -> bool:
    """Whether a better source than mteb gives another length, also not that of RoBERTa's table."""
    if fact.value is None or key_of(fact.source) == MTEB:
        return False
    return bool(length not in (fact.value, fact.value + _UNUSED_POSITIONS))


def _without_version(repository: str) -> str:
    return _VERSION.sub("", repository).lower()
